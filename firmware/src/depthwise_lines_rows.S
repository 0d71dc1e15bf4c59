/* depthwise_lines_rows: eight outputs of a channel at a time, or four. */
#include "simd.h"
#include "simd_asm.h"

#if PARITONE_SIMD

/* Of lines. */
#define OF_CHANNEL 20
#define OF_ROW 80

/* Frame. The first five in the order in which finish_8 loads them, then of depthwise_channel_t. */
#define FACTOR 0
#define ADDEND 4
#define CURSOR 8 /* where outputs go */
#define PITCH 12 /* to those of the next row */
#define END 16   /* behind the last row's */
#define START 20
#define WEIGHTS 24
#define LINES 48
#define CHANNEL 52
#define OUTPUTS 56
#define SPAN 60  /* END less the first CURSOR */
#define TILES 64
#define HOP 68   /* from behind the last row to the first one of the next tile */
#define LEFT 72  /* tiles to come */
#define STRIDE 76
#define WIDTH 80
#define FRAME 84

#define LINE lr

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
    ldrd r8, r9, [sp, #WEIGHTS]
    ldm LINE, {r6, r7, r10, r11, r12}
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

.macro next_row_8 row
    ldrd r8, r9, [sp, #WEIGHTS + 8 * \row]
    ldrd r10, r11, [LINE, #OF_ROW * \row]
    pair r0, r1, r10, r11, r8, r9, r0, r1
    ldrd r12, r10, [LINE, #OF_ROW * \row + 8]
    pair r2, r3, r11, r12, r8, r9, r2, r3
    ldr r11, [LINE, #OF_ROW * \row + 16]
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
    add LINE, #OF_ROW
    cmp r10, r12
.endm

/* A row of four outputs, r0 .. r3: `row` from the first of the window, its weights. */
.macro row_4 row, left, right, s0, s1, s2, s3
    ldrd r10, r11, [LINE, #OF_ROW * \row]
    ldr r12, [LINE, #OF_ROW * \row + 8]
    pair r0, r1, r10, r11, \left, \right, \s0, \s1
    pair r2, r3, r11, r12, \left, \right, \s2, \s3
.endm

/* The same of windows two columns apart; r3 begins with what it is. */
.macro row_4_apart row, left, right, s0, s1, s2
    ldrd r10, r11, [LINE, #OF_ROW * \row]
    single r0, r10, r11, \left, \right, \s0
    ldrd r12, r10, [LINE, #OF_ROW * \row + 8]
    single r1, r11, r12, \left, \right, \s1
    single r2, r12, r10, \left, \right, \s2
    ldr r11, [LINE, #OF_ROW * \row + 16]
    single r3, r10, r11, \left, \right, r3
.endm

.macro finish_4 stride
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
    add LINE, #OF_ROW * \stride
    cmp r12, r11
.endm

/* All weights, for four outputs a row. */
.macro load_weights
    add r4, sp, #WEIGHTS
    nop.w
    ldm r4, {r4-r9}
.endm

/*   r0 lines   r1 channels   r2 rows */
function depthwise_lines_rows_simd
    push {r4-r11, lr}
    sub sp, #FRAME
    ldr r3, [r0, #24] /* tile_bytes */
    ldr r4, [r0, #28] /* tiles */
    ldr r5, [r0, #32] /* stride */
    ldr r6, [r0, #36] /* width */
    ldr r7, [r0, #40] /* lines */
    ldr r8, [r0, #44] /* outputs */
    add r9, r6, #3
    bic r9, #3
    lsl r9, #2
    mul r10, r9, r2
    mul r11, r2, r5
    mov r12, #OF_ROW
    mls r3, r11, r12, r3
    str r9, [sp, #PITCH]
    str r10, [sp, #SPAN]
    str r3, [sp, #HOP]
    str r4, [sp, #TILES]
    strd r5, r6, [sp, #STRIDE]
    strd r7, r1, [sp, #LINES]
    str r8, [sp, #OUTPUTS]

1:  ldr r12, [sp, #CHANNEL] /* a channel */
    ldr LINE, [sp, #LINES]
    ldr r9, [sp, #OUTPUTS]
    ldr r10, [sp, #SPAN]
    ldr r11, [sp, #TILES]
    ldm r12!, {r0-r8}
    str r12, [sp, #CHANNEL]
    add r12, LINE, #OF_CHANNEL
    str r11, [sp, #LEFT]
    str r12, [sp, #LINES]
    add r11, sp, #START
    add r12, r9, #1
    stm r11, {r2-r8}
    add r10, r9
    strd r0, r1, [sp, #FACTOR]
    str r12, [sp, #OUTPUTS]

2:  str r9, [sp, #CURSOR] /* a tile */
    str r10, [sp, #END]
    ldr r0, [sp, #STRIDE]
    ldr r1, [sp, #WIDTH]
    ldr r2, [sp, #LEFT]
    cmp r0, #1
    bne 5f
    cmp r2, #1
    bne 8f
    sub r1, #1
    tst r1, #4
    beq 4f

    .p2align 2
8:  first_row_8
    next_row_8 1
    next_row_8 2
    finish_8
    bne 8b
    ldr r2, [sp, #LEFT]
    ldr r0, [sp, #HOP]
    ldr r1, [sp, #SPAN]
    add r10, #32
    subs r2, #1
    beq 6f
    add LINE, r0
    str r2, [sp, #LEFT]
    sub r9, r10, r1
    str r10, [sp, #END]
    str r9, [sp, #CURSOR]
    ldr r1, [sp, #WIDTH]
    cmp r2, #1
    bne 8b
    sub r1, #1
    tst r1, #4
    bne 8b

4:  load_weights
    .p2align 2
3:  ldr r3, [sp, #START]
    row_4 0, r4, r5, r3, r3, r3, r3
    row_4 1, r6, r7, r0, r1, r2, r3
    row_4 2, r8, r9, r0, r1, r2, r3
    finish_4 1
    bne 3b
    b 6f

5:  load_weights
    .p2align 2
7:  ldr r3, [sp, #START]
    row_4_apart 0, r4, r5, r3, r3, r3
    row_4_apart 1, r6, r7, r0, r1, r2
    row_4_apart 2, r8, r9, r0, r1, r2
    finish_4 2
    bne 7b
    ldr r2, [sp, #LEFT]
    ldr r0, [sp, #HOP]
    ldr r1, [sp, #SPAN]
    add r12, #16
    subs r2, #1
    beq 6f
    add LINE, r0
    str r2, [sp, #LEFT]
    sub r3, r12, r1
    str r12, [sp, #END]
    str r3, [sp, #CURSOR]
    b 7b

6:  ldr r0, [sp, #OUTPUTS] /* as many more as channels are done */
    tst r0, #3
    bne 1b
    add sp, #FRAME
    pop {r4-r11, pc}
end depthwise_lines_rows_simd

#endif
