/*
 * STM32F405 (RM0090): 168 MHz from the internal oscillator, USART1 on PA9 and PA10.
 *
 * The internal oscillator serves every board whatever its crystal; its 1 % is
 * well within what the serial line tolerates. On the emulator RCC and FLASH
 * read 0, so each wait is bounded; a PLL that does not lock leaves 16 MHz.
 */
#include <stdbool.h>

#include "../board.h"

#include "../cortex_m/cortex_m.h"

/* RCC, RM0090 7.3 */
#define RCC_CR REGISTER(0x40023800u)
#define RCC_PLLCFGR REGISTER(0x40023804u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB2ENR REGISTER(0x40023844u)
#define CR_HSION (1u << 0)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_APB1_BY_4 (5u << 10) /* 42 MHz at most */
#define CFGR_APB2_BY_2 (4u << 13) /* 84 MHz at most */

/* FLASH_ACR, RM0090 3.9.1: 5 wait states at 168 MHz and 3.3 V, caches and prefetch */
#define FLASH_ACR REGISTER(0x40023C00u)
#define ACR_FAST (5u | (1u << 8) | (1u << 9) | (1u << 10))
#define ACR_LATENCY 7u

/* GPIOA, RM0090 8.4 */
#define GPIOA_MODER REGISTER(0x40020000u)
#define GPIOA_PUPDR REGISTER(0x4002000Cu)
#define GPIOA_AFRH REGISTER(0x40020024u)

/* USART1, RM0090 30.6 */
#define USART_SR REGISTER(0x40011000u)
#define USART_DR REGISTER(0x40011004u)
#define USART_BRR REGISTER(0x40011008u)
#define USART_CR1 REGISTER(0x4001100Cu)
#define SR_RXNE (1u << 5)
#define SR_TXE (1u << 7)
#define CR1_UE_RXNEIE_TE_RE ((1u << 13) | (1u << 5) | (1u << 3) | (1u << 2))

#define HSI_HZ 16000000u
#define PLL_HZ 168000000u
/* 16 MHz / 8 * 168 = 336 MHz; / 2 = 168 MHz for the core, / 7 = 48 MHz */
#define PLLCFGR_168_MHZ (8u | (168u << 6) | (0u << 16) | (7u << 24))
#define BAUD 460800u
#define WAIT_TURNS 100000 /* above 200 us, the PLL's longest lock time, at 16 MHz */

const char board_name[16] = "stm32f405";
static uint32_t core_hz = HSI_HZ, uart_hz = HSI_HZ;

static bool wait_for(volatile uint32_t *word, uint32_t mask, uint32_t value)
{
    for (int i = 0; i < WAIT_TURNS; i++) {
        if ((*word & mask) == value) {
            return true;
        }
    }
    return false;
}

static bool run_from_pll(void)
{
    RCC_PLLCFGR = PLLCFGR_168_MHZ;
    RCC_CR |= CR_PLLON;
    if (!wait_for(&RCC_CR, CR_PLLRDY, CR_PLLRDY)) {
        return false;
    }
    FLASH_ACR = ACR_FAST; /* the slower flash first, then the faster clock */
    if (!wait_for(&FLASH_ACR, ACR_LATENCY, ACR_FAST & ACR_LATENCY)) {
        return false;
    }
    RCC_CFGR = CFGR_APB1_BY_4 | CFGR_APB2_BY_2;
    RCC_CFGR |= CFGR_SW_PLL;
    return wait_for(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
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

static void usart_init(void)
{
    RCC_AHB1ENR |= 1u;       /* GPIOA */
    RCC_APB2ENR |= 1u << 4;  /* USART1 */
    (void)RCC_APB2ENR;       /* a clock needs two cycles before the first access */
    GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | 0x770u;                  /* AF7 */
    GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18)) | (0xAu << 18);    /* alternate function */
    GPIOA_PUPDR = (GPIOA_PUPDR & ~(0x3u << 20)) | (0x1u << 20);    /* an open line idles */
    USART_BRR = (uart_hz + BAUD / 2u) / BAUD;
    USART_CR1 = CR1_UE_RXNEIE_TE_RE;
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
    if ((USART_SR & SR_RXNE) != 0) {
        serial_keep((uint8_t)USART_DR);
    } else {
        (void)USART_DR; /* clears an overrun, whose interrupt comes again otherwise */
    }
}

void board_send(uint8_t byte)
{
    while ((USART_SR & SR_TXE) == 0) {
    }
    USART_DR = byte;
}
