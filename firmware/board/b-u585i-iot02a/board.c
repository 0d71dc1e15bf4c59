/* B-U585I-IOT02A (UM2839, RM0456), TrustZone off as delivered: 160 MHz from the internal 16 MHz
 * oscillator, USART1 on PA9 and PA10, which the ST-Link carries. A step that fails leaves the 4 MHz
 * of reset. */
#include "../board.h"

#include "../stm32/usart_rdr.h"

/* RCC, RM0456 11.8 */
#define RCC_CR REGISTER(0x46020C00u)
#define RCC_CFGR1 REGISTER(0x46020C1Cu)
#define RCC_CFGR2 REGISTER(0x46020C20u)
#define RCC_PLL1CFGR REGISTER(0x46020C28u)
#define RCC_PLL1DIVR REGISTER(0x46020C34u)
#define RCC_AHB2ENR1 REGISTER(0x46020C8Cu)
#define RCC_AHB3ENR REGISTER(0x46020C94u)
#define RCC_APB2ENR REGISTER(0x46020CA4u)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define CFGR1_SW_PLL1 3u
#define CFGR1_SWS (3u << 2)
#define CFGR1_SWS_PLL1 (3u << 2)
#define CFGR2_AHB_BY_2 8u
/* 16 MHz; * 20 = 320 MHz, of 128 to 544; / 2 = 160 MHz. The booster takes the 16 MHz undivided. */
#define PLL1CFGR_HSI_8_TO_16_MHZ_R (2u | (3u << 2) | (1u << 18))
#define PLL1DIVR_160_MHZ ((20u - 1u) | ((2u - 1u) << 9) | ((2u - 1u) << 16) | ((2u - 1u) << 24))

/* PWR_VOSR, RM0456 10.10.4: range 1 with the booster above 55 MHz */
#define PWR_VOSR REGISTER(0x4602080Cu)
#define AHB3ENR_PWREN (1u << 2)
#define VOSR_BOOSTRDY (1u << 14)
#define VOSR_VOSRDY (1u << 15)
#define VOSR_RANGE_1 (3u << 16)
#define VOSR_BOOSTEN (1u << 18)

/* FLASH_ACR, RM0456 7.9.1: 4 wait states at 160 MHz, prefetch; ICACHE_CR and SR, 9.7 */
#define FLASH_ACR REGISTER(0x40022000u)
#define ACR_FAST (4u | (1u << 8))
#define ACR_LATENCY 15u
#define ICACHE_CR REGISTER(0x40030400u)
#define ICACHE_SR REGISTER(0x40030404u)
#define ICACHE_EN 1u
#define ICACHE_BUSY 1u

#define GPIOA 0x42020000u
#define USART1 0x40013800u
#define USART1_AF 7u
#define MSI_HZ 4000000u
#define PLL_HZ 160000000u
#define BAUD_MSI 115200u /* the most that 4 MHz divide well */
#define STEP_TURNS 100   /* of a loop, at half the clock: some microseconds */

const char board_name[16] = "b-u585i-iot02a";
static uint32_t core_hz = MSI_HZ;

static bool raise_voltage(void)
{
    RCC_AHB3ENR |= AHB3ENR_PWREN;
    (void)RCC_AHB3ENR; /* a clock needs two cycles before the first access */
    PWR_VOSR |= VOSR_RANGE_1;
    if (!stm32_wait(&PWR_VOSR, VOSR_VOSRDY, VOSR_VOSRDY)) {
        return false;
    }
    PWR_VOSR |= VOSR_BOOSTEN;
    return stm32_wait(&PWR_VOSR, VOSR_BOOSTRDY, VOSR_BOOSTRDY);
}

static bool run_from_pll(void)
{
    RCC_CR |= CR_HSION;
    if (!stm32_wait(&RCC_CR, CR_HSIRDY, CR_HSIRDY)) {
        return false;
    }
    RCC_PLL1CFGR = PLL1CFGR_HSI_8_TO_16_MHZ_R; /* the booster runs from the PLL's source */
    RCC_PLL1DIVR = PLL1DIVR_160_MHZ;
    if (!raise_voltage()) {
        return false;
    }
    RCC_CR |= CR_PLL1ON;
    if (!stm32_wait(&RCC_CR, CR_PLL1RDY, CR_PLL1RDY)) {
        return false;
    }
    FLASH_ACR = ACR_FAST; /* the slower flash first, then the faster clock */
    if (!stm32_wait(&FLASH_ACR, ACR_LATENCY, ACR_FAST & ACR_LATENCY)) {
        return false;
    }
    RCC_CFGR2 = CFGR2_AHB_BY_2; /* above 80 MHz in two steps */
    RCC_CFGR1 = CFGR1_SW_PLL1;
    if (!stm32_wait(&RCC_CFGR1, CFGR1_SWS, CFGR1_SWS_PLL1)) {
        return false;
    }
    for (volatile int i = 0; i < STEP_TURNS; i++) {
    }
    RCC_CFGR2 = 0;
    return true;
}

uint32_t board_divisor(uint32_t baud)
{
    return serial_divisor(core_hz, baud, LEAST_DIVISOR);
}

void board_divide(uint32_t divisor)
{
    usart_start(USART1, divisor != 0 ? divisor : board_divisor(core_hz == PLL_HZ ? BOARD_BAUD : BAUD_MSI));
}

static void usart_init(void)
{
    RCC_AHB2ENR1 |= 1u;      /* GPIOA */
    RCC_APB2ENR |= 1u << 14; /* USART1, from the bus clock */
    (void)RCC_APB2ENR;
    stm32_pins(GPIOA, 9, 2, USART1_AF);
    board_divide(0);
}

void board_init(void)
{
    if (run_from_pll()) {
        core_hz = PLL_HZ;
    }
    if (stm32_wait(&ICACHE_SR, ICACHE_BUSY, 0)) {
        ICACHE_CR |= ICACHE_EN;
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
