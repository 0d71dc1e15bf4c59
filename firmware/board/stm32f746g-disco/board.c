/* 32F746GDISCOVERY (UM1907, RM0385): 216 MHz from the internal oscillator, USART1 on PA9 and PB7, which
 * the ST-Link carries. A PLL that does not lock leaves 16 MHz. */
#include "../board.h"

#include "../stm32/rcc_f4.h"
#include "../stm32/usart_rdr.h"

#define GPIOA 0x40020000u
#define GPIOB 0x40020400u
#define USART1 0x40011000u
#define USART1_AF 7u
#define PLL_HZ 216000000u

const char board_name[16] = "stm32f746g-disco";
static uint32_t core_hz = HSI_HZ, uart_hz = HSI_HZ;

static bool run_from_pll(void)
{
    /* 7 wait states at 216 MHz and 3.3 V (RM0385 table 5); code runs from the core's own caches */
    return rcc_pll_starts(PLLCFGR_TWICE(216u, 9u)) && rcc_overdrive() &&
           rcc_switch_to_pll(7u | ACR_PREFETCH);
}

uint32_t board_divisor(uint32_t baud)
{
    return serial_divisor(uart_hz, baud, LEAST_DIVISOR);
}

void board_divide(uint32_t divisor)
{
    usart_start(USART1, divisor != 0 ? divisor : board_divisor(BOARD_BAUD));
}

static void usart_init(void)
{
    RCC_AHB1ENR |= 3u;      /* GPIOA, GPIOB */
    RCC_APB2ENR |= 1u << 4; /* USART1, from the bus clock (RCC_DCKCFGR2, RM0385 5.3.26) */
    (void)RCC_APB2ENR;      /* a clock needs two cycles before the first access */
    stm32_pins(GPIOA, 9, 1, USART1_AF);
    stm32_pins(GPIOB, 7, 1, USART1_AF);
    board_divide(0);
}

void board_init(void)
{
    cortex_m7_init();
    if (run_from_pll()) {
        core_hz = PLL_HZ;
        uart_hz = PLL_HZ / 2u;
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
    usart_interrupt(USART1);
}

void board_send(uint8_t byte)
{
    usart_send(USART1, byte);
}
