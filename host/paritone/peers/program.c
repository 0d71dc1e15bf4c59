/* A bare program for QEMU's mps2-an386: runs a peer's network once on noise, ends by semihosting.
 *
 * peer.h, written beside it, declares peer_run(input, output, arena) and says
 * PEER_INPUT_BYTES, PEER_OUTPUT_BYTES, PEER_ARENA_BYTES.
 */
#include <stdint.h>

#include "peer.h"

extern uint32_t stack_top;
void peer_reset(void);
void peer_end(int success);

static int8_t input[PEER_INPUT_BYTES] __attribute__((aligned(16)));
static int8_t output[PEER_OUTPUT_BYTES] __attribute__((aligned(16)));
static uint8_t arena[PEER_ARENA_BYTES] __attribute__((aligned(16)));

/* Not inlined: its entry marks the end of the network. */
__attribute__((noinline)) void peer_end(int success)
{
    register uintptr_t operation __asm__("r0") = 0x18;
    register uintptr_t reason __asm__("r1") = success ? 0x20026u : 0x20024u;

    for (;;) {
        __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(reason) : "memory");
    }
}

static void fault(void)
{
    peer_end(0);
}

void peer_reset(void)
{
    uint32_t noise = 1;

    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* floating-point unit on */
    for (uint32_t i = 0; i < PEER_INPUT_BYTES; i++) {
        noise = noise * 1664525u + 1013904223u;
        input[i] = (int8_t)(noise >> 24);
    }
    peer_run(input, output, arena);
    peer_end(1);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, peer_reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault,
    fault};
