/*
 * frontend_fused_last: one load for a butterfly's legs, one store for each result.
 *
 *   r0  legs    r1, r12, r2, r3  results 0, 2, 1, 3
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro butterfly bits
    ldm r0!, {r4-r11}
    add_legs lr, asr, \bits
    add_even
    strd r11, r6, [r1], #8
    strd r4, r5, [r2], #8
    add_odd lr
    strd r4, r5, [r12], #8
    strd lr, r8, [r3], #8
.endm

/* Two butterflies a turn, up to the address on the stack's top. */
.macro butterflies bits
1:  butterfly \bits
    butterfly \bits
    ldr r4, [sp]
    cmp r0, r4
    bne 1b
.endm

/* A quarter of the butterflies has sums to read, over 4, the others turned ones, over 2. */
function frontend_fused_last_simd
    push {r4-r11, lr}
    sub sp, sp, #12
    add r4, r1, r0, lsl #5
    add r5, r1, r0, lsl #3
    strd r5, r4, [sp]
    lsl r4, r0, #3
    mov r0, r1
    mov r1, r2
    add r12, r1, r4
    add r2, r12, r4
    add r3, r2, r4
    butterflies 2
    ldr r4, [sp, #4]
    str r4, [sp]
    butterflies 1
    add sp, sp, #12
    pop {r4-r11, pc}
    end frontend_fused_last_simd
#endif
