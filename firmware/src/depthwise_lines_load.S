/* depthwise_lines_load: half a tile at a time, four columns of four channels. */
#include "simd.h"
#include "simd_asm.h"

#if PARITONE_SIMD

#define OF_CHANNEL 20
#define OF_ROW 80

/* Frame, the first five in the order of a row's loads. */
#define FROM 0
#define TO 4
#define HALVES 8
#define PADDED 12
#define ZERO_POINTS 16
#define REST 20
#define ROW_BYTES 24
#define ROWS 28
#define FRAME 32

/* r8 .. r11 are columns, each of four channels; r5, r7 and lr are free. */
.macro load_columns
    ldr r8, [r1]
    ldr r9, [r1, r2]
    ldr r10, [r1, r2, lsl #1]
    ldr r11, [r1, r12]
.endm

/* Of those from r9 on what the row has, r7 of it with r8, and zero points. */
.macro load_rest
    ldr r5, [sp, #ZERO_POINTS]
    mov r9, r5
    mov r10, r5
    mov r11, r5
    cmp r7, #2
    it hs
    ldrhs r9, [r1, r2]
    it hi
    ldrhi r10, [r1, r2, lsl #1]
.endm

.macro store_channel low, high, by, channel, half, again
    sxtb16 r8, \low, \by
    sxtb16 r9, \high, \by
    strd r8, r9, [r3, #OF_CHANNEL * \channel + 8 * \half]
    .if \again
    str r8, [r4, #OF_CHANNEL * \channel]
    .endif
.endm

/* To a half of the tile at r3; again: the first pair behind the tile before it, at r4, too. */
.macro store_columns half, again=0
    pkhbt r5, r8, r9, lsl #16 /* a0 a1 b0 b1: columns a, b, channels 0, 1 */
    pkhtb r7, r9, r8, asr #16
    pkhbt lr, r10, r11, lsl #16
    pkhtb r11, r11, r10, asr #16
    store_channel r5, lr, ror #0, 0, \half, \again
    store_channel r5, lr, ror #8, 1, \half, \again
    store_channel r7, r11, ror #0, 2, \half, \again
    store_channel r7, r11, ror #8, 3, \half, \again
.endm

/* On to the next tile. */
.macro second_half
    load_columns
    store_columns 1
    add r4, r3, #16
    add r1, r1, r2, lsl #2
    add r3, r0
.endm

/*   r0 lines   r1 from   r2 row   r3 rows */
function depthwise_lines_load_simd
    push {r4-r11, lr}
    sub sp, #FRAME
    ldr r12, [r0, #40] /* lines */
    mov lr, #OF_ROW
    mla lr, r2, lr, r12
    str r3, [sp, #ROWS]
    ldm r0, {r3-r9} /* zero points, left, halves, rest, pitch, row_bytes, tile_bytes */
    mls r1, r4, r7, r1 /* where padding is, nothing is read */
    strd r1, lr, [sp, #FROM]
    strd r5, r4, [sp, #HALVES]
    str r3, [sp, #ZERO_POINTS]
    strd r6, r8, [sp, #REST]
    mov r0, r9
    mov r2, r7
    add r12, r7, r7, lsl #1

0:  ldm sp, {r1, r3, r6, r7, r8} /* a row */
    ldr r9, [sp, #ROW_BYTES]
    add r10, r3, #OF_ROW
    add r9, r1
    strd r9, r10, [sp, #FROM]
    cmp r7, #0
    it eq
    ldreq r8, [r1]
    cmp r6, #0
    beq 4f
    ldr r9, [r1, r2]
    ldr r10, [r1, r2, lsl #1]
    ldr r11, [r1, r12]
    store_columns 0
    add r1, r1, r2, lsl #2
    subs r6, #3 /* halves to come, less two */
    blo 6f

    .p2align 2
1:  second_half
    load_columns
    store_columns 0, 1
    add r1, r1, r2, lsl #2
    subs r6, #2
    bhs 1b
6:  adds r6, #2
    beq 2f
    second_half
    b 3f

2:  ldr r7, [sp, #REST] /* whole tiles and a half */
    cmp r7, #4
    beq 9f
    ldr r8, [sp, #ZERO_POINTS]
    cmp r7, #0
    it ne
    ldrne r8, [r1]
    load_rest
    store_columns 1
    b 9f

4:  ldr r7, [sp, #REST] /* less than a half */
    load_rest
    store_columns 0
    b 9f

3:  ldr r7, [sp, #REST] /* whole tiles */
    cmp r7, #4
    beq 9f
    ldr r8, [sp, #ZERO_POINTS]
    bhi 5f
    cmp r7, #0
    it ne
    ldrne r8, [r1]
    load_rest
    store_columns 0, 1
    b 9f
5:  mov r9, r8 /* and the pair behind them */
    cmp r7, #6
    it hs
    ldrhs r8, [r1]
    it hi
    ldrhi r9, [r1, r2]
    pkhbt r5, r8, r9, lsl #16
    pkhtb r7, r9, r8, asr #16
    sxtb16 r8, r5
    sxtb16 r9, r5, ror #8
    sxtb16 r10, r7
    sxtb16 r11, r7, ror #8
    str r8, [r4]
    str r9, [r4, #OF_CHANNEL]
    str r10, [r4, #2 * OF_CHANNEL]
    str r11, [r4, #3 * OF_CHANNEL]

9:  ldr r7, [sp, #ROWS]
    subs r7, #1
    str r7, [sp, #ROWS]
    bne 0b
    add sp, #FRAME
    pop {r4-r11, pc}
end depthwise_lines_load_simd

/*   r0 lines   r1 row */
function depthwise_lines_pad_simd
    push {r4-r11, lr}
    ldr r2, [r0] /* zero points */
    ldr r3, [r0, #40] /* lines */
    ldr r4, [r0, #24] /* tile_bytes */
    ldr r5, [r0, #28] /* tiles */
    mov r6, #OF_ROW
    mla r0, r1, r6, r3
    sub r4, #OF_ROW / 2
    sxtb16 r2, r2
    .irp to, r3, r6, r7, r8, r9, r10, r11, r12, lr
    mov \to, r2
    .endr
1:  stm r0!, {r2, r3, r6-r12, lr}
    stm r0, {r2, r3, r6-r12, lr}
    add r0, r4
    subs r5, #1
    bne 1b
    pop {r4-r11, pc}
end depthwise_lines_pad_simd

/*   r0 lines   r1 row   r2 rows, each twice ten words */
function depthwise_lines_keep_simd
    push {r4-r11, lr}
    sub sp, #16
    ldr r3, [r0, #40] /* lines */
    ldr r4, [r0, #24] /* tile_bytes */
    ldr r5, [r0, #28] /* tiles */
    mov r6, #OF_ROW
    mul r1, r1, r6
    add r2, r2
    strd r1, r2, [sp]
    strd r4, r5, [sp, #8]
1:  ldm sp, {r1, r2, r4, r5}
    mov r0, r3
    add r1, r3
    add r3, r4
    sub r5, #1
    str r5, [sp, #12]
2:  ldm r1!, {r4-r12, lr}
    stm r0!, {r4-r12, lr}
    subs r2, #1
    bne 2b
    ldr r5, [sp, #12]
    cmp r5, #0
    bne 1b
    add sp, #16
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
