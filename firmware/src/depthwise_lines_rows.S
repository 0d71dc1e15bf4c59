/* depthwise_lines_rows: eight outputs of a channel at a time, or four. */
#include "simd.h"
#include "simd_asm.h"

#if PARITONE_SIMD

/* Of lines. */
#define OF_CHANNEL 8
#define OF_HALF 32
#define OF_ROW 96

/* Frame. The first five in the order in which finish_8 loads them, then constants. */
#define FACTOR 0
#define ADDEND 4
#define CURSOR 8 /* where outputs go */
#define PITCH 12 /* to those of the next row */
#define END 16   /* behind the last row's */
#define START 20
#define WEIGHTS 24
#define LINES 48
#define CHANNEL 52 /* its factor, addend and start */
#define OUTPUTS 56
#define SPAN 60  /* END less the first CURSOR */
#define TILES 64 /* computed whole */
#define HOP 68   /* from behind the last row to the first one of the next tile */
#define LEFT 72  /* tiles to come */
#define STRIDE 76
#define WIDTH 80
#define TAPS 84  /* its weights */
#define SCALE 88
#define FRAME 92

#define LINE lr

.macro load_first x, y, first, there
    .if \there
    ldrd \x, \y, [LINE, #\first]!
    .else
    ldrd \x, \y, [LINE, #\first]
    .endif
.endm

/* To what even and odd begin with, the windows' that start at columns c and c + 1: (c, c + 1) is in
 * x, (c + 2, c + 3) in y. */
.macro pair even, odd, x, y, left, right, from_even, from_odd
    smlad \even, \x, \left, \from_even
    smlatb \odd, \x, \left, \from_odd
    smlabt \even, \y, \right, \even
    smlad \odd, \y, \right, \odd
.endm

/* The window's that starts at c alone. */
.macro single sum, x, y, left, right, from
    smlad \sum, \x, \left, \from
    smlabt \sum, \y, \right, \sum
.endm

/* Row 0 of eight outputs, r0 .. r7, from five words. */
.macro first_row_8
    ldr r5, [sp, #START]
    ldr r12, [LINE, #2 * OF_HALF]
    ldrd r8, r9, [sp, #WEIGHTS]
    ldrd r6, r7, [LINE]
    ldrd r10, r11, [LINE, #OF_HALF]
    smlad r0, r6, r8, r5
    smlatb r1, r6, r8, r5
    smlad r2, r7, r8, r5
    smlatb r3, r7, r8, r5
    smlabt r0, r7, r9, r0
    smlad r1, r7, r9, r1
    smlad r4, r10, r8, r5
    smlad r6, r11, r8, r5
    smlatb r7, r11, r8, r5
    smlatb r5, r10, r8, r5
    smlabt r2, r10, r9, r2
    smlad r3, r10, r9, r3
    smlabt r4, r11, r9, r4
    smlad r5, r11, r9, r5
    smlabt r6, r12, r9, r6
    smlad r7, r12, r9, r7
.endm

/* The row of the window at [LINE, first]; there: LINE moves there. */
.macro next_row_8 row, first, there=0
    ldrd r8, r9, [sp, #WEIGHTS + 8 * \row]
    load_first r10, r11, \first, \there
    pair r0, r1, r10, r11, r8, r9, r0, r1
    ldrd r12, r10, [LINE, #\first * !\there + OF_HALF]
    pair r2, r3, r11, r12, r8, r9, r2, r3
    ldr r11, [LINE, #\first * !\there + 2 * OF_HALF]
    pair r4, r5, r12, r10, r8, r9, r4, r5
    pair r6, r7, r10, r11, r8, r9, r6, r7
.endm

/* Outputs from their sums; on to the next row, flags: whether there is none. */
.macro finish_8
    ldm sp, {r8-r12}
    .irp sum, r0, r1, r2, r3, r4, r5, r6, r7
    smmla \sum, \sum, r8, r9
    .endr
    .irp sum, r0, r1, r2, r3, r4, r5, r6, r7
    ssat \sum, #8, \sum, asr #6
    .endr
    .set column, 0
    .irp sum, r0, r1, r2, r3, r4, r5, r6, r7
    strb \sum, [r10, #column]
    .set column, column + 4
    .endr
    add r10, r11
    str r10, [sp, #CURSOR]
    cmp r10, r12
.endm

/* A row of four outputs, r0 .. r3: the row of the window at [LINE, first], its weights. */
.macro row_4 first, there, left, right, s0, s1, s2, s3
    load_first r10, r11, \first, \there
    ldr r12, [LINE, #\first * !\there + OF_HALF]
    pair r0, r1, r10, r11, \left, \right, \s0, \s1
    pair r2, r3, r11, r12, \left, \right, \s2, \s3
.endm

/* The same of windows two columns apart; r3 begins with what it is. */
.macro row_4_apart first, there, left, right, s0, s1, s2
    load_first r10, r11, \first, \there
    single r0, r10, r11, \left, \right, \s0
    ldrd r12, r10, [LINE, #\first * !\there + OF_HALF]
    single r1, r11, r12, \left, \right, \s1
    single r2, r12, r10, \left, \right, \s2
    ldr r11, [LINE, #\first * !\there + 2 * OF_HALF]
    single r3, r10, r11, \left, \right, r3
.endm

.macro finish_4
    ldm sp, {r10-r12}
    .irp sum, r0, r1, r2, r3
    smmla \sum, \sum, r10, r11
    .endr
    ldrd r10, r11, [sp, #PITCH]
    .irp sum, r0, r1, r2, r3
    ssat \sum, #8, \sum, asr #6
    .endr
    strb r0, [r12]
    strb r1, [r12, #4]
    strb r2, [r12, #8]
    strb r3, [r12, #12]
    add r12, r10
    str r12, [sp, #CURSOR]
    cmp r12, r11
.endm

/* On to the next tile, outputs up to `end` in it; flags: whether there is none. */
.macro next_tile end
    ldrd r0, r2, [sp, #HOP] /* and LEFT */
    ldr r1, [sp, #SPAN]
    str \end, [sp, #END]
    sub r1, \end, r1
    str r1, [sp, #CURSOR]
    add LINE, r0
    subs r2, #1
    str r2, [sp, #LEFT]
.endm

/* The weights at r11, shifted by r10: (left, middle) and (middle, right) of a row, the first of each
 * in the low half. */
.macro weights_of row, left, right
    ldrsb \left, [r11, #3 * \row]
    ldrsb \right, [r11, #3 * \row + 1]
    ldrsb r12, [r11, #3 * \row + 2]
    lsl \left, r10
    lsl \right, r10
    lsl r12, r10
    pkhbt \left, \left, \right, lsl #16
    pkhbt \right, \right, r12, lsl #16
.endm

/*   r0 lines   r1 rows */
function depthwise_lines_rows_simd
    push {r4-r11, lr}
    sub sp, #FRAME
    add r2, r0, #24
    ldm r2!, {r3-r10} /* tile_bytes, tiles, stride, width, lines, outputs, weights, scale */
    strd r9, r10, [sp, #TAPS]
    strd r7, r2, [sp, #LINES]
    str r8, [sp, #OUTPUTS]
    strd r5, r6, [sp, #STRIDE]
    add r9, r6, #3
    cmp r5, #1
    it eq
    lsreq r4, r9, #3 /* in their first half alone the last outputs are computed by four */
    bic r9, #3
    lsl r9, #2
    mul r10, r9, r1
    mul r11, r1, r5
    mov r12, #OF_ROW
    mls r3, r11, r12, r3
    str r9, [sp, #PITCH]
    strd r10, r4, [sp, #SPAN]
    str r3, [sp, #HOP]

1:  ldr r12, [sp, #CHANNEL] /* a channel */
    ldrd r11, r10, [sp, #TAPS]
    ldm r12!, {r0, r1, r2}
    str r12, [sp, #CHANNEL]
    strd r0, r1, [sp, #FACTOR]
    str r2, [sp, #START]
    weights_of 0, r4, r5
    weights_of 1, r6, r7
    weights_of 2, r8, r9
    add r12, sp, #WEIGHTS
    stm r12, {r4-r9}
    add r11, #9
    str r11, [sp, #TAPS]
    ldrd r0, r1, [sp, #OUTPUTS] /* and SPAN */
    ldr LINE, [sp, #LINES]
    ldr r10, [sp, #TILES]
    add r11, r0, #1
    str r11, [sp, #OUTPUTS]
    add r11, LINE, #OF_CHANNEL
    str r11, [sp, #LINES]
    str r10, [sp, #LEFT]

    str r0, [sp, #CURSOR]
    add r1, r0
    str r1, [sp, #END]
    ldr r2, [sp, #STRIDE]
    cmp r2, #1
    bne 7f
    cmp r10, #0
    beq 3f

    .p2align 2
8:  first_row_8 /* a tile */
    next_row_8 1, OF_ROW, 1
    next_row_8 2, OF_ROW
    finish_8
    bne 8b
    add r10, #8 * 4
    next_tile r10
    bne 8b
    ldr r1, [sp, #WIDTH]
    sub r1, #1
    tst r1, #4
    bne 6f
    add r4, sp, #WEIGHTS
    ldm r4, {r4-r9}
    .p2align 2
3:  ldr r3, [sp, #START] /* the first half of the last tile */
    row_4 0, 0, r4, r5, r3, r3, r3, r3
    row_4 OF_ROW, 1, r6, r7, r0, r1, r2, r3
    row_4 OF_ROW, 0, r8, r9, r0, r1, r2, r3
    finish_4
    bne 3b
    b 6f

    .p2align 2
7:  ldr r3, [sp, #START] /* a tile, stride 2 */
    row_4_apart 0, 0, r4, r5, r3, r3, r3
    row_4_apart OF_ROW, 0, r6, r7, r0, r1, r2
    row_4_apart 2 * OF_ROW, 1, r8, r9, r0, r1, r2
    finish_4
    bne 7b
    add r12, #4 * 4
    next_tile r12
    bne 7b

6:  ldr r0, [sp, #OUTPUTS] /* as many more as channels are done */
    tst r0, #3
    bne 1b
    add sp, #FRAME
    pop {r4-r11, pc}
end depthwise_lines_rows_simd

#endif
