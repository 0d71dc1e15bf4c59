/*
 * STM32F405 (RM0090): 168 MHz from the internal oscillator, USART1 on PA9 and PA10.
 *
 * On the emulator RCC and FLASH read 0, so each wait is bounded; a PLL that does not lock leaves
 * 16 MHz.
 */
#include "../board.h"

#include "../stm32/rcc_f4.h"
#include "../stm32/usart_dr.h"

#define GPIOA 0x40020000u
#define USART1 0x40011000u
#define USART1_AF 7u
#define PLL_HZ 168000000u

const char board_name[16] = "stm32f405";
static uint32_t core_hz = HSI_HZ, uart_hz = HSI_HZ;

static bool run_from_pll(void)
{
    /* 5 wait states at 168 MHz and 3.3 V (RM0090 table 10) */
    return rcc_pll_starts(PLLCFGR_TWICE(168u, 7u)) &&
           rcc_switch_to_pll(5u | ACR_PREFETCH | ACR_CACHES);
}

static void clock_init(void)
{
    if ((RCC_CR & CR_HSION) == 0) {
        core_hz = PLL_HZ; /* no clock tree at all: the emulator, which counts 168 MHz */
    } else if (run_from_pll()) {
        core_hz = PLL_HZ;
        uart_hz = PLL_HZ / 2u;
    }
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
    RCC_AHB1ENR |= 1u;       /* GPIOA */
    RCC_APB2ENR |= 1u << 4;  /* USART1 */
    (void)RCC_APB2ENR;       /* a clock needs two cycles before the first access */
    stm32_pins(GPIOA, 9, 2, USART1_AF);
    board_divide(0);
}

void board_init(void)
{
    clock_init();
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
