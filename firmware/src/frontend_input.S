/*
 * frontend_codes_wide: the sum's octave and leading fraction bits, one word as in a float, choose
 * a cell; the comparison's carry is the step in it.
 *
 *   r0  codes   r1  mel   r2 - r5  two sums   r6, r7  offset
 *   r8  base   r9  shift   r10  ends   r11  column
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* Of the sum (low, high). */
.macro code low, high
    adds \low, \low, r6
    adcs \high, \high, r7
    clz r12, \high
    rsb lr, r12, #32
    lsl \high, \high, r12
    lsr \low, \low, lr
    orrs \high, \high, \low
    add \high, r8, \high, lsr #8
    sub \high, \high, r12, lsl #23
    lsr \low, \high, r9
    ldrb \low, [r0, \low]
    ldr r12, [r10, \low, lsl #2]
    cmp \high, r12
    adc \low, \low, #0
    strb \low, [r11], #1
.endm

/* (codes, mel, column, n, offset, base, shift, ends): four a turn. The turns are counted in
 * r9's high bits, as a shift reads its low byte alone; n modulo 4 is where the first begins. */
function frontend_codes_simd
    push {r4-r11, lr}
    mov r11, r2
    ldrd r6, r7, [sp, #36]
    ldrd r8, r9, [sp, #44]
    ldr r10, [sp, #52]
    ands r2, r3, #3
    add r9, r9, r3, lsl #6
    beq 3f
    sub r9, r9, r2, lsl #6
    cmp r2, #2
    beq 2f
    ldrd r4, r5, [r1], #8
    blo 5f
    b 4f
1:  ldm r1!, {r2-r5}
    code r2, r3
4:  code r4, r5
2:  ldm r1!, {r2-r5}
    code r2, r3
5:  code r4, r5
3:  subs r9, r9, #256
    bhs 1b
    pop {r4-r11, pc}
    end frontend_codes_simd
#endif
