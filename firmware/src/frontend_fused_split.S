/*
 * Real spectrum and magnitude in registers, from Z[k] and Z[M - k]. Bins k and M - k share
 * one pair of products.
 *
 *   r0  Z[k]    r1  Z[M - k]    r2  a's parts, b    r3, r12  magnitudes
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* Z[k] to r4, r5, Z[M - k] to r6, r7, tables to r8, r9, r10. */
.macro load
    ldrd r4, r5, [r0], #8
    ldrd r6, r7, [r1], #-8
    ldm r2!, {r8-r10}
.endm

/* Magnitude of (re, im) to \re; r5, r7, r8 are scratch. \root: the table. */
.macro magnitude re, im, root
    eor r5, \re, \re, lsl #1
    eor r7, \im, \im, lsl #1
    orrs r5, r5, r7
    clz r5, r5
    lsls \re, \re, r5
    lsls \im, \im, r5
    smmul r7, \re, \re
    smmla r7, \im, \im, r7
    lsr r8, r7, #23
    ldr r8, [\root, r8, lsl #2]
    smlawb r7, r7, r8, r8
    lsls r7, r7, #2 /* no carry, for a shift by 0 */
    lsrs \re, r7, r5
    adc \re, \re, #0
.endm

/* Bins k only. (low, high, split, root, to_low, n) */
function frontend_magnitude_low_simd
    push {r3-r11, lr} /* r3 keeps the stack aligned */
    ldrd r12, lr, [sp, #40]
    cmp lr, #0
    beq 2f
1:  load
    smmulr r11, r4, r8
    smmlsr r11, r5, r9, r11
    smmlsr r11, r7, r9, r11
    smmlar r11, r6, r10, r11
    smmulr r4, r4, r9
    smmlar r4, r5, r8, r4
    smmlsr r4, r7, r10, r4
    smmlsr r4, r6, r9, r4
    magnitude r11, r4, r3
    str r11, [r12], #4
    subs lr, lr, #1
    bne 1b
2:  pop {r3-r11, pc}
    end frontend_magnitude_low_simd

/* Bins k and M - k; on the stack's top are the root table's address and the end of low: r9. */
.macro pair
    load
    smmulr r11, r4, r9
    smmlsr r11, r6, r9, r11
    smmulr lr, r4, r8 /* bin k: lr, then r4 */
    smmlsr lr, r5, r9, lr
    smmlsr lr, r7, r9, lr
    smmlar lr, r6, r10, lr
    smmulr r6, r6, r8 /* bin M - k: r6, r11 */
    smmlar r6, r7, r9, r6
    smmlar r6, r5, r9, r6
    smmlar r6, r4, r10, r6
    smmlar r4, r5, r8, r11
    smmlsr r4, r7, r10, r4
    smmlar r11, r7, r8, r11
    smmlsr r11, r5, r10, r11
    ldrd r10, r9, [sp]
    magnitude lr, r4, r10
    str lr, [r3], #4
    magnitude r6, r11, r10
    str r6, [r12], #-4
.endm

/* (low, high, split, root, to_low, to_high, n): two a turn, first one if n is odd. */
function frontend_magnitude_pairs_simd
    push {r4-r11, lr}
    sub sp, sp, #12
    ldr r4, [sp, #56]
    add r9, r0, r4, lsl #3
    strd r3, r9, [sp]
    ldrd r3, r12, [sp, #48]
    tst r4, #1
    beq 3f
    b 2f
1:  pair
2:  pair
3:  cmp r0, r9
    bne 1b
    add sp, sp, #12
    pop {r4-r11, pc}
    end frontend_magnitude_pairs_simd
#endif
