/* Reset and clock control of STM32F4 and F7 (RM0090 7.3, RM0390 6.3, RM0385 5.3), from the internal
 * 16 MHz oscillator: it serves every board whatever its crystal, and its 1 % is well within what
 * the serial line tolerates. */
#ifndef RCC_F4_H
#define RCC_F4_H

#include "stm32.h"

#define RCC_CR REGISTER(0x40023800u)
#define RCC_PLLCFGR REGISTER(0x40023804u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define RCC_APB2ENR REGISTER(0x40023844u)
#define CR_HSION (1u << 0)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_APB1_BY_4 (5u << 10)
#define CFGR_APB2_BY_2 (4u << 13)

/* FLASH_ACR (RM0090 3.9.1, RM0390 3.8.1, RM0385 3.7.1) */
#define FLASH_ACR REGISTER(0x40023C00u)
#define ACR_LATENCY 7u
#define ACR_PREFETCH (1u << 8)
#define ACR_CACHES ((1u << 9) | (1u << 10)) /* F7: bit 9 alone, for code fetched through the TCM */

/* PWR_CR and PWR_CSR (RM0390 5.4, RM0385 4.4): over-drive, above 168 and 180 MHz */
#define PWR_CR REGISTER(0x40007000u)
#define PWR_CSR REGISTER(0x40007004u)
#define APB1ENR_PWREN (1u << 28)
#define PWR_OVERDRIVE (1u << 16)
#define PWR_OVERDRIVE_SWITCH (1u << 17)

#define HSI_HZ 16000000u
/* HSI / 8 = 2 MHz; * n = the VCO, 100 to 432 MHz; / 2 = the core; / q = at most 48 MHz */
#define PLLCFGR_TWICE(n, q) (8u | ((n) << 6) | (0u << 16) | ((q) << 24))

static inline bool rcc_pll_starts(uint32_t pllcfgr)
{
    RCC_PLLCFGR = pllcfgr;
    RCC_CR |= CR_PLLON;
    return stm32_wait(&RCC_CR, CR_PLLRDY, CR_PLLRDY);
}

static inline bool rcc_overdrive(void)
{
    RCC_APB1ENR |= APB1ENR_PWREN;
    PWR_CR |= PWR_OVERDRIVE;
    if (!stm32_wait(&PWR_CSR, PWR_OVERDRIVE, PWR_OVERDRIVE)) {
        return false;
    }
    PWR_CR |= PWR_OVERDRIVE_SWITCH;
    return stm32_wait(&PWR_CSR, PWR_OVERDRIVE_SWITCH, PWR_OVERDRIVE_SWITCH);
}

/* The slower flash first, then the faster clock; the buses at a quarter and at half of it. */
static inline bool rcc_switch_to_pll(uint32_t acr)
{
    FLASH_ACR = acr;
    if (!stm32_wait(&FLASH_ACR, ACR_LATENCY, acr & ACR_LATENCY)) {
        return false;
    }
    RCC_CFGR = CFGR_APB1_BY_4 | CFGR_APB2_BY_2;
    RCC_CFGR |= CFGR_SW_PLL;
    return stm32_wait(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
}

#endif
