/*
 * frontend_codes: the sum's octave and leading mantissa bits, one word as in a float, choose
 * a cell; the comparison's carry is the step in it.
 *
 *   r0  codes   r1  mel   r2  column   r3  its end   r4, r5  offset   r6  base   r7  shift
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro code
    ldrd r8, r9, [r1], #8
    adds r8, r8, r4
    adc r9, r9, r5
    clz r10, r9
    rsb r11, r10, #32
    lsl r9, r9, r10
    lsr r8, r8, r11
    orr r9, r9, r8
    lsr r9, r9, #8 /* the mantissa */
    sub r10, r6, r10, lsl #23
    add r10, r10, r9
    lsr r10, r10, r7
    ldr r10, [r0, r10, lsl #2]
    cmp r9, r10, lsr #8
    adc r10, r10, #0
    strb r10, [r2], #1
.endm

/* (codes, mel, column, n, offset, base, shift): n modulo 4 of them, then four a turn. */
function frontend_codes_simd
    push {r4-r11, lr}
    ldrd r4, r5, [sp, #36]
    ldrd r6, r7, [sp, #44]
    and r12, r3, #3
    add r3, r2, r3
    b 2f
1:  code
2:  subs r12, r12, #1
    bhs 1b
    b 4f
3:  code
    code
    code
    code
4:  cmp r2, r3
    bne 3b
    pop {r4-r11, pc}
    end frontend_codes_simd
#endif
