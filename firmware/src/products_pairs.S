/*
 * products_multiply_pair: packed triples times the weights of a pair of channels, requantized to
 * six bytes. A pair leaves registers for four weights at once: fewer loads than two pairs need.
 *
 *   r0  packed triples    r1  weights    r2, r3 and r12, lr  a triple's two words, of two values
 *   r4, r5  pa, pb + qa, qb in lanes of 21 bits    r6, r7  qa, qb + ra, rb    r8 - r11  weights
 *
 * The stack's top is a copy of products_pair_t (products_pairs.h), whose offsets these are:
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

    .equ ENTRY, 20 /* where the loop is entered */
    .equ CONSTANTS, 24
    .equ APART, 24
    .equ OUTPUT, 28
    .equ MINUS_LANE, 32
    .equ APART_THRICE, 52 /* and PACKED_END */
    .equ PACKED_END, 56
    .equ TAIL, 60
    .equ TURN, 64 /* where the loop is left for */
    .equ WEIGHTS_END, 68
    .equ GAP, 72
    .equ ROUNDING, 76
    .equ SUMS, 92
    .equ REPEATED, 96 /* and PACKED_END with it */
    .equ SIZE, 108
    .equ UNROLLED, 128
    .equ FOUR_BYTES, 44

/* Four values of each window: 24 products. */
.macro multiply_four
    ldmia r1!, {r8-r11}
    ldmia r0!, {r2, r3, r12, lr}
    smlal r4, r5, r2, r8
    smlal r6, r7, r3, r8
    smlal r4, r5, r12, r9
    smlal r6, r7, lr, r9
    ldmia r0!, {r2, r3, r12, lr}
    smlal r4, r5, r2, r10
    smlal r6, r7, r3, r10
    smlal r4, r5, r12, r11
    smlal r6, r7, lr, r11
.endm

/* The constants of a tile: r1 the distance of pixels, r2 the output, r3 -2^21, r8 - r11 factor and
 * addend of a and b. */
.macro constants
    add r1, sp, #CONSTANTS
    ldmia r1, {r1-r3, r8-r11}
.endm

/* Sums of a to p, q, r6 and of b to r4, r5, r7. minus: -2^21. */
.macro take_apart p, q, minus
    ubfx \p, r4, #0, #21
    ubfx \q, r6, #0, #21
    smlal r4, r5, \q, \minus
    lsr r4, r4, #21
    bfi r4, r5, #11, #10
    lsr r5, r5, #10
    smlal r6, r7, r5, \minus
    lsr r6, r6, #21
    bfi r6, r7, #11, #10
    lsr r7, r7, #10
.endm

/* Six sums along their lines, not shifted yet. */
.macro along_lines
    smmla r12, r12, r8, r9
    smmla lr, lr, r8, r9
    smmla r6, r6, r8, r9
    smmla r4, r4, r10, r11
    smmla r5, r5, r10, r11
    smmla r7, r7, r10, r11
.endm

/* Three sums of a channel, rounded twice. r1, r2: correction and right of it. */
.macro rounded_twice factor, half, p, q, r
    .irp value, \p, \q, \r
    add \value, r1, \value, lsl #1
    .endr
    .irp value, \p, \q, \r
    add r3, \half, \value, asr #31
    smmlar \value, \value, \factor, r3
    .endr
    .irp value, \p, \q, \r
    asr \value, \value, r2
    ssat \value, #8, \value
    .endr
.endm

/* What earlier chunks summed up to, from \pointer on, to the sums. */
.macro add_sums pointer
    ldmia \pointer, {r1-r3, r9-r11}
    add r4, r4, r1
    add r5, r5, r2
    add r6, r6, r3
    add r7, r7, r9
    add r12, r12, r10
    add lr, lr, r11
.endm

