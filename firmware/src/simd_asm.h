/* What the assembly files share. */
#ifndef PARITONE_SIMD_ASM_H
#define PARITONE_SIMD_ASM_H

    .syntax unified
    .thumb

/* Start of a function, in a section of its own; `end` closes it. */
.macro function name
    .section .text.\name, "ax", %progbits
    .p2align 2
    .global \name
    .type \name, %function
    .thumb_func
\name:
.endm

.macro end name
    .size \name, . - \name
.endm

/* (re, im) times cos - j sin, halved, to (to, im): each product floored. Destroys re. */
.macro turn to, re, im, cos, sin
    smmul \to, \re, \cos
    smmla \to, \im, \sin, \to
    smmul \im, \im, \cos
    smmul \re, \re, \sin
    subs \im, \im, \re
.endm

/* The legs r4 .. r11 of a butterfly, each after `shift` by `bits` (none: as it is), to
 * a + c (r4, r5), b + d (r6, r7), a - c (r12, r8), b - d (r9, r10); r11 is free then.
 * Half of the shifts cost nothing: they are operands'. Here and below flags are set where that
 * makes an instruction shorter. */
.macro add_legs spare, shift, bits
    .ifnb \shift
    .irp leg, r4, r5, r6, r7
    \shift\()s \leg, \leg, #\bits
    .endr
    add_shifted \spare, \shift #\bits
    .else
    add_shifted \spare, lsl #0
    .endif
.endm

.macro add_shifted spare, shifted:vararg
    sub \spare, r4, r8, \shifted
    add r4, r4, r8, \shifted
    sub r8, r5, r9, \shifted
    add r5, r5, r9, \shifted
    sub r9, r6, r10, \shifted
    add r6, r6, r10, \shifted
    sub r10, r7, r11, \shifted
    add r7, r7, r11, \shifted
.endm

/* Results 0 (r11, r6) and 1 (r4, r5) of what add_legs made. */
.macro add_even
    add r11, r4, r6
    subs r4, r4, r6
    adds r6, r5, r7
    subs r5, r5, r7
.endm

/* Results 2 (r4, r5) and 3 (spare, r8). */
.macro add_odd spare
    add r4, \spare, r10
    sub \spare, \spare, r10
    sub r5, r8, r9
    add r8, r8, r9
.endm

#endif
