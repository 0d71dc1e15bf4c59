/* Arm MPS2 with AN386, an emulated Cortex-M4 (DAI 0386): CMSDK UART0, 25 MHz. */
#include "../board.h"

#include "../cortex_m/cortex_m.h"

#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u)
#define UART_CTRL REGISTER(0x40004008u)
#define UART_INTCLEAR REGISTER(0x4000400Cu)
#define UART_BAUDDIV REGISTER(0x40004010u)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_RX_RXINT 0xBu
#define INT_RX 2u

#define CLOCK_HZ 25000000u
#define BAUD 460800u

const char board_name[16] = "mps2-an386";

void board_init(void)
{
    UART_BAUDDIV = CLOCK_HZ / BAUD;
    UART_CTRL = CTRL_TX_RX_RXINT;
    serial_init();
    counter_init();
}

uint32_t board_clock_hz(void)
{
    return CLOCK_HZ;
}

void serial_handler(void)
{
    UART_INTCLEAR = INT_RX;
    if ((UART_STATE & STATE_RX_FULL) != 0) {
        serial_keep((uint8_t)UART_DATA);
    }
}

void board_send(uint8_t byte)
{
    while ((UART_STATE & STATE_TX_FULL) != 0) {
    }
    UART_DATA = byte;
}
