/*
 * frontend_codes_wide: the sum's octave and leading fraction bits, one word as in a float, choose
 * a cell; the comparison's carry is the step in it.
 *
 *   r0  codes   r1  mel   r2  column   r4, r5  offset   r6  base   r7  shift   r10  ends
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
    add \high, r6, \high, lsr #8
    sub \high, \high, r12, lsl #23
    lsr \low, \high, r7
    ldrb \low, [r0, \low]
    ldr r12, [r10, \low, lsl #2]
    cmp \high, r12
    adc \low, \low, #0
    strb \low, [r2], #1
.endm

/* (codes, mel, column, n, offset, base, shift, ends): n modulo 4 of them, then four a turn. */
function frontend_codes_simd
    push {r3-r11, lr} /* the place of r3 holds the column's end */
    ldrd r4, r5, [sp, #40]
    ldrd r6, r7, [sp, #48]
    ldr r10, [sp, #56]
    ands r11, r3, #3
    add r3, r2, r3
    str r3, [sp]
    beq 3f
1:  ldrd r8, r9, [r1], #8
    code r8, r9
    subs r11, r11, #1
    bne 1b
    b 3f
2:  ldm r1!, {r3, r8, r9, r11}
    code r3, r8
    code r9, r11
    ldm r1!, {r3, r8, r9, r11}
    code r3, r8
    code r9, r11
3:  ldr r3, [sp]
    cmp r2, r3
    bne 2b
    pop {r3-r11, pc}
    end frontend_codes_simd
#endif
