/*
 * products_alone: one pixel's values times the weights of a group, a pair of channels at a time.
 *
 *   r0  values    r1  weights    r2, r3  sums of the pair: the first's from START on in bits 0 - 20
 *   r4 - r7  four weights    r8 - r11  four values    r12  values to come    lr  the first's sum
 *
 * A sum of 64 products, which are -128 * 127 .. 128 * 128, stays within these bits; then it is moved.
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

    .equ VALUES, 0 /* of the stack */
    .equ WEIGHTS_END, 4
    .equ DEPTH, 8
    .equ SUMS, 12
    .equ START, 0xff000
    .equ UNROLLED, 64

/* Eight products. */
.macro multiply_four
    ldmia r1!, {r4-r7}
    ldmia r0!, {r8-r11}
    smlal r2, r3, r8, r4
    smlal r2, r3, r9, r5
    smlal r2, r3, r10, r6
    smlal r2, r3, r11, r7
.endm

.macro move_first
    mov r4, #START
    ubfx r5, r2, #0, #21
    bfi r2, r4, #0, #21
    subs r5, r5, r4
    add lr, lr, r5
.endm

/* (values, weights, depth, sums) */
function products_alone_simd
    push {r4-r11, lr}
    add r4, r1, r2, lsl #3
    mov r5, r2
    mov r6, r3
    push {r0, r4-r6}

pair:
    ldr r0, [sp, #VALUES]
    ldr r12, [sp, #DEPTH]
    mov r2, #START
    movs r3, #0
    mov lr, #0
    tst r12, #UNROLLED - 4
    beq 2f
    .p2align 2
1:  multiply_four
    subs r12, r12, #4
    tst r12, #UNROLLED - 4
    bne 1b
    move_first
2:  cmp r12, #0
    beq 4f
    .p2align 2
3:  .rept UNROLLED / 4
    multiply_four
    .endr
    move_first
    subs r12, r12, #UNROLLED
    bne.w 3b
4:  ldr r4, [sp, #WEIGHTS_END]
    ldr r6, [sp, #SUMS]
    lsrs r2, r2, #21
    orr r2, r2, r3, lsl #11
    strd lr, r2, [r6], #8
    str r6, [sp, #SUMS]
    cmp r1, r4
    bne.w pair
    add sp, sp, #16
    pop {r4-r11, pc}

    end products_alone_simd
#endif
