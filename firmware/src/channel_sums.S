/* channel_sums: of each word the even channels in two halfwords, the odd ones in two others. */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro add_pixel
    ldrd r8, r9, [r0]
    add r0, r0, r2
    sxtab16 r4, r4, r8
    sxtab16 r5, r5, r8, ror #8
    sxtab16 r6, r6, r9
    sxtab16 r7, r7, r9, ror #8
.endm

function paritone_channel_sums_simd
    push {r4-r9}
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
    b 2f
1:  .rept 4
    add_pixel
    .endr
2:  subs r1, r1, #4
    bhs 1b
    adds r1, r1, #4
    beq 4f
3:  add_pixel
    subs r1, r1, #1
    bne 3b
4:  pkhbt r0, r4, r5, lsl #16
    pkhtb r1, r5, r4, asr #16
    pkhbt r2, r6, r7, lsl #16
    pkhtb r12, r7, r6, asr #16
    stm r3, {r0-r2, r12}
    pop {r4-r9}
    bx lr
    end paritone_channel_sums_simd
#endif
