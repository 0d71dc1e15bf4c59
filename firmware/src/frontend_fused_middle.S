/*
 * frontend_fused_middle with 4, with 16 and with more blocks: one load for a butterfly's
 * legs, which are scaled by shifted operands, and results stored where the next stage reads
 * them.
 *
 *   r0  legs    r1  cos, sin    r2  results    lr  butterflies to come in this column
 *
 * A column: the butterflies whose results are the same leg of the next stage.
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

/* What the stack holds, from sp on. */
    .set COLUMN, 0       /* results of the next column */
    .set NEXT_QUARTER, 4 /* butterflies of a column */
    .set IN_END, 8
    .set LOCALS, 12      /* with 9 saved registers: a multiple of 8 */
    .set ROW_BYTES, LOCALS + 36 /* the caller's, from a butterfly's cos and sin to the next one's */

/* Butterfly 0 of a block, with cos in r1 and sin 0; results are \step bytes apart from r2 + \at
 * on. */
.macro butterfly_0 shift, bits, at, step
    ldm r0!, {r4-r11}
    add_legs r12, \shift, \bits
    add_even
    strd r11, r6, [r2, #\at]
    smmul r4, r4, r1
    smmul r5, r5, r1
    strd r4, r5, [r2, #\at + 2 * \step]
    add_odd r12
    smmul r4, r4, r1
    smmul r5, r5, r1
    strd r4, r5, [r2, #\at + \step]
    smmul r12, r12, r1
    smmul r8, r8, r1
    strd r12, r8, [r2, #\at + 3 * \step]
.endm

/* Any one: r1 is at cos and sin of k, those of 2k are before it, those of 3k after it.
 * \wb: ! to move r2 by \at + 3 \step. */
.macro butterfly shift, bits, at, step, wb
    ldm r0!, {r4-r11}
    add_legs r12, \shift, \bits
    add_even
    strd r11, r6, [r2, #\at]
    ldrd r6, r7, [r1, #-8]
    turn r11, r4, r5, r6, r7
    strd r11, r5, [r2, #\at + 2 * \step]
    add_odd r12
    ldm r1, {r6, r7, r9, r10}
    turn r11, r4, r5, r6, r7
    strd r11, r5, [r2, #\at + \step]
    turn r11, r12, r8, r9, r10
    strd r11, r8, [r2, #\at + 3 * \step]\wb
.endm

/* \block_bits: log2 of a block's bytes, legs of all butterflies k; \bias: what r2 is above the
 * results. */
.macro enter block_bits, bias
    push {r4-r11, lr}
    sub sp, sp, #LOCALS
    add r4, r2, r1, lsl #\block_bits
    str r4, [sp, #IN_END]
    lsr lr, r1, #2
    str lr, [sp, #NEXT_QUARTER]
    add r4, r3, #8 + \bias
    str r4, [sp, #COLUMN]
    add r1, r0, #8
    mov r0, r2
    add r2, r3, #\bias
.endm

/* Butterfly k of every block done, r3 is ROW_BYTES: to \next for k + 1, in the next column where
 * need be. */
.macro again next
    add r1, r1, r3
    subs lr, lr, #1
    bne \next
    ldr r2, [sp, #COLUMN]
    add r4, r2, #8
    str r4, [sp, #COLUMN]
    ldrd lr, r4, [sp, #NEXT_QUARTER]
    cmp r0, r4
    bne \next
    add sp, sp, #LOCALS
    pop {r4-r11, pc}
.endm

/* After the first stage: block 0 as it is, the others doubled. Results 128 bytes apart; a
 * butterfly of all blocks fills 512. */
function frontend_fused_middle_4_simd
    enter 7, -32
    ldr r3, [sp, #ROW_BYTES]
1:  butterfly , , 32, 128
    butterfly lsl, 1, 64, 128
    butterfly lsl, 1, 96, 128
    butterfly lsl, 1, 128, 128, !
    again 1b
    end frontend_fused_middle_4_simd

/* After a middle stage: blocks 0 to 3 over 4, the others over 2. Results 512 bytes apart; a
 * butterfly of all blocks fills 2048. r3 counts pairs of blocks. */
.macro two_blocks which, bits, pairs
    movs r3, #\pairs
1:  \which asr, \bits, -768, 512
    \which asr, \bits, -736, 512
    adds r2, r2, #64
    subs r3, r3, #1
    bne 1b
.endm

function frontend_fused_middle_16_simd
    enter 9, 768
    mov lr, r1
    mvn r1, #0x80000000 /* cos 0 */
    two_blocks butterfly_0, 2, 2
    two_blocks butterfly_0, 1, 6
    mov r1, lr
    ldr lr, [sp, #NEXT_QUARTER]
    b 4f
3:  two_blocks butterfly, 2, 2
    two_blocks butterfly, 1, 6
4:  add r2, r2, #2048 - 512
    ldr r3, [sp, #ROW_BYTES]
    again 3b
    end frontend_fused_middle_16_simd

/* Any blocks after a middle stage, slower: for results too far apart for an offset. lr is the
 * bytes between them, r3 the butterflies to come of a scale << 8 | the scale's shift. */
.macro butterfly_far
    ldm r0!, {r4-r11}
    .irp leg, r4, r5, r6, r7, r8, r9, r10, r11
    asr \leg, \leg, r3
    .endr
    add_legs r12
    add_even
    strd r11, r6, [r2]
    ldrd r6, r7, [r1]
    turn r11, r4, r5, r6, r7
    add r2, r2, lr, lsl #1
    strd r11, r5, [r2]
    add_odd r12
    ldrd r6, r7, [r1, #8]
    ldrd r9, r10, [r1, #16]
    turn r11, r4, r5, r6, r7
    sub r2, r2, lr
    strd r11, r5, [r2]
    turn r11, r12, r8, r9, r10
    add r2, r2, lr, lsl #1
    strd r11, r8, [r2], #32
    sub r2, r2, lr, lsl #1
    sub r2, r2, lr
.endm

    .set BUTTERFLIES, 12 /* to come in this column; COLUMN, NEXT_QUARTER, IN_END as above */
    .set FAR_LOCALS, 20
    .set OUT, FAR_LOCALS + 36
    .set FAR_ROW_BYTES, OUT + 4

/* (twiddle, quarter, blocks, in, out, row_bytes) */
function frontend_fused_middle_far_simd
    push {r4-r11, lr}
    sub sp, sp, #FAR_LOCALS
    ldr r4, [sp, #OUT]
    str r4, [sp, #COLUMN]
    lsl lr, r2, #5
    mla r4, r1, lr, r3
    str r4, [sp, #IN_END]
    lsrs r1, r1, #2
    str r1, [sp, #NEXT_QUARTER]
    mov r1, r0
    mov r0, r3
1:  ldrd r2, r3, [sp, #COLUMN]
    str r3, [sp, #BUTTERFLIES]
    add r3, r2, #8
    str r3, [sp, #COLUMN]
2:  lsl r3, lr, #1 /* a quarter of the blocks << 8 */
    sub r3, r3, #256 - 2
3:  butterfly_far
    subs r3, r3, #256
    bhs 3b
    tst r3, #2
    itttt ne /* the other blocks */
    addne r3, lr, lr, lsl #1
    lslne r3, r3, #1
    subne r3, r3, #256 - 1
    bne 3b
    ldr r3, [sp, #FAR_ROW_BYTES]
    add r1, r1, r3
    add r2, r2, lr, lsl #1
    add r2, r2, lr
    ldr r3, [sp, #BUTTERFLIES]
    subs r3, r3, #1
    str r3, [sp, #BUTTERFLIES]
    bne 2b
    ldr r3, [sp, #IN_END]
    cmp r0, r3
    bne 1b
    add sp, sp, #FAR_LOCALS
    pop {r4-r11, pc}
    end frontend_fused_middle_far_simd
#endif
