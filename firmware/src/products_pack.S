/*
 * products_pack: each value of three pixels into the words p + q 2^21 and q + r 2^21.
 *
 *   r0, r3, r12  values of p, q, r    r1  values to come    r2  words
 *   r4 - r6  four values of each      r7 - r10  four words    r11  q
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* The words of one value of each, in the byte of r4 - r6 that `rotation` brings lowest. */
.macro pack_one first, second, rotation
    sxtb r11, r5, ror #\rotation
    sxtb \first, r4, ror #\rotation
    sxtb \second, r6, ror #\rotation
    add \first, \first, r11, lsl #21
    add \second, r11, \second, lsl #21
.endm

/* r1 values of a triple, at least one; r1 is 0 then. */
.macro pack_triple
    subs r1, r1, #4
    blo 2f
    .p2align 2
1:  ldr r4, [r0], #4
    ldr r5, [r3], #4
    ldr r6, [r12], #4
    pack_one r7, r8, 0
    pack_one r9, r10, 8
    stmia r2!, {r7-r10}
    pack_one r7, r8, 16
    pack_one r9, r10, 24
    stmia r2!, {r7-r10}
    subs r1, r1, #4
    bhs 1b
2:  adds r1, r1, #4
    beq 4f
3:  ldrsb r4, [r0], #1
    ldrsb r5, [r3], #1
    ldrsb r6, [r12], #1
    add r7, r4, r5, lsl #21
    add r8, r5, r6, lsl #21
    stmia r2!, {r7, r8}
    subs r1, r1, #1
    bne 3b
4:
.endm

/* (pixels, n, words): the last turn of the other one. */
function products_pack_simd
    push {r4-r11, lr}
    sub sp, sp, #16
    ldm r0, {r0, r3, r12}
    mov lr, #1
    b.w one_triple

    end products_pack_simd

/* (line, first, apart, words): the stack holds p of the next triple, bytes of a triple's words that
 * other values have, apart and n. lr: triples to come. */
function products_pack_line_simd
    push {r4-r11, lr}
    ldm r0, {r4, r5, lr}
    subs r5, r5, r4
    lsls r5, r5, #3
    mov r6, r2
    mov r7, r4
    mov r4, r1
    push {r4-r7}
    mov r2, r3
5:  ldm sp, {r0, r4, r5, r6}
    mov r1, r6
    add r3, r0, r5
    add r12, r3, r5
    add r7, r12, r5
    str r7, [sp]
one_triple:
    pack_triple
    ldr r4, [sp, #4]
    add r2, r2, r4
    subs lr, lr, #1
    bne 5b
    add sp, sp, #16
    pop {r4-r11, pc}

    end products_pack_line_simd
#endif
