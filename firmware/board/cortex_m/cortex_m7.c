/* What a Cortex-M7 has beyond a Cortex-M4: caches (ARMv7-M Architecture Reference Manual, DDI 0403E,
 * B2.2 and B3.2), and a lock before its cycle counter (C1.8). */
#include "cortex_m.h"

#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CCSIDR REGISTER(0xE000ED80u)
#define SCB_CSSELR REGISTER(0xE000ED84u)
#define SCB_ICIALLU REGISTER(0xE000EF50u)
#define SCB_DCISW REGISTER(0xE000EF60u)
#define CCR_IC (1u << 17)
#define CCR_DC (1u << 16)
#define LEVEL_1_DATA 0u
#define DWT_LAR REGISTER(0xE0001FB0u)
#define DWT_UNLOCK 0xC5ACCE55u
#define LINE_BITS 5u /* lines of 32 bytes on Cortex-M7 */

static void barrier(void)
{
    __asm__ volatile("dsb\n isb" ::: "memory");
}

/* After reset a data cache holds anything: every set of every way is to be forgotten first. */
static void forget_data(void)
{
    SCB_CSSELR = LEVEL_1_DATA;
    barrier();
    const uint32_t size = SCB_CCSIDR;
    const uint32_t sets = (size >> 13 & 0x7FFFu) + 1u, ways = (size >> 3 & 0x3FFu) + 1u;

    for (uint32_t set = 0; set < sets; set++) {
        for (uint32_t way = 0; way < ways; way++) {
            SCB_DCISW = way << 30 | set << LINE_BITS; /* four ways: numbered from bit 30 */
        }
    }
    barrier();
}

void cortex_m7_init(void)
{
    DWT_LAR = DWT_UNLOCK;
    SCB_ICIALLU = 0;
    barrier();
    SCB_CCR |= CCR_IC;
    barrier();
    if ((SCB_CCR & CCR_DC) == 0) {
        forget_data();
        SCB_CCR |= CCR_DC;
        barrier();
    }
}
