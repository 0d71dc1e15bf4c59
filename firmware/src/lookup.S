/* lookup: a byte of a word, added to the table's address, is the address of its result. */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro look_up words:vararg
    .irp word, \words
    uxtab r9, r2, \word
    uxtab r10, r2, \word, ror #8
    uxtab r11, r2, \word, ror #16
    add r12, r2, \word, lsr #24
    ldrb r9, [r9]
    ldrb r10, [r10]
    ldrb r11, [r11]
    ldrb r12, [r12]
    orr r9, r9, r10, lsl #8
    orr r11, r11, r12, lsl #8
    orr \word, r9, r11, lsl #16
    .endr
.endm

function paritone_lookup_simd
    push {r4-r11}
    b 2f
1:  ldm r0!, {r5-r8}
    look_up r5, r6, r7, r8
    stm r1!, {r5-r8}
2:  subs r3, r3, #4
    bhs 1b
    add r3, r3, #4
    b 4f
3:  ldr r5, [r0], #4
    look_up r5
    str r5, [r1], #4
4:  subs r3, r3, #1
    bhs 3b
    pop {r4-r11}
    bx lr
    end paritone_lookup_simd
#endif
