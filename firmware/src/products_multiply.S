/*
 * products_multiply: packed triples times a group's weights, requantized to twelve bytes.
 *
 *   r0  packed triples    r1  weights    r2, r3  a triple's two words    r12, lr  the weights'
 *   r4, r5  pa, pb + qa, qb in lanes of 21 bits     r6, r7   qa, qb + ra, rb
 *   r8, r9  pc, pd + qc, qd                         r10, r11 qc, qd + rc, rd
 *
 * The stack's top is a copy of products_tiles_t (products.h), whose offsets these are:
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

    .equ ENTRY, 36 /* where the loop is entered */
    .equ WEIGHTS_END, 40 /* and MINUS_LANE */
    .equ MINUS_LANE, 44
    .equ RESCALE, 48
    .equ OUTPUT, 80 /* and the distance of pixels */
    .equ APART_THRICE, 88 /* and PACKED_END */
    .equ PACKED_END, 92
    .equ TAIL, 96
    .equ GAP, 100
    .equ ROUNDING, 104
    .equ SUMS, 136
    .equ SIZE, 144
#ifdef PARITONE_SMALL_CODE
    .equ UNROLLED, 8
#else
    .equ UNROLLED, 32
#endif
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

/* Sums of a pair of channels: of the first to p, q, low1, of the second to low0, high0, high1.
 * r12: -2^21. */
.macro take_apart p, q, low0, high0, low1, high1
    ubfx \p, \low0, #0, #21
    ubfx \q, \low1, #0, #21
    smlal \low0, \high0, \q, r12
    lsr \low0, \low0, #21
    bfi \low0, \high0, #11, #10
    lsr \high0, \high0, #10
    smlal \low1, \high1, \high0, r12
    lsr \low1, \low1, #21
    bfi \low1, \high1, #11, #10
    lsr \high1, \high1, #10
.endm

