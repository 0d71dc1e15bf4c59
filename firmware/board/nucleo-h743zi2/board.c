/* NUCLEO-H743ZI2 (UM2407, RM0433): 480 MHz (revision V) from the internal 64 MHz oscillator, USART3 on
 * PD8 and PD9, which the ST-Link carries. A step that fails leaves the 64 MHz of reset. */
#include "../board.h"

#include "../stm32/usart_rdr.h"

/* RCC, RM0433 8.7 */
#define RCC_CR REGISTER(0x58024400u)
#define RCC_CFGR REGISTER(0x58024410u)
#define RCC_D1CFGR REGISTER(0x58024418u)
#define RCC_D2CFGR REGISTER(0x5802441Cu)
#define RCC_D3CFGR REGISTER(0x58024420u)
#define RCC_PLLCKSELR REGISTER(0x58024428u)
#define RCC_PLLCFGR REGISTER(0x5802442Cu)
#define RCC_PLL1DIVR REGISTER(0x58024430u)
#define RCC_AHB4ENR REGISTER(0x580244E0u)
#define RCC_APB1LENR REGISTER(0x580244E8u)
#define RCC_APB4ENR REGISTER(0x580244F4u)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define CFGR_SW_PLL1 3u
#define CFGR_SWS (7u << 3)
#define CFGR_SWS_PLL1 (3u << 3)
#define D1CFGR_AXI_BY_2 (8u | (4u << 4)) /* 240 MHz; its peripherals 120 */
#define D2CFGR_APB_BY_2 ((4u << 4) | (4u << 8))
#define D3CFGR_APB_BY_2 (4u << 4)
/* 64 MHz / 4 = 16 MHz; * 60 = 960 MHz, of 192 to 960; / 2 = 480 MHz; the other outputs stay off */
#define PLLCKSELR_HSI_BY_4 (0u | (4u << 4))
#define PLLCFGR_8_TO_16_MHZ_P ((3u << 2) | (1u << 16))
#define PLL1DIVR_480_MHZ ((60u - 1u) | ((2u - 1u) << 9) | ((2u - 1u) << 16) | ((2u - 1u) << 24))

/* PWR, RM0433 6.8; SYSCFG_PWRCR, 12.3.8: the core's highest voltage, scale 0, comes by way of scale 1 */
#define PWR_CSR1 REGISTER(0x58024804u)
#define PWR_CR3 REGISTER(0x5802480Cu)
#define PWR_D3CR REGISTER(0x58024818u)
#define SYSCFG_PWRCR REGISTER(0x5800042Cu)
#define CSR1_ACTVOSRDY (1u << 13)
#define CR3_SUPPLY 7u
#define CR3_LDOEN (1u << 1)
#define D3CR_VOS_1 (3u << 14)
#define D3CR_VOSRDY (1u << 13)
#define APB4ENR_SYSCFGEN (1u << 1)
#define PWRCR_ODEN 1u

/* FLASH_ACR, RM0433 4.9.1: 4 wait states at 240 MHz and scale 0 (table 17) */
#define FLASH_ACR REGISTER(0x52002000u)
#define ACR_FAST (4u | (2u << 4))

#define GPIOD 0x58020C00u
#define USART3 0x40004800u
#define USART3_AF 7u
#define HSI_HZ 64000000u
#define PLL_HZ 480000000u

const char board_name[16] = "nucleo-h743zi2";
static uint32_t core_hz = HSI_HZ, uart_hz = HSI_HZ;

static bool raise_voltage(void)
{
    PWR_CR3 = (PWR_CR3 & ~CR3_SUPPLY) | CR3_LDOEN; /* the supply is to be named once after reset */
    if (!stm32_wait(&PWR_CSR1, CSR1_ACTVOSRDY, CSR1_ACTVOSRDY)) {
        return false;
    }
    PWR_D3CR |= D3CR_VOS_1;
    if (!stm32_wait(&PWR_D3CR, D3CR_VOSRDY, D3CR_VOSRDY)) {
        return false;
    }
    RCC_APB4ENR |= APB4ENR_SYSCFGEN;
    (void)RCC_APB4ENR; /* a clock needs two cycles before the first access */
    SYSCFG_PWRCR |= PWRCR_ODEN;
    return stm32_wait(&PWR_D3CR, D3CR_VOSRDY, D3CR_VOSRDY);
}

static bool run_from_pll(void)
{
    if (!raise_voltage()) {
        return false;
    }
    RCC_PLLCKSELR = PLLCKSELR_HSI_BY_4;
    RCC_PLLCFGR = PLLCFGR_8_TO_16_MHZ_P;
    RCC_PLL1DIVR = PLL1DIVR_480_MHZ;
    RCC_CR |= CR_PLL1ON;
    if (!stm32_wait(&RCC_CR, CR_PLL1RDY, CR_PLL1RDY)) {
        return false;
    }
    FLASH_ACR = ACR_FAST; /* the slower flash and buses first, then the faster clock */
    if (!stm32_wait(&FLASH_ACR, ACR_FAST, ACR_FAST)) {
        return false;
    }
    RCC_D1CFGR = D1CFGR_AXI_BY_2;
    RCC_D2CFGR = D2CFGR_APB_BY_2;
    RCC_D3CFGR = D3CFGR_APB_BY_2;
    RCC_CFGR = CFGR_SW_PLL1;
    return stm32_wait(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL1);
}

uint32_t board_divisor(uint32_t baud)
{
    return serial_divisor(uart_hz, baud, LEAST_DIVISOR);
}

void board_divide(uint32_t divisor)
{
    usart_start(USART3, divisor != 0 ? divisor : board_divisor(BOARD_BAUD));
}

static void usart_init(void)
{
    RCC_AHB4ENR |= 1u << 3;   /* GPIOD */
    RCC_APB1LENR |= 1u << 18; /* USART3, from the bus clock */
    (void)RCC_APB1LENR;
    stm32_pins(GPIOD, 8, 2, USART3_AF);
    board_divide(0);
}

void board_init(void)
{
    cortex_m7_init();
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
    usart_interrupt(USART3);
}

void board_send(uint8_t byte)
{
    usart_send(USART3, byte);
}
