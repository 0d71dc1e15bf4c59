/* depthwise_lines_load: four columns of four channels at a time. */
#include "simd.h"
#include "simd_asm.h"

#if PARITONE_SIMD

#define TILE 96
#define OF_CHANNEL 24

/* r8 .. r11: a column's four channels each. */
.macro load_columns
    ldr r8, [r1]
    ldr r9, [r1, r2]
    ldr r10, [r1, r2, lsl #1]
    ldr r11, [r1, r12]
.endm

/* (a, b) and (c, d) of a channel, the first in the low half. */
.macro store_channel low, high, by, channel
    sxtb16 r8, \low, \by
    sxtb16 r9, \high, \by
    str r8, [r3, #OF_CHANNEL * \channel]
    str r9, [r3, #OF_CHANNEL * \channel + 4]
.endm

/* They are r8 .. r11; to the tile at r3. */
.macro store_columns
    pkhbt r5, r8, r9, lsl #16
    pkhtb r7, r9, r8, asr #16
    pkhbt lr, r10, r11, lsl #16
    pkhtb r11, r11, r10, asr #16
    store_channel r5, lr, ror #0, 0
    store_channel r5, lr, ror #8, 1
    store_channel r7, r11, ror #0, 2
    store_channel r7, r11, ror #8, 3
.endm

/*   r0 lines   r1 from   r2 pitch   r3 slot */
function depthwise_lines_load_simd
    push {r4-r11, lr}
    ldm r0, {r4-r7} /* zero points, left, tiles, rest */
    ldr r8, [r0, #28]
    mov r0, r7
    add r12, r2, r2, lsl #1
    add r3, r8, r3, lsl #3
    cmp r5, #0
    beq 1f
    mov r8, r4 /* the first column is padding */
    sub r1, r2
    cmp r6, #0
    beq 3f
    ldr r9, [r1, r2]
    ldr r10, [r1, r2, lsl #1]
    ldr r11, [r1, r12]
    b 2f
1:  cmp r6, #0
    beq 4f
    .p2align 2
5:  load_columns
2:  store_columns
    add r1, r1, r2, lsl #2
    add r3, #TILE
    subs r6, #1
    bne 5b
4:  mov r8, r4
    cmp r0, #4
    it eq
    popeq {r4-r11, pc}
    cmp r0, #0
    it ne
    ldrne r8, [r1]
3:  mov r9, r4
    mov r10, r4
    mov r11, r4
    cmp r0, #2
    it hs
    ldrhs r9, [r1, r2]
    it hi
    ldrhi r10, [r1, r2, lsl #1]
    store_columns
    pop {r4-r11, pc}
end depthwise_lines_load_simd

#endif
