/* depthwise_lines_row: eight outputs of a channel at a time, then four. */
#include "simd.h"
#include "simd_asm.h"

#if PARITONE_SIMD

/* Lines lie in tiles of four columns: [tile][channel][slot][2 words]. */
#define TILE 96
#define OF_CHANNEL 24
#define OF_SLOT 8

/* depthwise_channel_t, from the weights that are for slot 0 on. */
#define CHANNEL 88
#define FACTOR 40
#define ADDEND 44
#define START 64

/* Frame: 32 bytes of outputs, [column][channel], and then */
#define CURSOR 32 /* where the channel's outputs go */
#define OUT 36
#define PITCH 40
#define PITCH_3 44
#define LEFT 48 /* columns to come */
#define FRAME 56

/* r0 .. r7 are sums; then the two words of weights, (left, middle) and (middle, right). */
#define WA r8
#define WB r9
#define D0 r10
#define D1 r11
#define IN r12
#define WEIGHTS lr

/* Of columns (c, c + 1 | c + 2, c + 3) in x and y: sums of the windows that start at c and c + 1. */
.macro pair even, odd, x, y, from_even, from_odd
    smlad \even, \x, WA, \from_even
    smlatb \odd, \x, WA, \from_odd
    smlabt \even, \y, WB, \even
    smlad \odd, \y, WB, \odd
.endm

/* The window that starts at c alone. */
.macro single sum, x, y, from
    smlad \sum, \x, WA, \from
    smlabt \sum, \y, WB, \sum
.endm

