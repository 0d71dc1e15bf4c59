/*
 * products_multiply: packed triples times a group's weights, requantized to twelve bytes.
 *
 *   r0  packed triples    r1  weights    r2, r3  a triple's two words    r12, lr  the weights' two
 *   r4, r5  pa, pb + qa, qb in lanes of 21 bits     r6, r7   qa, qb + ra, rb
 *   r8, r9  pc, pd + qc, qd                         r10, r11 qc, qd + rc, rd
 *
 * The stack's top is a copy of products_tiles_t (simd.h), whose offsets these are:
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

    .equ WEIGHTS, 64 /* and where the loop is entered */
    .equ WEIGHTS_END, 72 /* and what follows it */
    .equ OUTPUT, 80 /* and the distance of pixels */
    .equ PACKED_END, 88
    .equ GAP, 92
    .equ SUMS, 128
    .equ KEPT, 132
    .equ SIZE, 144
    .equ UNROLLED, 32
    .equ STEP_BYTES, 22

/* One value of each window: twelve products. */
.macro multiply_step
    ldmia r0!, {r2, r3}
    ldmia r1!, {r12, lr}
    smlal r4, r5, r2, r12
    smlal r6, r7, r3, r12
    smlal r8, r9, r2, lr
    smlal r10, r11, r3, lr
.endm

/* Sums of a pair of channels: of the first to p, q, low1, of the second to low0, high0, high1. */
.macro take_apart p, q, low0, high0, low1, high1
    ubfx \p, \low0, #0, #21
    ubfx \q, \low1, #0, #21
    subs \low0, \low0, \q, lsl #21
    sbc \high0, \high0, \q, lsr #11
    lsrs \low0, \low0, #21
    bfi \low0, \high0, #11, #10
    lsr \high0, \high0, #10
    subs \low1, \low1, \high0, lsl #21
    sbc \high1, \high1, \high0, lsr #11
    lsr \low1, \low1, #21
    bfi \low1, \high1, #11, #10
    lsr \high1, \high1, #10
.endm