/* All sums, of the chunks before too if there is a gap between two triples' last ones. */
.macro whole_sums
    ldr r3, [sp, #MINUS_LANE]
    take_apart r12, lr, r3
    ldr r1, [sp, #GAP]
    cbz r1, 1f
    add r0, r0, r1
    ldr r8, [sp, #SUMS]
    add_sums r8!
    str r8, [sp, #SUMS]
1:
.endm

/* r1, r2: distance of pixels and output. */
.macro store_triple
    bfi r12, r4, #8, #8
    bfi lr, r5, #8, #8
    bfi r6, r7, #8, #8
    ldrd r3, r4, [sp, #APART_THRICE]
    strh r12, [r2]
    strh lr, [r2, r1]
    strh r6, [r2, r1, lsl #1]
    add r2, r2, r3
    str r2, [sp, #OUTPUT]
    cmp r0, r4
.endm

/* (pair, packed) */
function products_multiply_pair_simd
    push {r4-r11, lr}
    adds r0, r0, #SIZE
    .rept 3
    ldmdb r0!, {r3-r11}
    push {r3-r11}
    .endr
    mov r0, r1
    ldr r2, [sp, #ENTRY] /* the depth, until now */
    ldr r3, [sp, #TAIL]
    adr.w r1, tails
    ldr r3, [r1, r3, lsl #2]
    str r3, [sp, #TAIL]
    cmp r2, #UNROLLED
    bls 1f
    adr.w r3, turn
    adds r3, r3, #1
1:  str r3, [sp, #TURN]
    subs r2, r2, #4 /* values of the first turn: (depth - 4) % UNROLLED + 4 */
    and r2, r2, #UNROLLED - 4
    adds r2, r2, #4
    movs r3, #FOUR_BYTES / 4
    muls r2, r3, r2
    adr.w r3, loop_end
    adds r3, r3, #1
    subs r3, r3, r2
    str r3, [sp, #ENTRY]

tile:
    ldmia sp, {r1, r4-r7, pc}

    .p2align 2
loop:
    .rept UNROLLED / 4
    multiply_four
    .endr
    .p2align 2
loop_end:
    ldr.w pc, [sp, #TURN]

    .p2align 2
turn:
    ldr r2, [sp, #WEIGHTS_END]
    cmp r1, r2
    bne.w loop
    ldr pc, [sp, #TAIL]

    .p2align 2
tails:
    .word line + 1, line_usual + 1, twice + 1, chunk + 1, first_chunk + 1

    .p2align 2
line_usual:
    constants
    take_apart r12, lr, r3
    along_lines
    .irp value, r12, lr, r4, r5, r6, r7
    ssat \value, #8, \value, asr #4
    .endr
    store_triple
    bne.w tile
    b done

    .p2align 2
line:
    whole_sums
    constants
    along_lines
    ldr r3, [sp, #ROUNDING + 4]
    .irp value, r12, lr, r4, r5, r6, r7
    asr \value, \value, r3
    ssat \value, #8, \value
    .endr
    b store

    .p2align 2
twice:
    whole_sums
    constants
    ldrd r1, r2, [sp, #ROUNDING]
    rounded_twice r8, r9, r12, lr, r6
    ldrd r1, r2, [sp, #ROUNDING + 8]
    rounded_twice r10, r11, r4, r5, r7
    ldrd r1, r2, [sp, #APART]
store:
    store_triple
    bne.w tile
done: /* but for a triple that repeats pixels, whose output is not as far from the others' */
    ldrd r1, r3, [sp, #REPEATED]
    cbz r1, all_done
    add r2, r2, r1
    str r2, [sp, #OUTPUT]
    str r3, [sp, #PACKED_END]
    movs r1, #0
    str r1, [sp, #REPEATED]
    b.w tile
all_done:
    add sp, sp, #SIZE
    pop {r4-r11, pc}

    .p2align 2
chunk: /* not the last one: what it sums up to is added to what the others did */
    ldr r3, [sp, #MINUS_LANE]
    take_apart r12, lr, r3
    ldr r8, [sp, #SUMS]
    add_sums r8
    b keep

    .p2align 2
first_chunk:
    ldr r3, [sp, #MINUS_LANE]
    take_apart r12, lr, r3
    ldr r8, [sp, #SUMS]
keep: /* in the order in which add_sums takes them */
    stmia r8!, {r4-r7, r12, lr}
    str r8, [sp, #SUMS]
    ldr r1, [sp, #GAP]
    ldr r4, [sp, #PACKED_END]
    add r0, r0, r1
    cmp r0, r4
    bne.w tile
    b all_done

    end products_multiply_pair_simd

/* Words of weights a, b, c, d to a + b 2^21 and, `n` words further, c + d 2^21.
 *
 *   r0  weights    r1  words to come    r2  a and b    r3  c and d
 *   r12  -2^21: what a byte shifted by 21 can occupy
 */
.macro unpack_four
    ldmia r0!, {r4-r7}
    .irp pair, "r4, r8", "r5, r9", "r6, r10", "r7, r11"
    unpack_first \pair
    .endr
    stmia r2!, {r8-r11}
    .irp word, r4, r5, r6, r7
    and r8, r12, \word, asr #3
    sxtab \word, r8, \word, ror #16
    .endr
    stmia r3!, {r4-r7}
.endm

.macro unpack_first word, to
    sxtb lr, \word, ror #8
    sxtb \to, \word
    add \to, \to, lr, lsl #21
.endm

/* (weights, n, unpacked): n in multiples of four */
function products_unpack_pairs_simd
    push {r4-r11, lr}
    mov r12, #-1
    lsl r12, r12, #21
    add r3, r2, r1, lsl #2
    tst r1, #4
    beq 1f
    adds r1, r1, #4
    b 2f
    .p2align 2
1:  unpack_four
2:  unpack_four
    subs r1, r1, #8
    bne 1b
    pop {r4-r11, pc}

    end products_unpack_pairs_simd
#endif
