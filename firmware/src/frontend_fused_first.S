/*
 * frontend_fused_first: window, headroom and the first butterflies in one pass.
 *
 * A butterfly loads its pairs of samples (one word each) and their weights, shifts the
 * products to their place and adds; legs that lie in the zeros around the window are left
 * out. The four results go where the next stage reads them.
 *
 *   r0   samples of the first leg that is read    r1   bytes from leg to leg
 *   r2   weights, then cos, sin of 2k, k, 3k      r3   scratch
 *   r12  results, 32 bytes before the first       lr   butterflies to come << 8 | shift
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* What the stack holds, from sp on. */
    .set PCM, 0
    .set SHIFT, 4        /* headroom + 1, less 256 */
    .set AT, 8           /* the next butterfly */
    .set COLUMN_END, 12  /* and the first one whose results are another leg */
    .set COLUMN, 16      /* results of the next leg of the stage after, less 32 bytes */
    .set LOCALS, 20      /* 9 saved registers, then the caller's arguments */
    .set LEAD, 56
    .set QUARTER, 60
    .set FOURTH, 64      /* weights of the next butterfly's leg 3 where it has all legs */

.macro weigh re, im, pair
    smulwb \re, \re, \pair
    smulwt \im, \im, \pair
.endm

/* Up by headroom and 1; the 4 down are the operands', or `over_16`. */
.macro place registers:vararg
    .irp r, \registers
    lsl \r, \r, lr
    .endr
.endm

.macro over_16 registers:vararg
    .irp r, \registers
    asr \r, \r, #4
    .endr
.endm