/* Three sums of a channel along its line, not shifted yet. */
.macro along_line channel, factor, addend, p, q, r
    ldrd \factor, \addend, [sp, #RESCALE + 8 * \channel]
    smmla \p, \p, \factor, \addend
    smmla \q, \q, \factor, \addend
    smmla \r, \r, \factor, \addend
.endm

/* By the usual shift. */
.macro saturate values:vararg
    .irp value, \values
    ssat \value, #8, \value, asr #4
    .endr
.endm

/* By a shift that only the layer knows. */
.macro saturate_any shift, values:vararg
    ldr \shift, [sp, #ROUNDING + 4]
    .irp value, \values
    asr \value, \value, \shift
    ssat \value, #8, \value
    .endr
.endm

/* Three sums of a channel, rounded twice. */
.macro rounded_twice channel, one, two, p, q, r
    ldr \one, [sp, #ROUNDING + 8 * \channel]
    .irp value, \p, \q, \r
    add \value, \one, \value, lsl #1
    .endr
    ldrd \one, \two, [sp, #RESCALE + 8 * \channel]
    .irp value, \p, \q, \r
    add lr, \two, \value, asr #31
    smmlar \value, \value, \one, lr
    .endr
    ldr \one, [sp, #ROUNDING + 4 + 8 * \channel]
    .irp value, \p, \q, \r
    asr \value, \value, \one
    ssat \value, #8, \value
    .endr
.endm

/* What earlier chunks summed up to, to a pair of channels' sums. */
.macro add_sums pointer, one, two, p0, q0, p1, q1, r0, r1
    ldrd \one, \two, [\pointer], #8
    add \p0, \p0, \one
    add \q0, \q0, \two
    ldrd \one, \two, [\pointer], #8
    add \p1, \p1, \one
    add \q1, \q1, \two
    ldrd \one, \two, [\pointer], #8
    add \r0, \r0, \one
    add \r1, \r1, \two
.endm

/* Channels c and d behind a and b, and the three pixels stored; on to the next triple. */
.macro store_triple
    bfi r1, r3, #16, #8
    bfi r2, r4, #16, #8
    bfi r6, r10, #16, #8
    ldrd r3, r4, [sp, #OUTPUT]
    ldrd r5, r7, [sp, #APART_THRICE]
    bfi r1, r8, #24, #8
    bfi r2, r9, #24, #8
    bfi r6, r11, #24, #8
    str r1, [r3]
    str r2, [r3, r4]
    str r6, [r3, r4, lsl #1]
    adds r3, r3, r5
    str r3, [sp, #OUTPUT]
.endm

/* From a chunk of a triple to that of the next. */
.macro skip_gap
    ldr r5, [sp, #GAP]
    add r0, r0, r5
.endm

/* r7: PACKED_END. */
.macro next_triple
    cmp r0, r7
    bne tile
    b done
.endm

.macro join_pair
    bfi r1, r4, #8, #8
    bfi r2, r5, #8, #8
    bfi r6, r7, #8, #8
.endm

/* Sums of a pair of channels, of several chunks if there is a gap between two triples' last ones. */
.macro first_sums
    take_apart r1, r2, r4, r5, r6, r7
    ldr r3, [sp, #GAP]
    cbz r3, 1f
    ldr r12, [sp, #SUMS]
    add_sums r12, r3, lr, r1, r2, r4, r5, r6, r7
    str r12, [sp, #SUMS]
1:
.endm

.macro second_sums
    ldr r12, [sp, #MINUS_LANE]
    take_apart r3, r4, r8, r9, r10, r11
    ldr r5, [sp, #GAP]
    cbz r5, 1f
    ldr r12, [sp, #SUMS]
    add_sums r12, r5, r7, r3, r4, r8, r9, r10, r11
    str r12, [sp, #SUMS]
1:
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
    ldr r2, [sp, #ENTRY] /* the depth, until now */
    subs r2, r2, #1 /* steps of the first turn, in bytes: (depth - 1) % UNROLLED + 1 */
    and r2, r2, #UNROLLED - 1
    adds r2, r2, #1
    movs r4, #STEP_BYTES
    muls r2, r4, r2
    adr.w r4, loop_end
    adds r4, r4, #1
    subs r4, r4, r2
    str r4, [sp, #ENTRY]
    ldr r2, [sp, #TAIL]
    adr r3, tails
    ldr r3, [r3, r2, lsl #2]
    str r3, [sp, #TAIL]

tile:
    ldmia sp, {r1, r4-r11, pc}

    .p2align 2
loop:
    .rept UNROLLED
    multiply_step
    .endr
loop_end:
    ldrd r2, r12, [sp, #WEIGHTS_END]
    cmp r1, r2
    bne.w loop
    ldr pc, [sp, #TAIL]

    .p2align 2
done:
    add sp, sp, #SIZE
    pop {r4-r11, pc}

    .p2align 2
tails:
    .word line + 1
#ifndef PARITONE_SMALL_CODE
    .word line_usual + 1
#else
    .word 0
#endif
#ifndef PARITONE_ROUNDS_ONCE
    .word twice + 1
#else
    .word 0
#endif
    .word chunk + 1
#ifndef PARITONE_SMALL_CODE
    .word first_chunk + 1
#endif

#ifndef PARITONE_SMALL_CODE
    .p2align 2
line_usual:
    take_apart r1, r2, r4, r5, r6, r7
    along_line 0, r3, lr, r1, r2, r6
    along_line 1, r3, lr, r4, r5, r7
    saturate r1, r2, r4, r5, r6, r7
    join_pair
    take_apart r3, r4, r8, r9, r10, r11
    along_line 2, r5, r7, r3, r4, r10
    along_line 3, r5, r7, r8, r9, r11
    saturate r3, r4, r8, r9, r10, r11
    store_triple
    next_triple
#endif

    .p2align 2
line:
    first_sums
    along_line 0, r3, lr, r1, r2, r6
    along_line 1, r3, lr, r4, r5, r7
    saturate_any r3, r1, r2, r4, r5, r6, r7
    join_pair
    second_sums
    along_line 2, r5, r7, r3, r4, r10
    along_line 3, r5, r7, r8, r9, r11
    saturate_any r5, r3, r4, r8, r9, r10, r11
    skip_gap
store:
    store_triple
    next_triple

#ifndef PARITONE_ROUNDS_ONCE
    .p2align 2
twice:
    first_sums
    rounded_twice 0, r3, r12, r1, r2, r6
    rounded_twice 1, r3, r12, r4, r5, r7
    join_pair
    second_sums
    rounded_twice 2, r5, r7, r3, r4, r10
    rounded_twice 3, r5, r7, r8, r9, r11
    skip_gap
    b store
#endif

    .p2align 2
chunk: /* not the last one: what it sums up to is added to what the others did */
    take_apart r1, r2, r4, r5, r6, r7
    ldr r3, [sp, #SUMS]
    add_sums r3, r12, lr, r1, r2, r4, r5, r6, r7
    stmdb r3, {r1, r2, r4-r7}
    ldr r12, [sp, #MINUS_LANE]
    take_apart r1, r2, r8, r9, r10, r11
    add_sums r3, r12, lr, r1, r2, r8, r9, r10, r11
    stmdb r3, {r1, r2, r8-r11}
#ifndef PARITONE_SMALL_CODE
    b sums_kept

    .p2align 2
first_chunk:
    take_apart r1, r2, r4, r5, r6, r7
    ldr r3, [sp, #SUMS]
    stmia r3!, {r1, r2, r4-r7}
    take_apart r1, r2, r8, r9, r10, r11
    stmia r3!, {r1, r2, r8-r11}
#endif
sums_kept:
    str r3, [sp, #SUMS]
    ldr r7, [sp, #PACKED_END]
    skip_gap
    next_triple

    end products_multiply_simd
#endif
