/*
 * memcpy and memset of the C library, in a fifth of the bytes. Words at any alignment: cores
 * from Cortex-M3 on load and store them.
 */
    .syntax unified
    .thumb

.macro function name
    .section .text.\name, "ax", %progbits
    .p2align 2
    .global \name
    .type \name, %function
    .thumb_func
\name:
.endm

/* (to, from, n): returns `to`. */
function memcpy
    mov r12, r0
    b 2f
1:  .rept 4
    ldr r3, [r1], #4
    str r3, [r12], #4
    .endr
2:  subs r2, r2, #16
    bhs 1b
    adds r2, r2, #16
    b 4f
3:  ldrb r3, [r1], #1
    strb r3, [r12], #1
4:  subs r2, r2, #1
    bhs 3b
    bx lr
    .size memcpy, . - memcpy

/* (to, value, n): returns `to`. */
function memset
    mov r12, r0
    uxtb r1, r1
    orr r1, r1, r1, lsl #8
    orr r1, r1, r1, lsl #16
    b 2f
1:  str r1, [r12], #4
2:  subs r2, r2, #4
    bhs 1b
    adds r2, r2, #4
    b 4f
3:  strb r1, [r12], #1
4:  subs r2, r2, #1
    bhs 3b
    bx lr
    .size memset, . - memset
