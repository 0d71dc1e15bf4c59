/*
 * What CMSIS-DSP wants of CMSIS-Core, for gcc on a Cortex-M4: the DSP instructions through
 * the compiler's own arm_acle.h.
 */
#ifndef CMSIS_COMPILER_H
#define CMSIS_COMPILER_H

#include <arm_acle.h>
#include <stdint.h>

#define __STATIC_FORCEINLINE static inline __attribute__((always_inline))
#define __STATIC_INLINE static inline
#define __ALIGNED(n) __attribute__((aligned(n)))
#define __WEAK __attribute__((weak))
#define __ASM __asm
#define __INLINE inline

#define __CLZ(v) ((uint8_t)((v) == 0u ? 32 : __builtin_clz(v)))
#define __SSAT __ssat
#define __USAT __usat
#define __ROR __ror
#define __QADD __qadd
#define __QSUB __qsub
#define __QADD8(a, b) ((uint32_t)__qadd8((int32_t)(a), (int32_t)(b)))
#define __QSUB8(a, b) ((uint32_t)__qsub8((int32_t)(a), (int32_t)(b)))
#define __QADD16(a, b) ((uint32_t)__qadd16((int32_t)(a), (int32_t)(b)))
#define __QSUB16(a, b) ((uint32_t)__qsub16((int32_t)(a), (int32_t)(b)))
#define __SHADD16(a, b) ((uint32_t)__shadd16((int32_t)(a), (int32_t)(b)))
#define __SHSUB16(a, b) ((uint32_t)__shsub16((int32_t)(a), (int32_t)(b)))
#define __QASX(a, b) ((uint32_t)__qasx((int32_t)(a), (int32_t)(b)))
#define __QSAX(a, b) ((uint32_t)__qsax((int32_t)(a), (int32_t)(b)))
#define __SHASX(a, b) ((uint32_t)__shasx((int32_t)(a), (int32_t)(b)))
#define __SHSAX(a, b) ((uint32_t)__shsax((int32_t)(a), (int32_t)(b)))
#define __SXTB16(a) ((uint32_t)__sxtb16((int32_t)(a)))
#define __SMUAD(a, b) ((uint32_t)__smuad((int32_t)(a), (int32_t)(b)))
#define __SMUADX(a, b) ((uint32_t)__smuadx((int32_t)(a), (int32_t)(b)))
#define __SMUSD(a, b) ((uint32_t)__smusd((int32_t)(a), (int32_t)(b)))
#define __SMUSDX(a, b) ((uint32_t)__smusdx((int32_t)(a), (int32_t)(b)))
#define __SMLAD(a, b, c) ((uint32_t)__smlad((int32_t)(a), (int32_t)(b), (int32_t)(c)))
#define __SMLADX(a, b, c) ((uint32_t)__smladx((int32_t)(a), (int32_t)(b), (int32_t)(c)))
#define __SMLSDX(a, b, c) ((uint32_t)__smlsdx((int32_t)(a), (int32_t)(b), (int32_t)(c)))
#define __SMLALD(a, b, c) ((uint64_t)__smlald((int32_t)(a), (int32_t)(b), (int64_t)(c)))
#define __SMLALDX(a, b, c) ((uint64_t)__smlaldx((int32_t)(a), (int32_t)(b), (int64_t)(c)))
#define __PKHBT(a, b, n) (((uint32_t)(a)&0xFFFFu) | ((uint32_t)(b) << (n) & 0xFFFF0000u))
#define __PKHTB(a, b, n) (((uint32_t)(a)&0xFFFF0000u) | ((uint32_t)((int32_t)(b) >> (n)) & 0xFFFFu))

#endif
