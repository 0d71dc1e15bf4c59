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

/* So many butterflies a turn, up to the address at \end on the stack. */
.macro butterflies bits, end, a_turn
1:  .rept \a_turn
    butterfly \bits
    .endr
    ldr r4, [sp, #\end]
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
    adds r3, r2, r4
    butterflies 2, 0, 1
    butterflies 1, 4, 2
    add sp, sp, #12
    pop {r4-r11, pc}
    end frontend_fused_last_simd
#endif
