/* NUCLEO-L4R5ZI (UM2179, RM0432): 120 MHz from the internal 16 MHz oscillator, LPUART1 on PG7 and PG8,
 * which the ST-Link carries. A PLL that does not lock leaves the 4 MHz of reset. */
#include "../board.h"

#include "../stm32/usart_rdr.h"

/* RCC, RM0432 6.4 */
#define RCC_CR REGISTER(0x40021000u)
#define RCC_CFGR REGISTER(0x40021008u)
#define RCC_PLLCFGR REGISTER(0x4002100Cu)
#define RCC_AHB2ENR REGISTER(0x4002104Cu)
#define RCC_APB1ENR1 REGISTER(0x40021058u)
#define RCC_APB1ENR2 REGISTER(0x4002105Cu)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define CFGR_SW_PLL 3u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (3u << 2)
#define CFGR_AHB_BY_2 (8u << 4)
/* 16 MHz / 2 = 8 MHz; * 30 = 240 MHz, of 64 to 344; / 2 = 120 MHz */
#define PLLCFGR_120_MHZ (2u | ((2u - 1u) << 4) | (30u << 8) | (1u << 24) | (0u << 25))

/* PWR, RM0432 5.4: range 1 in boost mode above 80 MHz; supply of port G */
#define PWR_CR2 REGISTER(0x40007004u)
#define PWR_CR5 REGISTER(0x40007080u)
#define APB1ENR1_PWREN (1u << 28)
#define CR2_IOSV (1u << 9)
#define CR5_R1MODE (1u << 8)

/* FLASH_ACR, RM0432 3.7.1: 5 wait states at 120 MHz, prefetch and caches */
#define FLASH_ACR REGISTER(0x40022000u)
#define ACR_FAST (5u | (1u << 8) | (1u << 9) | (1u << 10))
#define ACR_LATENCY 15u

#define GPIOG 0x48001800u
#define LPUART1 0x40008000u
#define LPUART1_AF 8u
#define MSI_HZ 4000000u
#define PLL_HZ 120000000u
#define BAUD_MSI 115200u /* the most that 4 MHz divide well */
#define LEAST_LPUART_DIVISOR 0x300u
#define STEP_TURNS 100   /* of a loop: above the 1 us that RM0432 6.2.9 asks for */

const char board_name[16] = "nucleo-l4r5zi";
static uint32_t core_hz = MSI_HZ;

static bool run_from_pll(void)
{
    RCC_CR |= CR_HSION;
    if (!stm32_wait(&RCC_CR, CR_HSIRDY, CR_HSIRDY)) {
        return false;
    }
    PWR_CR5 &= ~CR5_R1MODE;
    RCC_PLLCFGR = PLLCFGR_120_MHZ;
    RCC_CR |= CR_PLLON;
    if (!stm32_wait(&RCC_CR, CR_PLLRDY, CR_PLLRDY)) {
        return false;
    }
    FLASH_ACR = ACR_FAST; /* the slower flash first, then the faster clock */
    if (!stm32_wait(&FLASH_ACR, ACR_LATENCY, ACR_FAST & ACR_LATENCY)) {
        return false;
    }
    RCC_CFGR = CFGR_AHB_BY_2 | CFGR_SW_PLL; /* above 80 MHz in two steps */
    if (!stm32_wait(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL)) {
        return false;
    }
    for (volatile int i = 0; i < STEP_TURNS; i++) {
    }
    RCC_CFGR = CFGR_SW_PLL;
    return true;
}

/* BRR counts 256ths (RM0432 48.4.6); 256 times 120 MHz does not fit 32 bits */
uint32_t board_divisor(uint32_t baud)
{
    return serial_divisor(core_hz, baud / 256u, LEAST_LPUART_DIVISOR);
}

void board_divide(uint32_t divisor)
{
    usart_start(LPUART1,
                divisor != 0 ? divisor
                             : board_divisor(core_hz == PLL_HZ ? BOARD_BAUD : BAUD_MSI));
}

static void uart_init(void)
{
    PWR_CR2 |= CR2_IOSV;
    RCC_AHB2ENR |= 1u << 6; /* GPIOG */
    RCC_APB1ENR2 |= 1u;     /* LPUART1, from the bus clock */
    (void)RCC_APB1ENR2;     /* a clock needs two cycles before the first access */
    stm32_pins(GPIOG, 7, 1, LPUART1_AF);
    stm32_pins(GPIOG, 8, 1, LPUART1_AF);
    board_divide(0);
}

void board_init(void)
{
    RCC_APB1ENR1 |= APB1ENR1_PWREN;
    (void)RCC_APB1ENR1;
    if (run_from_pll()) {
        core_hz = PLL_HZ;
    }
    uart_init();
    serial_init();
    counter_init();
}

uint32_t board_clock_hz(void)
{
    return core_hz;
}

void serial_handler(void)
{
    usart_interrupt(LPUART1);
}

void board_send(uint8_t byte)
{
    usart_send(LPUART1, byte);
}
