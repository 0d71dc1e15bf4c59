/* From reset to main, and from a fault to app_fault. */
#include <stdbool.h>
#include <stddef.h>

#include "cortex_m.h"

#include "../board.h"

#define STACK_PAINT 0xC5C5C5C5u
#define FPU_FULL_ACCESS (0xFu << 20)
#define FAULTS_ENABLED (7u << 16) /* memory, bus and usage faults have their own vectors */
#define FAULT_REPEATS (1u << 25) /* turns of a loop: a fraction of a second */
#define FRAME_WORDS 8u            /* that an exception stacks: r0-r3, r12, lr, pc, xpsr */

/* Set by sections.ld. The stack lies lowest: what overflows it faults instead of writing data. */
extern uint32_t stack_bottom[], stack_top[];
extern const uint32_t data_image[];
extern uint32_t data_start[], data_end[], bss_start[], bss_end[];

typedef void handler_t(void);

int main(void);
void reset_handler(void);
void start(void);
void systick_handler(void);
void fault_handler(void);
void fault_report(const uint32_t *stacked, uint32_t exception);

/* The core's exceptions, and interrupts up to the only one that is enabled. */
typedef struct {
    uint32_t *stack;
    handler_t *exception[15];
    handler_t *interrupt[BOARD_SERIAL_IRQ + 1];
} vectors_t;

extern const vectors_t vectors;
__attribute__((section(".vectors"), used)) const vectors_t vectors = {
    stack_top,
    {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, NULL,
     NULL, NULL, NULL, fault_handler, fault_handler, NULL, fault_handler, systick_handler},
    {[BOARD_SERIAL_IRQ] = serial_handler}};

/* Compared as numbers: to C these are unrelated objects. */
static void fill(uint32_t *from, const uint32_t *to, uint32_t value)
{
    while ((uintptr_t)from < (uintptr_t)to) {
        *(volatile uint32_t *)from++ = value;
    }
}

__attribute__((naked)) void reset_handler(void)
{
    __asm__ volatile("ldr r0, =stack_top \n"
                     "mov sp, r0         \n"
                     "b start            \n");
}

__attribute__((noreturn)) void start(void)
{
    SCB_VTOR = (uint32_t)(uintptr_t)&vectors;
    SCB_CPACR |= FPU_FULL_ACCESS;
    SCB_SHCSR |= FAULTS_ENABLED;
    __asm__ volatile("dsb\n isb" ::: "memory");

    uint32_t *here;
    __asm__ volatile("mov %0, sp" : "=r"(here));
    fill(stack_bottom, here - 16, STACK_PAINT);
    for (size_t i = 0; (uintptr_t)(data_start + i) < (uintptr_t)data_end; i++) {
        ((volatile uint32_t *)data_start)[i] = data_image[i];
    }
    fill(bss_start, bss_end, 0);
    (void)main();
    for (;;) {
    }
}

uint32_t board_stack_bytes(void)
{
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_bottom);
}

uint32_t board_stack_used_bytes(void)
{
    const uint32_t *word = stack_bottom;

    while ((uintptr_t)word < (uintptr_t)stack_top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}

/* --------------------------------------------------------------- Fault -- */

/* Go on below the frame of the fault, but where the stack itself is broken: from its top then. */
__attribute__((naked)) void fault_handler(void)
{
    __asm__ volatile("mrs r0, msp                   \n"
                     "mrs r1, ipsr                  \n"
                     "ldr r2, =stack_bottom + 512   \n"
                     "ldr r3, =stack_top            \n"
                     "cmp r0, r2                    \n"
                     "blo 1f                        \n"
                     "cmp r0, r3                    \n"
                     "bls 2f                        \n"
                     "1: mov sp, r3                 \n"
                     "2: b fault_report             \n");
}

__attribute__((noreturn)) void fault_report(const uint32_t *stacked, uint32_t exception)
{
    const uintptr_t at = (uintptr_t)stacked;
    const bool readable = at >= (uintptr_t)stack_bottom &&
                          at + FRAME_WORDS * sizeof *stacked <= (uintptr_t)stack_top;
    const board_fault_t fault = {.exception = exception,
                                 .pc = readable ? stacked[6] : 0,
                                 .lr = readable ? stacked[5] : 0,
                                 .cfsr = SCB_CFSR,
                                 .hfsr = SCB_HFSR,
                                 .address = SCB_BFAR};
    for (;;) { /* again and again: whoever connects later is to know, too */
        app_fault(&fault);
        (void)board_spin(FAULT_REPEATS);
    }
}
