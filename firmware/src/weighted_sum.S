/*
 * weighted_sum: a word's values as halfwords times 256, the odd ones in place, the even ones
 * shifted up; SMLAW multiplies each by 32 bits of weight. Saturated as unsigned bytes, 128 higher.
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* r2[0] = the sum of four values of \a and of \b; destroys both and r9 - r12. */
.macro add_four a, b
    and r9, r7, \a, lsl #8
    and r10, r7, \b, lsl #8
    and \a, \a, r7
    and \b, \b, r7
    smlawb r12, r4, r9, r6
    smlawt r9, r4, r9, r6
    smlawb r12, r5, r10, r12
    smlawt r9, r5, r10, r9
    pkhtb r9, r9, r12, asr #16
    smlawb r12, r4, \a, r6
    smlawt \a, r4, \a, r6
    smlawb r12, r5, \b, r12
    smlawt \a, r5, \b, \a
    pkhtb \a, \a, r12, asr #16
    usat16 r9, #8, r9
    usat16 \a, #8, \a
    orr \a, r9, \a, lsl #8
    eor \a, \a, #0x80808080
    str \a, [r2], #4
.endm

function paritone_weighted_sum_simd
    push {r4-r11, lr}
    ldr r7, [sp, #36]
    ldm r7, {r4-r6}
    add r6, r6, #(128 << 16)
    mov r7, #0xff00ff00
    b 2f
1:  ldrd r8, lr, [r0], #8
    ldr r11, [r1], #4
    add_four r8, r11
    ldr r11, [r1], #4
    add_four lr, r11
2:  subs r3, r3, #2
    bhs 1b
    adds r3, r3, #2
    beq 3f
    ldr r8, [r0]
    ldr r11, [r1]
    add_four r8, r11
3:  pop {r4-r11, pc}
    end paritone_weighted_sum_simd
#endif