.macro load_word to, word, slot
    ldr \to, [IN, #TILE * ((\word) / 2) + OF_SLOT * (\slot) + 4 * ((\word) % 2)]
.endm

.macro load_weights slot
    ldr WA, [WEIGHTS, #8 * (\slot)]
    ldr WB, [WEIGHTS, #8 * (\slot) + 4]
.endm

/* Outputs r0 .. of the channel into the frame; on to the next channel. r8 .. r11 are free. */
.macro finish sums:vararg
    ldr r8, [WEIGHTS, #FACTOR]
    ldr r9, [WEIGHTS, #ADDEND]
    ldr r10, [sp, #CURSOR]
    .irp sum, \sums
    smmla \sum, \sum, r8, r9
    .endr
    .irp sum, \sums
    ssat \sum, #8, \sum, asr #6
    .endr
    add r11, r10, #1
    add WEIGHTS, #CHANNEL
    add IN, #OF_CHANNEL
    .set column, 0
    .irp sum, \sums
    strb \sum, [r10, #column]
    .set column, column + 4
    .endr
    str r11, [sp, #CURSOR]
    tst r11, #3
.endm

/* From the last channel's end to the first one of the block after it, two tiles on. */
.macro rewind
    mov r8, sp
    str r8, [sp, #CURSOR]
    sub WEIGHTS, #4 * CHANNEL
    add IN, #2 * TILE - 4 * OF_CHANNEL
.endm

/*   r0 lines   r1 channels   r2 first   r3 out */
function depthwise_lines_row_simd
    push {r4-r11, lr}
    sub sp, #FRAME
    add WEIGHTS, r1, r2, lsl #3
    ldr r4, [r0, #16] /* stride */
    ldr r5, [r0, #20] /* width */
    ldr r6, [r0, #24] /* pitch */
    ldr IN, [r0, #28]
    mov r1, sp
    add r7, r6, r6, lsl #1
    str r1, [sp, #CURSOR]
    str r3, [sp, #OUT]
    strd r6, r7, [sp, #PITCH]
    str r5, [sp, #LEFT]
    cmp r4, #1
    bne 5f
    cmp r5, #4
    bls 4f

    .p2align 2
8:  /* eight outputs: words 0 .. 4 of each slot */
    ldr r7, [WEIGHTS, #START]
    load_word D0, 0, 0
    load_word D1, 1, 0
    load_word r4, 2, 0
    load_word r6, 3, 0
    load_weights 0
    pair r0, r1, D0, D1, r7, r7
    load_word D0, 4, 0
    smlad r2, D1, WA, r7
    smlatb r3, D1, WA, r7
    smlabt r2, r4, WB, r2
    smlad r3, r4, WB, r3
    smlatb r5, r4, WA, r7
    smlad r4, r4, WA, r7
    smlatb D1, r6, WA, r7
    smlad r5, r6, WB, r5
    smlabt r4, r6, WB, r4
    smlad r6, r6, WA, r7
    smlad r7, D0, WB, D1
    smlabt r6, D0, WB, r6
    .irp slot, 1, 2
    load_word D0, 0, \slot
    load_word D1, 1, \slot
    load_weights \slot
    pair r0, r1, D0, D1, r0, r1
    load_word D0, 2, \slot
    pair r2, r3, D1, D0, r2, r3
    load_word D1, 3, \slot
    pair r4, r5, D0, D1, r4, r5
    load_word D0, 4, \slot
    pair r6, r7, D1, D0, r6, r7
    .endr
    finish r0, r1, r2, r3, r4, r5, r6, r7
    bne 8b
    rewind
    ldr r8, [sp, #OUT]
    ldr r9, [sp, #PITCH]
    ldr r10, [sp, #PITCH_3]
    ldr r11, [sp, #LEFT]
    subs r11, #8
    blo 9f
    ldm sp, {r0-r7}
    str r0, [r8]
    str r2, [r8, r9, lsl #1]
    str r3, [r8, r10]
    str r4, [r8, r9, lsl #2]
    str r6, [r8, r10, lsl #1]
    add r0, r8, r9
    add r8, r8, r9, lsl #3
    str r1, [r0]
    str r5, [r0, r9, lsl #2]
    str r7, [r0, r10, lsl #1]
    str r8, [sp, #OUT]
    str r11, [sp, #LEFT]
    cmp r11, #4
    bhi 8b
    cmp r11, #0
    beq 7f

    .p2align 2
4:  /* four: words 0 .. 2 */
    ldr r3, [WEIGHTS, #START]
    .irp slot, 0, 1, 2
    load_word D0, 0, \slot
    load_word D1, 1, \slot
    load_word r4, 2, \slot
    load_weights \slot
    .if \slot == 0
    pair r0, r1, D0, D1, r3, r3
    smlad r2, D1, WA, r3
    smlatb r3, D1, WA, r3
    .else
    pair r0, r1, D0, D1, r0, r1
    smlad r2, D1, WA, r2
    smlatb r3, D1, WA, r3
    .endif
    smlabt r2, r4, WB, r2
    smlad r3, r4, WB, r3
    .endr
    finish r0, r1, r2, r3
    bne 4b
    b 6f

    .p2align 2
5:  /* four, two columns apart: words 0 .. 4 */
    ldr r3, [WEIGHTS, #START]
    .irp slot, 0, 1, 2
    load_word D0, 0, \slot
    load_word D1, 1, \slot
    load_word r4, 2, \slot
    load_word r5, 3, \slot
    load_word r6, 4, \slot
    load_weights \slot
    .if \slot == 0
    single r0, D0, D1, r3
    single r1, D1, r4, r3
    single r2, r4, r5, r3
    .else
    single r0, D0, D1, r0
    single r1, D1, r4, r1
    single r2, r4, r5, r2
    .endif
    single r3, r5, r6, r3
    .endr
    finish r0, r1, r2, r3
    bne 5b
    rewind
6:  ldr r8, [sp, #OUT]
    ldr r9, [sp, #PITCH]
    ldr r10, [sp, #PITCH_3]
    ldr r11, [sp, #LEFT]
    subs r11, #4
    blo 9f
    ldm sp, {r0-r3}
    str r0, [r8]
    str r1, [r8, r9]
    str r2, [r8, r9, lsl #1]
    str r3, [r8, r10]
    add r8, r8, r9, lsl #2
    str r8, [sp, #OUT]
    str r11, [sp, #LEFT]
    bne 5b /* after the only four of a stride of 1 none are left */
    b 7f

9:  /* the last columns, fewer than a block's */
    ldr r11, [sp, #LEFT]
    mov r0, sp
1:  ldr r1, [r0], #4
    str r1, [r8]
    add r8, r9
    subs r11, #1
    bne 1b
7:  add sp, #FRAME
    pop {r4-r11, pc}
end depthwise_lines_row_simd

#endif
