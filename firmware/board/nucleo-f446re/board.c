/* NUCLEO-F446RE (UM1724, RM0390): 180 MHz from the internal oscillator, USART2 on PA2 and PA3, which
 * the ST-Link carries. A PLL that does not lock leaves 16 MHz. */
#include "../board.h"

#include "../stm32/rcc_f4.h"
#include "../stm32/usart_dr.h"

#define GPIOA 0x40020000u
#define USART2 0x40004400u
#define USART2_AF 7u
#define PLL_HZ 180000000u
#define PLL_R_BY_2 (2u << 28) /* PLLCFGR of this chip has a third output */

const char board_name[16] = "nucleo-f446re";
static uint32_t core_hz = HSI_HZ, uart_hz = HSI_HZ;

static bool run_from_pll(void)
{
    /* 5 wait states at 180 MHz and 3.3 V (RM0390 table 5) */
    return rcc_pll_starts(PLLCFGR_TWICE(180u, 8u) | PLL_R_BY_2) && rcc_overdrive() &&
           rcc_switch_to_pll(5u | ACR_PREFETCH | ACR_CACHES);
}

uint32_t board_divisor(uint32_t baud)
{
    return serial_divisor(uart_hz, baud, LEAST_DIVISOR);
}

void board_divide(uint32_t divisor)
{
    usart_start(USART2, divisor != 0 ? divisor : board_divisor(BOARD_BAUD));
}

static void usart_init(void)
{
    RCC_AHB1ENR |= 1u;       /* GPIOA */
    RCC_APB1ENR |= 1u << 17; /* USART2 */
    (void)RCC_APB1ENR;       /* a clock needs two cycles before the first access */
    stm32_pins(GPIOA, 2, 2, USART2_AF);
    board_divide(0);
}

void board_init(void)
{
    if (run_from_pll()) {
        core_hz = PLL_HZ;
        uart_hz = PLL_HZ / 4u;
    }
    usart_init();
    serial_init();
    counter_init();
}

uint32_t board_clock_hz(void)
{
    return core_hz;
}

void serial_handler(void)
{
    usart_interrupt(USART2);
}

void board_send(uint8_t byte)
{
    usart_send(USART2, byte);
}
