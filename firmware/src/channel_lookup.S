/* channel_lookup: a byte of a word, added to the table's address, is the address of its result. */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* \word's four values, by the tables from r2 + \table on. */
.macro look_up word, table
    uxtab r9, r2, \word
    uxtab r10, r2, \word, ror #8
    uxtab r11, r2, \word, ror #16
    add r12, r2, \word, lsr #24
    ldrb r9, [r9, #\table]
    ldrb r10, [r10, #\table + 256]
    ldrb r11, [r11, #\table + 512]
    ldrb r12, [r12, #\table + 768]
    orr r9, r9, r10, lsl #8
    orr r11, r11, r12, lsl #8
    orr \word, r9, r11, lsl #16
.endm

function paritone_channel_lookup_16_simd
    push {r4-r11, lr}
    ldr r4, [sp, #36]
    sub r4, r4, #16
1:  ldm r0!, {r5-r8}
    look_up r5, 0
    look_up r6, 1024
    look_up r7, 2048
    look_up r8, 3072
    stm r1!, {r5-r8}
    add r0, r0, r4
    add r1, r1, r4
    subs r3, r3, #1
    bne 1b
    pop {r4-r11, pc}
    end paritone_channel_lookup_16_simd

function paritone_channel_lookup_4_simd
    push {r4-r11, lr}
    ldr r4, [sp, #36]
1:  ldr r5, [r0]
    look_up r5, 0
    str r5, [r1]
    add r0, r0, r4
    add r1, r1, r4
    subs r3, r3, #1
    bne 1b
    pop {r4-r11, pc}
    end paritone_channel_lookup_4_simd
#endif
