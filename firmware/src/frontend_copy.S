/* frontend_copy: by eight words where both sides are aligned to 4, by words elsewhere. */
#include "simd.h"

#if PARITONE_SIMD
#include "simd_asm.h"

function frontend_copy_simd
    push {r4-r10, lr}
    orr r3, r0, r1
    tst r3, #2
    bne 3f
    b 2f
1:  ldm r1!, {r3-r10}
    stm r0!, {r3-r10}
2:  subs r2, r2, #16
    bhs 1b
    add r2, r2, #16
    b 3f
4:  ldr r3, [r1], #4 /* at any alignment */
    str r3, [r0], #4
3:  subs r2, r2, #2
    bhs 4b
    tst r2, #1
    itt ne
    ldrhne r3, [r1]
    strhne r3, [r0]
    pop {r4-r10, pc}
    end frontend_copy_simd
#endif
