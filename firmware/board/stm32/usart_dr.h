/* USART of STM32F4 (RM0090 30.6, RM0390 25.6): one data register for both directions. */
#ifndef USART_DR_H
#define USART_DR_H

#include "stm32.h"

#define USART_SR(base) REGISTER((base) + 0x00u)
#define USART_DR(base) REGISTER((base) + 0x04u)
#define USART_BRR(base) REGISTER((base) + 0x08u)
#define USART_CR1(base) REGISTER((base) + 0x0Cu)
#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#define LEAST_DIVISOR 16u /* of 16 samples a bit */
#define CR1_UE_RXNEIE_TE_RE ((1u << 13) | (1u << 5) | (1u << 3) | (1u << 2))

/* Once, or again after the last byte, at another rate. */
static inline void usart_start(uint32_t base, uint32_t divisor)
{
    while ((USART_SR(base) & SR_TC) == 0) {
    }
    USART_CR1(base) = 0;
    USART_BRR(base) = divisor;
    USART_CR1(base) = CR1_UE_RXNEIE_TE_RE;
}

static inline void usart_interrupt(uint32_t base)
{
    if ((USART_SR(base) & SR_RXNE) == 0) {
        (void)USART_DR(base); /* clears an overrun, whose interrupt comes again otherwise */
    }
    /* All there are: the emulator has the next at once, and no interrupt of its own for it. */
    while ((USART_SR(base) & SR_RXNE) != 0) {
        serial_keep((uint8_t)USART_DR(base));
    }
}

static inline void usart_send(uint32_t base, uint8_t byte)
{
    while ((USART_SR(base) & SR_TXE) == 0) {
    }
    USART_DR(base) = byte;
}

#endif
