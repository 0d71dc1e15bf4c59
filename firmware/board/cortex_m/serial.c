/* board_receive: a ring that the serial line's interrupt fills. */
#include "cortex_m.h"

#include "../board.h"

static volatile uint8_t ring[BOARD_RING_BYTES];
static volatile uint32_t written, taken; /* counted from reset, modulo 2^32 */

void serial_init(void)
{
    NVIC_ISER[BOARD_SERIAL_IRQ / 32] = 1u << (BOARD_SERIAL_IRQ % 32);
}

void serial_keep(uint8_t byte)
{
    if (written - taken < BOARD_RING_BYTES) { /* what does not fit is lost, and found by the CRC */
        ring[written % BOARD_RING_BYTES] = byte;
        written++;
    }
}

uint8_t board_receive(void)
{
    while (written == taken) {
        /* With interrupts off, one that comes before the wfi still ends it. */
        __asm__ volatile("cpsid i" ::: "memory");
        if (written == taken) {
            __asm__ volatile("wfi" ::: "memory");
        }
        __asm__ volatile("cpsie i" ::: "memory");
    }
    const uint8_t byte = ring[taken % BOARD_RING_BYTES];
    taken++;
    return byte;
}
