/*
 * What the application asks of a board. A board is one folder: board.c with
 * these functions, link.ld with its memory, board.cmake with its core, board.yaml
 * with what the host is to know. Nothing else knows registers.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* What board_ticks counts. */
typedef enum {
    BOARD_COUNTS_CYCLES = 1, /* the core's cycle counter                      */
    BOARD_COUNTS_TIME = 2    /* SysTick: the cycle counter is not implemented */
} board_counter_t;

/* Rate of the serial line after board_init, in baud. */
#define BOARD_BAUD 460800u

/* Bytes that are kept while the core is busy; a power of two, as board_receive counts them. */
#define BOARD_RING_BYTES 2048u

/* Name of the board's folder; at most 16 bytes. */
extern const char board_name[16];

/* Clocks, serial line, counter; called once, first. */
void board_init(void);

/* Clock of the core after board_init, in hertz. */
uint32_t board_clock_hz(void);

/* Take a received byte, sleeping until there is one. */
uint8_t board_receive(void);

/* Divisor for a rate of the serial line in baud; 0 where it has none within 1.6 %. */
uint32_t board_divisor(uint32_t baud);

/* Let what was sent go out, then go on at a divisor; 0: the one of the start. */
void board_divide(uint32_t divisor);

/* Send one byte, waiting for room. */
void board_send(uint8_t byte);

/* Free-running counter, wraps at 2^32; and what it counts. */
uint32_t board_ticks(void);
board_counter_t board_counter(void);

/* Ticks of a loop of exactly 2 n instructions, and of reading the counter. */
uint32_t board_spin(uint32_t n);

/* Stack: its size, and the most of it that was ever in use, in bytes. */
uint32_t board_stack_bytes(void);
uint32_t board_stack_used_bytes(void);

/* Registers at a fault. */
typedef struct {
    uint32_t exception; /* number of the vector: 3 hard, 4 memory, 5 bus, 6 usage */
    uint32_t pc, lr;    /* of the instruction, where the stack still held them    */
    uint32_t cfsr, hfsr, address;
} board_fault_t;

/* Called by the board at a fault, with a fresh stack, about every second from then on. */
void app_fault(const board_fault_t *fault);

#endif
