/*
 * frontend_headroom: how far a sample can be shifted up shows in the bits that differ from
 * the one above; a word's exclusive or with itself, a bit higher, finds those of two samples.
 */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

.macro mark words:vararg
    .irp word, \words
    eor \word, \word, \word, lsl #1
    orr r12, r12, \word
    .endr
.endm

function frontend_sign_bits_simd
    push {r4-r10, lr}
    mov r12, #0
    b 2f
1:  ldm r0!, {r2-r9}
    mark r2, r3, r4, r5, r6, r7, r8, r9
2:  subs r1, r1, #8
    bhs 1b
    adds r1, r1, #8
    b 4f
3:  ldr r2, [r0], #4
    mark r2
4:  subs r1, r1, #1
    bhs 3b
    mov r0, r12
    pop {r4-r10, pc}
    end frontend_sign_bits_simd
#endif
