/* Arm MPS2 with AN505, an emulated Cortex-M33 in its secure state (DAI 0505): CMSDK UART0, 20 MHz. */
#include "../board.h"

#include "../mps2/cmsdk_uart.h"

#define UART0 0x50200000u
#define CLOCK_HZ 20000000u

const char board_name[16] = "mps2-an505";

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
