/* CMSDK APB UART of Arm's MPS2 boards (DDI 0479, 4.3). */
#ifndef CMSDK_UART_H
#define CMSDK_UART_H

#include "../board.h"
#include "../cortex_m/cortex_m.h"

#define UART_DATA(base) REGISTER((base) + 0x00u)
#define UART_STATE(base) REGISTER((base) + 0x04u)
#define UART_CTRL(base) REGISTER((base) + 0x08u)
#define UART_INTCLEAR(base) REGISTER((base) + 0x0Cu)
#define UART_BAUDDIV(base) REGISTER((base) + 0x10u)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_RX_RXINT 0xBu
#define INT_RX 2u
#define LEAST_DIVISOR 16u
#define BITS_OF_A_BYTE 10u

/* Once, or again after the last byte, at another rate. */
static inline void uart_start(uint32_t base, uint32_t divisor)
{
    while ((UART_STATE(base) & STATE_TX_FULL) != 0) {
    }
    /* No flag tells when the byte that left the buffer is out: a cycle for each of its parts does. */
    (void)board_spin(BITS_OF_A_BYTE * UART_BAUDDIV(base));
    UART_BAUDDIV(base) = divisor;
    UART_CTRL(base) = CTRL_TX_RX_RXINT;
}

static inline void uart_interrupt(uint32_t base)
{
    UART_INTCLEAR(base) = INT_RX;
    if ((UART_STATE(base) & STATE_RX_FULL) != 0) {
        serial_keep((uint8_t)UART_DATA(base));
    }
}

static inline void uart_send(uint32_t base, uint8_t byte)
{
    while ((UART_STATE(base) & STATE_TX_FULL) != 0) {
    }
    UART_DATA(base) = byte;
}

#endif
