/* USART and LPUART of STM32F7, H7, L4+ and U5 (RM0385 31.8, RM0433 48.7, RM0432 47.8, RM0456 66.8):
 * a data register a direction, flags cleared by writing ICR. */
#ifndef USART_RDR_H
#define USART_RDR_H

#include "stm32.h"

#define USART_CR1(base) REGISTER((base) + 0x00u)
#define USART_BRR(base) REGISTER((base) + 0x0Cu)
#define USART_ISR(base) REGISTER((base) + 0x1Cu)
#define USART_ICR(base) REGISTER((base) + 0x20u)
#define USART_RDR(base) REGISTER((base) + 0x24u)
#define USART_TDR(base) REGISTER((base) + 0x28u)
#define ISR_RXNE (1u << 5)
#define ISR_TC (1u << 6)
#define ISR_TXE (1u << 7)
#define LEAST_DIVISOR 16u /* of 16 samples a bit */
#define ICR_ORECF (1u << 3)
#define CR1_UE_RXNEIE_TE_RE ((1u << 5) | (1u << 3) | (1u << 2) | (1u << 0))

/* Once, or again after the last byte, at another rate. */
static inline void usart_start(uint32_t base, uint32_t divisor)
{
    while ((USART_ISR(base) & ISR_TC) == 0) {
    }
    USART_CR1(base) = 0; /* BRR is written while it is off */
    USART_BRR(base) = divisor;
    USART_CR1(base) = CR1_UE_RXNEIE_TE_RE;
}

static inline void usart_interrupt(uint32_t base)
{
    if ((USART_ISR(base) & ISR_RXNE) != 0) {
        serial_keep((uint8_t)USART_RDR(base));
    }
    USART_ICR(base) = ICR_ORECF; /* an overrun interrupts again until it is cleared */
}

static inline void usart_send(uint32_t base, uint8_t byte)
{
    while ((USART_ISR(base) & ISR_TXE) == 0) {
    }
    USART_TDR(base) = byte;
}

#endif