/* Result 1, turned; c and s are scratch. Then the pairs of k and 3k. */
.macro store_1 re, im, c, s, to=r3
    ldrd \c, \s, [r2], #8
    turn \to, \re, \im, \c, \s
    strd \to, \im, [r12, #96]
.endm

.macro store_2 re, im, c, s, to=r3
    turn \to, \re, \im, \c, \s
    strd \to, \im, [r12, #64]
.endm

.macro store_3 re, im, c, s, to=r3
    turn \to, \re, \im, \c, \s
    strd \to, \im, [r12, #128]!
.endm

/* Legs 1, 2, 3. */
.macro butterfly_bcd
    ldm r2!, {r6-r11}
    ldr r3, [r0, r1, lsl #1]
    weigh r10, r11, r3
    ldr r3, [r0, r1]
    weigh r8, r9, r3
    ldr r3, [r0], #4
    weigh r6, r7, r3
    place r6, r7, r8, r9, r10, r11
    over_16 r6, r7
    sub r4, r6, r10, asr #4
    add r6, r6, r10, asr #4
    sub r5, r7, r11, asr #4
    add r7, r7, r11, asr #4
    add r10, r6, r8, asr #4
    add r11, r7, r9, asr #4
    strd r10, r11, [r12, #32]
    rsb r6, r6, r8, asr #4
    rsb r7, r7, r9, asr #4
    sub r10, r5, r8, asr #4
    sub r11, r4, r9, asr #4
    sub r4, r11, r4, lsl #1
    sub r5, r10, r5, lsl #1
    store_1 r6, r7, r8, r9
    ldm r2!, {r6-r9}
    store_2 r10, r4, r6, r7
    store_3 r5, r11, r8, r9
.endm

/* Legs 0, 1, 2. */
.macro butterfly_abc
    ldm r2!, {r4-r9}
    ldr r3, [r0, r1, lsl #1]
    weigh r8, r9, r3
    ldr r3, [r0, r1]
    weigh r6, r7, r3
    ldr r3, [r0], #4
    weigh r4, r5, r3
    place r4, r5, r6, r7, r8, r9
    over_16 r4, r5
    sub r10, r4, r8, asr #4
    add r4, r4, r8, asr #4
    sub r11, r5, r9, asr #4
    add r5, r5, r9, asr #4
    add r8, r4, r6, asr #4
    add r9, r5, r7, asr #4
    strd r8, r9, [r12, #32]
    sub r4, r4, r6, asr #4
    sub r5, r5, r7, asr #4
    add r8, r10, r7, asr #4
    sub r10, r10, r7, asr #4
    sub r7, r11, r6, asr #4
    add r11, r11, r6, asr #4
    store_1 r4, r5, r6, r9
    ldm r2!, {r4-r6, r9}
    store_2 r8, r7, r4, r5
    store_3 r10, r11, r6, r9
.endm

/* All legs; the last one's weights are apart. */
.macro butterfly_abcd
    ldm r2!, {r4-r9}
    ldr r3, [sp, #FOURTH]
    ldrd r10, r11, [r3], #8
    str r3, [sp, #FOURTH]
    adds r3, r0, r1
    ldr r3, [r3, r1, lsl #1]
    weigh r10, r11, r3
    ldr r3, [r0, r1, lsl #1]
    weigh r8, r9, r3
    ldr r3, [r0, r1]
    weigh r6, r7, r3
    ldr r3, [r0], #4
    weigh r4, r5, r3
    place r4, r5, r6, r7, r8, r9, r10, r11
    over_16 r4, r5, r6, r7
    add_shifted r3, asr #4
    add_even
    strd r11, r6, [r12, #32]
    store_1 r4, r5, r6, r7, r11
    add_odd r3
    ldm r2!, {r6, r7, r9, r10}
    store_2 r4, r5, r6, r7, r11
    store_3 r3, r8, r9, r10, r11
.endm

/* Legs 1 and 2; two words of weights are skipped. */
.macro butterfly_bc
    ldm r2!, {r6-r11}
    ldr r3, [r0, r1]
    weigh r8, r9, r3
    ldr r3, [r0], #4
    weigh r6, r7, r3
    place r6, r7, r8, r9
    over_16 r6, r7
    add r10, r6, r8, asr #4
    add r11, r7, r9, asr #4
    strd r10, r11, [r12, #32]
    rsb r4, r6, r8, asr #4
    rsb r5, r7, r9, asr #4
    sub r10, r7, r8, asr #4
    sub r11, r6, r9, asr #4
    sub r6, r11, r6, lsl #1
    sub r7, r10, r7, lsl #1
    store_1 r4, r5, r8, r9
    ldm r2!, {r4, r5, r8, r9}
    store_2 r10, r6, r4, r5
    store_3 r7, r11, r8, r9
.endm

/* Butterflies r4 .. r10 - 1, of one kind and one column. */
.macro run kind
    str r10, [sp, #AT]
    sub r10, r10, r4
    ldr lr, [sp, #SHIFT]
    add lr, lr, r10, lsl #8
4:  butterfly_\kind
    subs lr, lr, #256
    bhs 4b
    b next_run
.endm

/* (window, pcm, out, headroom, lead, quarter, fourth) */
function frontend_fused_first_simd
    push {r4-r11, lr}
    sub sp, sp, #LOCALS
    str r1, [sp, #PCM]
    subs r2, r2, #32
    str r2, [sp, #COLUMN]
    mov r2, r0
    ldr r1, [sp, #QUARTER]
    lsl r1, r1, #2
    movs r4, #0
    str r4, [sp, #AT]
    str r4, [sp, #COLUMN_END]
    subs r3, r3, #255
    str r3, [sp, #SHIFT]

next_run: /* each ends where a leg enters or leaves the window or a column ends */
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
    run abcd
3:  run abc
2:  add r0, r0, r1
    cmp r10, r6
    it hi
    movhi r10, r6
    cmp r4, r9
    bhs 3f
    cmp r10, r9
    it hi
    movhi r10, r9
    run bcd
3:  run bc

done:
    add sp, sp, #LOCALS
    pop {r4-r11, pc}
    end frontend_fused_first_simd
#endif
