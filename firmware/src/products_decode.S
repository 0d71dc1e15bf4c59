/*
 * products_decode: words of four weights from their six bits and the codes of their classes.
 *
 *   r8  sixes    r1  words    r2  of a table: base << 8 | 32 - length    r3  bits to come, on top
 *   r4  table of lengths    r5  codes    r6  bits of codes behind    r7  products_quads
 *   r0  classes    r9  inverted signs    r10  the fourth word's six bits    r11  end
 *   r12, lr  two words of weights
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

    .equ PEEK_BITS, 5

/* Six bits of one of three words; what the fourth has of them is above. */
.macro next_sixes to
    ldr r0, [r8], #4
    and \to, r0, #0x3F3F3F3F
    and r0, r0, #0xC0C0C0C0
    orr r10, r0, r10, lsr #2
.endm

/* Classes of a word's weights, which lie from bit 0 of its bytes on. `also`: before another. */
.macro next_classes also=0
    lsrs r0, r3, #32 - PEEK_BITS
    ldrh r2, [r4, r0, lsl #1]
    lsr r0, r3, r2
    add r0, r0, r2, lsr #8
    ldrb r0, [r7, r0]
    rsbs r2, r2, #32
    uxtab r6, r6, r2 /* the shifts look at a byte, too */
    .if \also
    lsls r3, r3, r2
    .endif
    orr r0, r0, r0, lsl #12
    orr r0, r0, r0, lsl #6
    and r0, r0, #0x03030303
.endm

.macro next_word word, also=0
    next_classes \also
    ssub8 \word, \word, r9
    eor \word, \word, r0, lsl #5
.endm

/* Two words; two codes are 24 bits at most, of 25 that are there. */
.macro next_pair
    lsrs r2, r6, #3
    ldr r3, [r5, r2]
    and r2, r6, #7
    rev r3, r3
    lsls r3, r3, r2
    next_word r12, 1
    next_word lr
    strd r12, lr, [r1], #8
.endm

/* (reader, words, end) */
function products_decode_simd
    push {r0, r4-r11, lr}
    mov r11, r2
    ldm r0, {r4, r5, r8, r12}
    mov r6, r12
    ldr r7, =products_quads
    mov r9, #0x20202020
1:  movs r10, #0
    next_sixes r12
    next_sixes lr
    next_pair
    next_sixes r12
    lsr lr, r10, #2
    next_pair
    cmp r1, r11
    bne 1b
    pop {r0}
    strd r8, r6, [r0, #8]
    pop {r4-r11, pc}
    .ltorg

    end products_decode_simd
#endif
