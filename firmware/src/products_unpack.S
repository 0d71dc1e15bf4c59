/*
 * products_weights: four weights a, b, c, d of a word into the words a + b 2^21 and c + d 2^21.
 *
 *   r0  weights    r1  words to come    r2  unpacked    r3 - r6  four words of weights
 *   r12  -2^21: what a byte shifted by 21 can occupy
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro unpack first, second, word
    sxtb \first, \word
    sxtb r11, \word, ror #8
    and \second, r12, \word, asr #3
    add \first, \first, r11, lsl #21
    sxtab \second, \second, \word, ror #16
.endm

/* (weights, n, unpacked) */
function products_unpack_simd
    push {r4-r11, lr}
    mov r12, #-1
    lsl r12, r12, #21
    subs r1, r1, #4
    blo 2f
1:  ldmia r0!, {r3-r6}
    unpack r7, r8, r3
    unpack r9, r10, r4
    stmia r2!, {r7-r10}
    unpack r7, r8, r5
    unpack r9, r10, r6
    stmia r2!, {r7-r10}
    subs r1, r1, #4
    bhs 1b
2:  adds r1, r1, #4
    beq 4f
3:  ldr r3, [r0], #4
    unpack r7, r8, r3
    stmia r2!, {r7, r8}
    subs r1, r1, #1
    bne 3b
4:  pop {r4-r11, pc}

    end products_unpack_simd
#endif
