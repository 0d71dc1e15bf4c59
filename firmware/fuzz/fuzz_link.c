/*
 * Arbitrary bytes for the firmware's parser and its requests, on this machine: nothing may crash,
 * and a good frame afterwards is answered. The entry point is libFuzzer's; driver.c calls it too.
 *
 * A record of the input is a byte and what it counts. With an odd one that goes in as it is; with
 * an even one as the body of an intact frame, else none would get past the CRC.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../app/protocol.h"
#include "../app/requests.h"
#include "../board/board.h"

const char board_name[16] = "fuzz";

static link_receiver_t receiver, heard;
static uint32_t frames_heard;
static uint16_t number; /* of the last frame that was sent whole */
static uint64_t bytes_taken;
static uint32_t answered[LINK_BAUD + 1]; /* requests done, not refused, by their type */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

uint32_t board_clock_hz(void)
{
    return 1;
}

uint32_t board_ticks(void)
{
    return 0;
}

uint32_t board_spin(uint32_t n)
{
    return n;
}

board_counter_t board_counter(void)
{
    return BOARD_COUNTS_TIME;
}

uint32_t board_stack_bytes(void)
{
    return 0;
}

uint32_t board_stack_used_bytes(void)
{
    return 0;
}

uint32_t board_divisor(uint32_t baud)
{
    return baud;
}

void board_divide(uint32_t divisor)
{
    (void)divisor;
}

/* The host's end: what the firmware sends must be frames. */
static void hear(uint8_t byte)
{
    const link_event_t event = link_receive(&heard, byte);

    if (event == LINK_DAMAGED) {
        fprintf(stderr, "the firmware sent what is no frame\n");
        abort();
    }
    if (event == LINK_FRAME) {
        const unsigned request = link_type(&heard) ^ (unsigned)LINK_REPLY;
        frames_heard++;
        answered[request <= LINK_BAUD ? request : 0]++;
    }
}

static void take(uint8_t byte)
{
    const link_event_t event = link_receive(&receiver, byte);

    if (event == LINK_FRAME) {
        requests_answer(&receiver, hear);
    } else if (event == LINK_DAMAGED) {
        requests_damaged(hear);
    }
}

static void send(uint8_t type, uint8_t argument, uint16_t sequence, const uint8_t *payload,
                 size_t size)
{
    static uint32_t frame[(LINK_FRAME_BYTES + 3) / 4];

    if (size > 0) {
        memcpy((uint8_t *)frame + LINK_HEADER_BYTES, payload, size);
    }
    link_send(frame, type, argument, sequence, size, take);
}

/* A frame's number is the next, mostly: any number is past as often as not, and not answered. */
static void take_frame(const uint8_t *body, size_t size)
{
    const uint16_t any = (uint16_t)(body[2] | body[3] << 8);

    number = body[2] < 0xE0u ? (uint16_t)(number + 1u) : any;
    send(body[0], body[1], number, body + LINK_HEADER_BYTES, size - LINK_HEADER_BYTES);
}

static void take_record(const uint8_t *data, size_t size, int framed)
{
    if (framed && size >= LINK_HEADER_BYTES) {
        take_frame(data, size);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        take(data[i]);
    }
}

/* Bytes that a record's first byte counts: few by one, many by 32. */
static size_t counted_by(uint8_t first)
{
    const size_t n = first / 2u;

    return n < 64 ? n : 32 * (n - 63);
}

static void expect_hello(void)
{
    const uint32_t before = frames_heard;

    take(0); /* ends what the input left under way */
    const uint32_t after = frames_heard;
    send(LINK_HELLO, 0, ++number, NULL, 0);
    if (frames_heard != after + 1 || link_type(&heard) != (LINK_HELLO | LINK_REPLY) ||
        link_sequence(&heard) != number || after - before > 1) {
        fprintf(stderr, "a hello was not answered\n");
        abort();
    }
}

static void report(void)
{
    fprintf(stderr, "%" PRIu64 " bytes; answered and refused:", bytes_taken);
    for (size_t type = 1; type <= LINK_BAUD + 1u; type++) {
        fprintf(stderr, " %" PRIu32, answered[type % (LINK_BAUD + 1u)]);
    }
    fprintf(stderr, "\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int begun;

    if (!begun) {
        begun = 1;
        link_receiver_init(&receiver);
        link_receiver_init(&heard);
        if (requests_init() != 0 || atexit(report) != 0) {
            abort();
        }
        expect_hello();
    }
    bytes_taken += size;
    while (size > 1) {
        const size_t wanted = counted_by(data[0]);
        const size_t n = wanted < size - 1 ? wanted : size - 1;
        take_record(data + 1, n, data[0] % 2 == 0);
        data += n + 1;
        size -= n + 1;
    }
    expect_hello();
    return 0;
}
