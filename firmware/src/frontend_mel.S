/*
 * frontend_mel_magnitude, segment by segment: a band's falling part is what its segment
 * sums to, less the rising part of the next band; so a bin takes two multiplications.
 *
 *   r0  lengths to come     r1  rise    r2  magnitudes    r3  bands
 *   r4, r5  rising part     r6, r7  the last segment's rising part, and then the whole band
 *   r8 - r11  two weights, two magnitudes    r12  one    lr  segments to come
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro add_bin multiply=umlal
    ldr r8, [r1], #4
    ldr r10, [r2], #4
    \multiply r4, r5, r8, r10
    umlal r6, r7, r12, r10
.endm

.macro add_two_bins multiply=umlal
    ldrd r8, r9, [r1], #8
    ldrd r10, r11, [r2], #8
    \multiply r4, r5, r8, r10
    umlal r6, r7, r12, r10
    umlal r4, r5, r9, r11
    umlal r6, r7, r12, r11
.endm

/* What a segment ends with. */
.macro end_segment
    subs r6, r6, r4
    sbcs r7, r7, r5
    strd r6, r7, [r3], #8
    mov r6, r4
    mov r7, r5
    subs lr, lr, #1
    bne segment
.endm

/* (length, rise, magnitude, mel, n_mels, one) */
function frontend_mel_segments_simd
    push {r4-r11, lr}
    sub sp, sp, #4
    ldrd lr, r12, [sp, #40]
    movs r6, #0 /* the first segment has no band that falls */
    movs r7, #0
    ldrh r9, [r0], #2
    b 2f
1:  ldr r8, [r1], #4
    ldr r10, [r2], #4
    umlal r6, r7, r8, r10
2:  subs r9, r9, #1
    bhs 1b

segment:
    ldrh r8, [r0], #2
    usat r9, #4, r8
    tbb [pc, r9]
lengths:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    .byte (start_\n - lengths) / 2
    .endr
    .rept 3
    .byte (long - lengths) / 2
    .endr
    .p2align 1
start_0:
    movs r4, #0
    movs r5, #0
    b more_0
long: /* four bins a turn, then one; the stack's top holds how many are to come */
    movs r4, #0
    movs r5, #0
    b 2f
1:  add_two_bins
    add_two_bins
    ldr r8, [sp]
2:  subs r8, r8, #4
    str r8, [sp]
    bhs 1b
    adds r8, r8, #4
    b 4f
3:  str r8, [sp]
    add_bin
    ldr r8, [sp]
4:  subs r8, r8, #1
    bhs 3b
    b more_0
start_1:
    add_bin umull
    end_segment
    b done
start_2:
    add_two_bins umull
    end_segment
    b done
    .irp n, 3, 5, 7, 9, 11
start_\n:
    add_bin umull
    b more_\n
    .endr
    .irp n, 4, 6, 8, 10, 12
start_\n:
    add_two_bins umull
    b more_\n
    .endr

more_12:
more_11:
    add_two_bins
more_10:
more_9:
    add_two_bins
more_8:
more_7:
    add_two_bins
more_6:
more_5:
    add_two_bins
more_4:
more_3:
    add_two_bins
more_0:
    end_segment
done:
    add sp, sp, #4
    pop {r4-r11, pc}

    end frontend_mel_segments_simd
#endif
