/* depthwise_lines_load: half a tile at a time, four columns of four channels. */
#include "simd.h"
#include "simd_asm.h"

#if PARITONE_SIMD

#define HALF_BYTES 32
#define ROW_BYTES 96

/* Frame; what a row begins with in the order of its load. */
#define FROM 0
#define TO 4
#define PITCH 8 /* from a row to the next */
#define LEFT 12
#define ZERO_POINTS 16
#define HALVES 20
#define REST 24
#define END 28 /* where no row is to come */
#define FRAME 32

/* r8 .. r11 are columns, each of four channels. */
.macro load_columns
    ldr r8, [r1]
    ldr r9, [r1, r2]
    ldr r10, [r1, r2, lsl #1]
    ldr r11, [r1, r12]
.endm

/* To r4 .. r11, two words of each channel; flags stay. */
.macro by_channels
    pkhbt r5, r8, r9, lsl #16 /* a0 a1 b0 b1: columns a, b, channels 0, 1 */
    pkhbt r7, r10, r11, lsl #16
    pkhtb r9, r9, r8, asr #16
    pkhtb r11, r11, r10, asr #16
    sxtb16 r4, r5
    sxtb16 r6, r5, ror #8
    sxtb16 r5, r7
    sxtb16 r7, r7, ror #8
    sxtb16 r8, r9
    sxtb16 r10, r9, ror #8
    sxtb16 r9, r11
    sxtb16 r11, r11, ror #8
.endm

.macro store_pairs
    str r4, [r3]
    str r6, [r3, #8]
    str r8, [r3, #16]
    str r10, [r3, #24]
.endm

/*   r0 lines   r1 from   r2 row   r3 rows */
function depthwise_lines_load_simd
    push {r4-r11, lr}
    sub sp, #FRAME
    mov r11, #ROW_BYTES
    ldr r10, [r0, #40] /* lines */
    mla r10, r2, r11, r10
    mla r11, r3, r11, r10
    ldm r0, {r3-r9} /* zero points, left, halves, rest, pitch, row_bytes, tile_bytes */
    mls r1, r4, r7, r1 /* where padding is, nothing is read */
    strd r1, r10, [sp, #FROM]
    strd r8, r4, [sp, #PITCH]
    strd r3, r5, [sp, #ZERO_POINTS]
    strd r6, r11, [sp, #REST]
    sub r0, r9, #2 * HALF_BYTES
    mov r2, r7
    add r12, r7, r7, lsl #1

10: ldm sp, {r1, r3, r4, r6, r8, lr} /* a row */
    add r4, r1
    add r5, r3, #ROW_BYTES
    strd r4, r5, [sp, #FROM]
    cmp lr, #0
    beq 5f
    cmp r6, #1
    it lt
    ldrlt r8, [r1]
    ldr r9, [r1, r2]
    ldr r10, [r1, r2, lsl #1]
    ldr r11, [r1, r12]
8:  by_channels
    b 3f

    .p2align 2
1:  load_columns
2:  by_channels /* the first half of a tile, its first pairs behind the one before it too */
    store_pairs
    add r3, r0
3:  stm r3!, {r4-r11}
    add r1, r1, r2, lsl #2
    subs lr, #1
    ble 4f
    load_columns
7:  by_channels /* the second half */
    stm r3!, {r4-r11}
    add r1, r1, r2, lsl #2
    subs lr, #1
    bgt 1b
    blt 9f
    ldr r4, [sp, #REST]
    ldr r5, [sp, #ZERO_POINTS]
    mov r7, #1
    cmp r4, #5
    blo 6f
    mov r9, r5 /* the pair behind the last tile */
    ldr r8, [r1]
    it hi
    ldrhi r9, [r1, r2]
    pkhbt r5, r8, r9, lsl #16
    pkhtb r9, r9, r8, asr #16
    sxtb16 r4, r5
    sxtb16 r6, r5, ror #8
    sxtb16 r8, r9
    sxtb16 r10, r9, ror #8
    store_pairs
    b 9f

    /* Less than a half. r7: -1, it is the second of a tile; 0, the first of the first one; 1, of
     * another one. */
4:  blt 9f
    ldr r4, [sp, #REST]
    ldr r5, [sp, #ZERO_POINTS]
    mov r7, #-1
6:  cbz r4, 9f
    mov r6, #0
    b 0f
5:  ldr r4, [sp, #REST]
    ldr r5, [sp, #ZERO_POINTS]
    mov r7, #0
0:  cmp r6, #1
    it lt
    ldrlt r8, [r1]
    mov r9, r5
    mov r10, r5
    mov r11, r5
    cmp r4, #2
    it hs
    ldrhs r9, [r1, r2]
    it hi
    ldrhi r10, [r1, r2, lsl #1]
    cmp r7, #0
    blt 7b
    beq 8b
    b 2b

9:  ldr r4, [sp, #TO]
    ldr r5, [sp, #END]
    cmp r4, r5
    bne 10b
    add sp, #FRAME
    pop {r4-r11, pc}
end depthwise_lines_load_simd

/*   r0 lines   r1 row */
function depthwise_lines_pad_simd
    push {r4-r11, lr}
    ldr r12, [r0] /* zero points */
    ldr r3, [r0, #40] /* lines */
    ldr r2, [r0, #24] /* tile_bytes */
    ldr lr, [r0, #28] /* tiles */
    mov r4, #ROW_BYTES
    mla r0, r1, r4, r3
    sub r2, #2 * HALF_BYTES
    sxtb16 r4, r12
    .irp to, r5, r6, r7, r8, r9, r10, r11
    mov \to, r4
    .endr
1:  stm r0!, {r4-r11}
    stm r0!, {r4-r11}
    stm r0, {r4-r11}
    add r0, r2
    subs lr, #1
    bne 1b
    pop {r4-r11, pc}
end depthwise_lines_pad_simd

/*   r0 lines   r1 row   r2 rows, each three times eight words */
function depthwise_lines_keep_simd
    push {r4-r11, lr}
    add r2, r2, r2, lsl #1
    push {r0, r2}
    ldr r3, [r0, #40] /* lines */
    ldr r12, [r0, #28] /* tiles */
    mov r4, #ROW_BYTES
    mul r1, r1, r4
1:  mov r0, r3
    add lr, r3, r1
2:  ldm lr!, {r4-r11}
    stm r0!, {r4-r11}
    subs r2, #1
    bne 2b
    ldm sp, {r0, r2}
    ldr r0, [r0, #24] /* tile_bytes */
    add r3, r0
    subs r12, #1
    bne 1b
    add sp, #8
    pop {r4-r11, pc}
end depthwise_lines_keep_simd

/*   r0 from   r1 to   r2 pitch   r3 n */
function depthwise_lines_store_simd
    push {r4-r11, lr}
    add r12, r2, r2, lsl #1
    subs r3, #8
    blo 2f
    .p2align 2
1:  ldm r0!, {r4-r11}
    add lr, r1, r2
    str r4, [r1]
    str r5, [lr]
    str r6, [r1, r2, lsl #1]
    str r7, [r1, r12]
    str r8, [r1, r2, lsl #2]
    str r9, [lr, r2, lsl #2]
    str r10, [r1, r12, lsl #1]
    str r11, [lr, r12, lsl #1]
    add r1, r1, r2, lsl #3
    subs r3, #8
    bhs 1b
2:  adds r3, #8
    beq 4f
3:  ldr r4, [r0], #4
    str r4, [r1]
    add r1, r2
    subs r3, #1
    bne 3b
4:  pop {r4-r11, pc}
end depthwise_lines_store_simd

#endif
