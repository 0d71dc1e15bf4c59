/* board_ticks: the cycle counter of the debug unit, or SysTick extended to 32 bits. */
#include <stdbool.h>

#include "cortex_m.h"

#include "../board.h"

#define SYSTICK_BITS 24
#define SYSTICK_TOP 0xFFFFFFu
#define SYSTICK_ON 7u              /* core clock, interrupt, enabled */
#define ICSR_PENDSTSET (1u << 26)  /* SysTick wrapped, its handler has yet to run */
#define DEMCR_TRCENA (1u << 24)

static volatile uint32_t wraps;
static board_counter_t counter = BOARD_COUNTS_TIME;

void systick_handler(void);

void systick_handler(void)
{
    wraps++;
}

static bool cycle_counter_runs(void)
{
    SCB_DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1u;
    for (volatile int i = 0; i < 16; i++) {
    }
    return DWT_CYCCNT != 0;
}

void counter_init(void)
{
    if (cycle_counter_runs()) {
        counter = BOARD_COUNTS_CYCLES;
        return;
    }
    SYST_RVR = SYSTICK_TOP;
    SYST_CVR = 0;
    SYST_CSR = SYSTICK_ON;
}

board_counter_t board_counter(void)
{
    return counter;
}

static uint32_t systick_ticks(void)
{
    uint32_t before, value, pending;

    do { /* again when the handler ran in between */
        before = wraps;
        value = SYSTICK_TOP - (SYST_CVR & SYSTICK_TOP);
        pending = SCB_ICSR & ICSR_PENDSTSET;
    } while (before != wraps);
    if (pending != 0 && value < SYSTICK_TOP / 2u) {
        before++;
    }
    return (before << SYSTICK_BITS) + value;
}

uint32_t board_ticks(void)
{
    return counter == BOARD_COUNTS_CYCLES ? DWT_CYCCNT : systick_ticks();
}

uint32_t board_spin(uint32_t n)
{
    const uint32_t start = board_ticks();

    if (n > 0) {
        __asm__ volatile("1: subs %0, %0, #1 \n   bne 1b" : "+r"(n) : : "cc");
    }
    return board_ticks() - start;
}
