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

/* (pixels, n, words) */
function products_pack_simd
    push {r4-r11, lr}
    ldm r0, {r0, r3, r12}
    subs r1, r1, #4
    blo 2f
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
4:  pop {r4-r11, pc}

    end products_pack_simd
#endif
