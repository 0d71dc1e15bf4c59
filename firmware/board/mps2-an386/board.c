/* Arm MPS2 with AN386, an emulated Cortex-M4 (DAI 0386): CMSDK UART0, 25 MHz. */
#include "../board.h"

#include "../mps2/cmsdk_uart.h"

#define UART0 0x40004000u
#define CLOCK_HZ 25000000u

const char board_name[16] = "mps2-an386";

void board_init(void)
{
    uart_start(UART0, CLOCK_HZ / BOARD_BAUD);
    serial_init();
    counter_init();
}

uint32_t board_clock_hz(void)
{
    return CLOCK_HZ;
}

void serial_handler(void)
{
    uart_interrupt(UART0);
}

void board_send(uint8_t byte)
{
    uart_send(UART0, byte);
}
