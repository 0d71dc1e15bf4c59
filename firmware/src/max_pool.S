/* max_pool: four bytes at a time; a difference sets a flag for each, SEL picks by them. */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* \a = the larger, byte by byte. */
.macro larger a, b
    ssub8 r12, \a, \b
    sel \a, \a, \b
.endm

/* The larger of four words from \pointer on and r4 - r7, to these. */
.macro larger_four pointer
    ldm \pointer!, {r8-r11}
    larger r4, r8
    larger r5, r9
    larger r6, r10
    larger r7, r11
.endm

function paritone_max_3_simd
    push {r4-r11, lr}
    ldr lr, [sp, #36]
    b 2f
1:  ldm r0!, {r4-r7}
    larger_four r1
    larger_four r2
    stm r3!, {r4-r7}
2:  subs lr, lr, #4
    bhs 1b
    add lr, lr, #4
    b 4f
3:  ldr r4, [r0], #4
    ldr r5, [r1], #4
    ldr r6, [r2], #4
    larger r4, r5
    larger r4, r6
    str r4, [r3], #4
4:  subs lr, lr, #1
    bhs 3b
    pop {r4-r11, pc}
    end paritone_max_3_simd

function paritone_max_2_simd
    push {r4-r11}
    b 2f
1:  ldm r0!, {r4-r7}
    larger_four r1
    stm r2!, {r4-r7}
2:  subs r3, r3, #4
    bhs 1b
    add r3, r3, #4
    b 4f
3:  ldr r4, [r0], #4
    ldr r5, [r1], #4
    larger r4, r5
    str r4, [r2], #4
4:  subs r3, r3, #1
    bhs 3b
    pop {r4-r11}
    bx lr
    end paritone_max_2_simd
#endif
