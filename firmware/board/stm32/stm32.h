/* What every STM32 shares: waiting for a bit, and pins; inline, so that only what is used is there. */
#ifndef STM32_H
#define STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "../cortex_m/cortex_m.h"

#define STM32_WAIT_TURNS 100000 /* at 16 MHz some 25 ms: a PLL needs 0.3 ms, a regulator less */

/* Wait until the bits of `mask` read `value`; false when they never do. */
static inline bool stm32_wait(volatile uint32_t *word, uint32_t mask, uint32_t value)
{
    for (int i = 0; i < STM32_WAIT_TURNS; i++) {
        if ((*word & mask) == value) {
            return true;
        }
    }
    return false;
}

/* Give `n` pins (1 or 2, the second following the first, none from below 8 to above 7) of the port at
 * `port` to peripheral `function` (0 to 15), pulled up: an open line idles. */
static inline void stm32_pins(uint32_t port, unsigned first, unsigned n, uint32_t function)
{
    volatile uint32_t *mode = &REGISTER(port), *pull = &REGISTER(port + 0x0Cu);
    volatile uint32_t *alternate = &REGISTER(port + 0x20u + 4u * (first / 8u));
    const uint32_t each = n == 2 ? 5u : 1u, both = n == 2 ? 0x11u : 1u;
    const unsigned by_2 = 2u * first, by_4 = 4u * (first % 8u);

    *alternate = (*alternate & ~(15u * both << by_4)) | (function * both << by_4);
    *pull = (*pull & ~(3u * each << by_2)) | (each << by_2);
    *mode = (*mode & ~(3u * each << by_2)) | (2u * each << by_2);
}

#endif
