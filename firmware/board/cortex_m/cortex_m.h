/* What every Cortex-M board shares: registers of the core (ARMv7-M Architecture Reference
 * Manual, DDI 0403E, B3) and the counter. Boards include it, the application does not. */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SCB_ICSR REGISTER(0xE000ED04u)
#define SCB_VTOR REGISTER(0xE000ED08u)
#define SCB_SHCSR REGISTER(0xE000ED24u)
#define SCB_CFSR REGISTER(0xE000ED28u)
#define SCB_HFSR REGISTER(0xE000ED2Cu)
#define SCB_BFAR REGISTER(0xE000ED38u)
#define SCB_CPACR REGISTER(0xE000ED88u)
#define SCB_DEMCR REGISTER(0xE000EDFCu)
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)

#define NVIC_ISER ((volatile uint32_t *)0xE000E100u)

/* Keep a byte for board_receive; called by the board's serial_handler. */
void serial_keep(uint8_t byte);

/* Let the serial line interrupt; once, from board_init. */
void serial_init(void);

/* Divisor of a clock for a rate, to the nearest; 0 when it is less than `least` or 1/64 off. */
static inline uint32_t serial_divisor(uint32_t clock_hz, uint32_t rate, uint32_t least)
{
    const uint32_t divisor = rate == 0 ? 0 : (clock_hz + rate / 2u) / rate;
    const uint32_t off = clock_hz - divisor * rate; /* of either sign */

    return divisor >= least && off + clock_hz / 64u <= clock_hz / 32u ? divisor : 0;
}

/* The board's handler of interrupt BOARD_SERIAL_IRQ (board.cmake): a byte has come. */
void serial_handler(void);

/* Switch on the caches of a Cortex-M7 and unlock its cycle counter; once, first. */
void cortex_m7_init(void);

/* Start the cycle counter, or SysTick where it does not count; once, from board_init. */
void counter_init(void);

#endif
