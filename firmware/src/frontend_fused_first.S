/*
 * frontend_fused_first: window, headroom and the first butterflies in one pass.
 *
 * A butterfly loads its pairs of samples (one word each) and their weights, shifts the
 * products to their place and adds; legs that lie in the zeros around the window are left
 * out. The four results go where the next stage reads them.
 *
 *   r0   samples of the first leg that is read    r1   bytes from leg to leg; scratch
 *   r2   weights                                  r3   cos, sin of 2k, k, 3k
 *   r12  results, 32 bytes before the first       lr   butterflies to come << 8 | shift
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro weigh re, im, pair
    smulwb \re, \re, \pair
    smulwt \im, \im, \pair
.endm

.macro place shift, registers:vararg
    .irp r, \registers
    \shift \r, \r, lr
    .endr
.endm

/* Legs 1, 2, 3. */
.macro butterfly_bcd shift
    ldm r2!, {r4-r11} /* r4, r5: no leg */
    ldr r4, [r0, r1, lsl #1]
    weigh r10, r11, r4
    ldr r4, [r0, r1]
    weigh r8, r9, r4
    ldr r4, [r0], #4
    weigh r6, r7, r4
    place \shift, r6, r7, r8, r9, r10, r11
    sub r4, r6, r10
    add r6, r6, r10
    sub r5, r7, r11
    add r7, r7, r11
    add r10, r8, r6
    add r11, r9, r7
    strd r10, r11, [r12, #32]
    sub r6, r8, r6 /* result 1: r6, r7 */
    sub r7, r9, r7
    sub r10, r5, r8
    sub r11, r4, r9
    sub r4, r11, r4, lsl #1 /* result 2: r10, r4 */
    sub r5, r10, r5, lsl #1 /* result 3: r5, r11 */
    ldrd r8, r9, [r3], #8
    turn r1, r6, r7, r8, r9
    strd r1, r7, [r12, #96]
    ldm r3!, {r6-r9}
    turn r1, r10, r4, r6, r7
    strd r1, r4, [r12, #64]
    turn r1, r5, r11, r8, r9
    strd r1, r11, [r12, #128]!
.endm

/* Legs 0, 1, 2. */
.macro butterfly_abc shift
    ldm r2!, {r4-r11} /* r10, r11: no leg */
    ldr r10, [r0, r1, lsl #1]
    weigh r8, r9, r10
    ldr r10, [r0, r1]
    weigh r6, r7, r10
    ldr r10, [r0], #4
    weigh r4, r5, r10
    place \shift, r4, r5, r6, r7, r8, r9
    sub r10, r4, r8
    add r4, r4, r8
    sub r11, r5, r9
    add r5, r5, r9
    add r8, r4, r6
    add r9, r5, r7
    strd r8, r9, [r12, #32]
    sub r4, r4, r6 /* result 1: r4, r5 */
    sub r5, r5, r7
    add r8, r10, r7
    sub r10, r10, r7
    sub r7, r11, r6 /* result 2: r8, r7 */
    add r11, r11, r6 /* result 3: r10, r11 */
    ldrd r6, r9, [r3], #8
    turn r1, r4, r5, r6, r9
    strd r1, r5, [r12, #96]
    ldm r3!, {r4-r6, r9}
    turn r1, r8, r7, r4, r5
    strd r1, r7, [r12, #64]
    turn r1, r10, r11, r6, r9
    strd r1, r11, [r12, #128]!
.endm

/* All legs; r0 at leg 0. */
.macro butterfly_abcd shift
    ldm r2!, {r4-r7}
    ldr r8, [r0, r1]
    weigh r6, r7, r8
    ldr r8, [r0]
    weigh r4, r5, r8
    ldrd r9, r10, [r2], #8
    ldr r8, [r0, r1, lsl #1]
    weigh r9, r10, r8
    add r1, r1, r1, lsl #1
    ldr r8, [r0, r1]
    add r0, r0, #4
    ldrd r11, r1, [r2], #8
    smulwb r11, r11, r8
    smulwt r8, r1, r8
    place \shift, r4, r5, r6, r7, r8, r9, r10, r11
    add r4, r4, r9
    sub r9, r4, r9, lsl #1
    add r5, r5, r10
    sub r10, r5, r10, lsl #1
    add r6, r6, r11
    sub r11, r6, r11, lsl #1
    add r7, r7, r8
    sub r8, r7, r8, lsl #1
    add r4, r4, r6
    add r5, r5, r7
    strd r4, r5, [r12, #32]
    sub r6, r4, r6, lsl #1 /* result 1: r6, r7 */
    sub r7, r5, r7, lsl #1
    add r4, r9, r8
    sub r5, r10, r11 /* result 2: r4, r5 */
    sub r8, r9, r8
    add r11, r10, r11 /* result 3: r8, r11 */
    ldrd r9, r10, [r3], #8
    turn r1, r6, r7, r9, r10
    strd r1, r7, [r12, #96]
    ldm r3!, {r6, r7, r9, r10}
    turn r1, r4, r5, r6, r7
    strd r1, r5, [r12, #64]
    turn r1, r8, r11, r9, r10
    strd r1, r11, [r12, #128]!
.endm

/* Legs 1 and 2; r0 at leg 1. */
.macro butterfly_bc shift
    ldm r2!, {r4-r11} /* r4, r5, r10, r11: no leg */
    ldr r4, [r0, r1]
    weigh r8, r9, r4
    ldr r4, [r0], #4
    weigh r6, r7, r4
    place \shift, r6, r7, r8, r9
    add r10, r8, r6
    add r11, r9, r7
    strd r10, r11, [r12, #32]
    sub r4, r8, r6 /* result 1: r4, r5 */
    sub r5, r9, r7
    sub r10, r7, r8
    sub r11, r6, r9
    sub r6, r11, r6, lsl #1 /* result 2: r10, r6 */
    sub r7, r10, r7, lsl #1 /* result 3: r7, r11 */
    ldrd r8, r9, [r3], #8
    turn r1, r4, r5, r8, r9
    strd r1, r5, [r12, #96]
    ldm r3!, {r4, r5, r8, r9}
    turn r1, r10, r6, r4, r5
    strd r1, r6, [r12, #64]
    turn r1, r7, r11, r8, r9
    strd r1, r11, [r12, #128]!
.endm

/* What the stack holds, from sp on. */
    .set PCM, 0
    .set LEG_BYTES, 4
    .set SHIFT, 8      /* less 256 */
    .set COLUMN, 12    /* results of the next leg of the stage after, less 32 bytes */
    .set AT, 16        /* the next butterfly */
    .set COLUMN_END, 20 /* and the first one whose results are another leg */
    .set LOCALS, 28    /* 9 saved registers, then the caller's arguments */
    .set LEAD, 64
    .set QUARTER, 68
    .set HEADROOM, 72

/* Butterflies r4 .. r10 - 1, of one kind and one column. */
.macro run kind, shift
    str r10, [sp, #AT]
    sub r10, r10, r4
    ldr lr, [sp, #SHIFT]
    add lr, lr, r10, lsl #8
4:  ldr r1, [sp, #LEG_BYTES]
    butterfly_\kind \shift
    subs lr, lr, #256
    bhs 4b
    b next_run_\shift
.endm

/* Every run, of which each ends where a leg enters or leaves the window or a column ends. */
.macro runs shift
next_run_\shift:
    ldrd r4, r5, [sp, #AT]
    ldrd r6, r7, [sp, #LEAD]
    cmp r4, r5
    bne 1f
    cmp r4, r7
    beq done
    add r5, r5, r7, lsr #2
    str r5, [sp, #COLUMN_END]
    ldr r12, [sp, #COLUMN]
    add r8, r12, #8
    str r8, [sp, #COLUMN]
1:  ldr r0, [sp, #PCM]
    mov r10, r5
    sub r9, r7, r6 /* leg 3 ends there, leg 0 starts at r6 */
    subs r8, r4, r6
    add r0, r0, r8, lsl #2
    blo 2f
    cmp r4, r9
    bhs 3f
    cmp r10, r9
    it hi
    movhi r10, r9
    run abcd, \shift
3:  run abc, \shift
2:  add r0, r0, r7, lsl #2
    cmp r10, r6
    it hi
    movhi r10, r6
    cmp r4, r9
    bhs 3f
    cmp r10, r9
    it hi
    movhi r10, r9
    run bcd, \shift
3:  run bc, \shift
.endm

function frontend_fused_first_simd
    push {r4-r11, lr}
    sub sp, sp, #LOCALS
    str r2, [sp, #PCM]
    sub r3, r3, #32
    str r3, [sp, #COLUMN]
    mov r2, r0
    mov r3, r1
    ldrd r4, r5, [sp, #QUARTER] /* and the headroom */
    lsl r4, r4, #2
    str r4, [sp, #LEG_BYTES]
    movs r4, #0
    str r4, [sp, #AT]
    str r4, [sp, #COLUMN_END]
    subs r5, r5, #3 /* headroom + 1 up, 4 down */
    blo 1f
    sub r5, r5, #256
    str r5, [sp, #SHIFT]
    b next_run_lsl
1:  rsb r5, r5, #0
    sub r5, r5, #256
    str r5, [sp, #SHIFT]
    b next_run_asr
done:
    add sp, sp, #LOCALS
    pop {r4-r11, pc}
    runs lsl
    runs asr
    end frontend_fused_first_simd
#endif
