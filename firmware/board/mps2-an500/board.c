/* Arm MPS2 with AN500, an emulated Cortex-M7 (DAI 0500): CMSDK UART0, 25 MHz. */
#include "../board.h"

#include "../mps2/cmsdk_uart.h"

#define UART0 0x40004000u
#define CLOCK_HZ 25000000u

const char board_name[16] = "mps2-an500";

uint32_t board_divisor(uint32_t baud)
{
    return serial_divisor(CLOCK_HZ, baud, LEAST_DIVISOR);
}

void board_divide(uint32_t divisor)
{
    uart_start(UART0, divisor != 0 ? divisor : board_divisor(BOARD_BAUD));
}

void board_init(void)
{
    cortex_m7_init();
    board_divide(0);
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
