/*
 * frontend_codes: the sum's octave and leading mantissa bits, one word as in a float, choose
 * a cell; the comparison's carry is the step in it.
 *
 *   r0  codes   r1  mel   r2  column   r3  its end   r4, r5  offset   r6  base   r7  shift
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* Of the sum (low, high). */
.macro code low, high
    adds \low, \low, r4
    adc \high, \high, r5
    clz r12, \high
    rsb lr, r12, #32
    lsl \high, \high, r12
    lsr \low, \low, lr
    orr \high, \high, \low
    lsr \high, \high, #8 /* the mantissa */
    sub r12, r6, r12, lsl #23
    add r12, r12, \high
    lsr r12, r12, r7
    ldr r12, [r0, r12, lsl #2]
    cmp \high, r12, lsr #8
    adc r12, r12, #0
    strb r12, [r2], #1
.endm

/* (codes, mel, column, n, offset, base, shift): n modulo 4 of them, then four a turn. */
function frontend_codes_simd
    push {r3-r11, lr} /* r3 keeps the stack aligned */
    ldrd r4, r5, [sp, #40]
    ldrd r6, r7, [sp, #48]
    ands r10, r3, #3
    add r3, r2, r3
    beq 3f
1:  ldrd r8, r9, [r1], #8
    code r8, r9
    subs r10, r10, #1
    bne 1b
    b 3f
2:  ldm r1!, {r8-r11}
    code r8, r9
    code r10, r11
    ldm r1!, {r8-r11}
    code r8, r9
    code r10, r11
3:  cmp r2, r3
    bne 2b
    pop {r3-r11, pc}
    end frontend_codes_simd
#endif