/* Three sums of a channel along its line, not shifted yet. */
.macro along_line channel, factor, addend, p, q, r
    ldrd \factor, \addend, [sp, #32 + 8 * \channel]
    smmla \p, \p, \factor, \addend
    smmla \q, \q, \factor, \addend
    smmla \r, \r, \factor, \addend
.endm

.macro saturate shift, values:vararg
    .irp value, \values
    ssat \value, #8, \value, asr #\shift
    .endr
.endm

/* Three sums of a channel along its line, shifted by what only the layer knows. */
.macro line_of_any_shift channel, factor, addend, p, q, r
    along_line \channel, \factor, \addend, \p, \q, \r
    ldr \factor, [sp, #100 + 8 * \channel]
    .irp value, \p, \q, \r
    asr \value, \value, \factor
    ssat \value, #8, \value
    .endr
.endm

/* Three sums of a channel, rounded twice. */
.macro rounded_twice channel, one, two, p, q, r
    ldr \one, [sp, #96 + 8 * \channel]
    .irp value, \p, \q, \r
    add \value, \one, \value, lsl #1
    .endr
    ldrd \one, \two, [sp, #32 + 8 * \channel]
    .irp value, \p, \q, \r
    add lr, \two, \value, asr #31
    smmlar \value, \value, \one, lr
    .endr
    ldr \one, [sp, #100 + 8 * \channel]
    .irp value, \p, \q, \r
    asr \value, \value, \one
    ssat \value, #8, \value
    .endr
.endm

/* What earlier chunks summed up to, to three sums. */
.macro add_sums pointer, p, q, r, one, two, three
    ldmia \pointer\()!, {\one, \two, \three}
    add \p, \p, \one
    add \q, \q, \two
    add \r, \r, \three
.endm

.macro keep_sums pointer, p, q, r, one, two, three
    ldmia \pointer, {\one, \two, \three}
    add \p, \p, \one
    add \q, \q, \two
    add \r, \r, \three
    stmia \pointer\()!, {\p, \q, \r}
.endm

/* Channels c and d behind a and b, and the three pixels stored; on to the next triple. */
.macro store_triple
    bfi r1, r3, #16, #8
    bfi r2, r4, #16, #8
    bfi r6, r10, #16, #8
    ldrd r3, r4, [sp, #OUTPUT]
    bfi r1, r8, #24, #8
    bfi r2, r9, #24, #8
    bfi r6, r11, #24, #8
    str r1, [r3]
    str r2, [r3, r4]
    str r6, [r3, r4, lsl #1]
    add r3, r3, r4
    add r3, r3, r4, lsl #1
    str r3, [sp, #OUTPUT]
.endm

.macro next_triple
    ldr r3, [sp, #PACKED_END]
    cmp r0, r3
    bne tile
    b done
.endm

.macro next_triple_chunked
    ldr r3, [sp, #GAP]
    add r0, r0, r3
    next_triple
.endm

.macro join_pair
    bfi r1, r4, #8, #8
    bfi r2, r5, #8, #8
    bfi r6, r7, #8, #8
.endm

/* A whole tile along lines, of one shift. */
.macro line_tail shift
    take_apart r1, r2, r4, r5, r6, r7
    along_line 0, r3, lr, r1, r2, r6
    along_line 1, r3, lr, r4, r5, r7
    saturate \shift, r1, r2, r4, r5, r6, r7
    join_pair
    take_apart r3, r4, r8, r9, r10, r11
    along_line 2, r5, r7, r3, r4, r10
    along_line 3, r5, r7, r8, r9, r11
    saturate \shift, r3, r4, r8, r9, r10, r11
    store_triple
    next_triple
.endm

/* What earlier chunks summed up to, to a pair of channels' sums. */
.macro add_first_sums
    str r0, [sp, #KEPT]
    ldr r0, [sp, #SUMS]
    add_sums r0, r1, r2, r6, r3, r12, lr
    add_sums r0, r4, r5, r7, r3, r12, lr
    str r0, [sp, #SUMS]
    ldr r0, [sp, #KEPT]
.endm

.macro add_second_sums
    ldr r5, [sp, #SUMS]
    add_sums r5, r3, r4, r10, r7, r12, lr
    add_sums r5, r8, r9, r11, r7, r12, lr
    str r5, [sp, #SUMS]
.endm

/* (tiles, packed) */
function products_multiply_simd
    push {r4-r11, lr}
    adds r0, r0, #SIZE
    ldmdb r0!, {r4-r7}
    push {r4-r7}
    .rept 4
    ldmdb r0!, {r4-r11}
    push {r4-r11}
    .endr
    mov r0, r1
    ldrd r2, r3, [sp, #WEIGHTS + 4] /* depth, end of the weights */
    subs r2, r2, #1 /* steps of the first turn, in bytes: (depth - 1) % UNROLLED + 1 */
    and r2, r2, #UNROLLED - 1
    adds r2, r2, #1
    movs r4, #STEP_BYTES
    muls r2, r4, r2
    adr.w r4, loop_end
    adds r4, r4, #1
    subs r4, r4, r2
    str r4, [sp, #WEIGHTS + 4]
    ldr r2, [sp, #WEIGHTS_END + 4]
    adr r3, tails
    ldr r3, [r3, r2, lsl #2]
    str r3, [sp, #WEIGHTS_END + 4]

tile:
    ldmia sp, {r4-r11}
    ldrd r1, r2, [sp, #WEIGHTS]
    bx r2

    .p2align 2
loop:
    .rept UNROLLED
    multiply_step
    .endr
loop_end:
    ldrd r2, r3, [sp, #WEIGHTS_END]
    cmp r1, r2
    bne.w loop
    bx r3

    .p2align 2
done:
    add sp, sp, #SIZE
    pop {r4-r11, pc}

    .p2align 2
tails:
    .irp tail, line_2, line_3, line_4, line_5, line_6, line_chunks, twice, twice_chunks, chunk
    .word \tail + 1
    .endr

    .irp shift, 2, 3, 4, 5, 6
    .p2align 2
line_\shift:
    line_tail \shift
    .endr

    .p2align 2
line_chunks:
    take_apart r1, r2, r4, r5, r6, r7
    add_first_sums
    line_of_any_shift 0, r3, lr, r1, r2, r6
    line_of_any_shift 1, r3, lr, r4, r5, r7
    join_pair
    take_apart r3, r4, r8, r9, r10, r11
    add_second_sums
    line_of_any_shift 2, r5, r7, r3, r4, r10
    line_of_any_shift 3, r5, r7, r8, r9, r11
    store_triple
    next_triple_chunked

    .p2align 2
twice:
    take_apart r1, r2, r4, r5, r6, r7
    rounded_twice 0, r3, r12, r1, r2, r6
    rounded_twice 1, r3, r12, r4, r5, r7
    join_pair
    take_apart r3, r4, r8, r9, r10, r11
    rounded_twice 2, r5, r7, r3, r4, r10
    rounded_twice 3, r5, r7, r8, r9, r11
    store_triple
    next_triple

    .p2align 2
twice_chunks:
    take_apart r1, r2, r4, r5, r6, r7
    add_first_sums
    rounded_twice 0, r3, r12, r1, r2, r6
    rounded_twice 1, r3, r12, r4, r5, r7
    join_pair
    take_apart r3, r4, r8, r9, r10, r11
    add_second_sums
    rounded_twice 2, r5, r7, r3, r4, r10
    rounded_twice 3, r5, r7, r8, r9, r11
    store_triple
    next_triple_chunked

    .p2align 2
chunk: /* not the last one: what it sums up to is added to what the others did */
    take_apart r1, r2, r4, r5, r6, r7
    str r0, [sp, #KEPT]
    ldr r0, [sp, #SUMS]
    keep_sums r0, r1, r2, r6, r3, r12, lr
    keep_sums r0, r4, r5, r7, r3, r12, lr
    take_apart r3, r4, r8, r9, r10, r11
    keep_sums r0, r3, r4, r10, r5, r7, r12
    keep_sums r0, r8, r9, r11, r5, r7, r12
    str r0, [sp, #SUMS]
    ldr r0, [sp, #KEPT]
    next_triple_chunked

    end products_multiply_simd
#endif
