#include "protocol.h"

#include <string.h>

#define SEPARATOR 0u
#define CRC_OF_INTACT 0x2144DF1Cu /* of anything with its own CRC behind it */
#define BLOCK_LONGEST 255u /* COBS: the code of 254 bytes without a zero */

enum { UNDER_WAY, TOO_LONG, DELIVERED }; /* link_receiver_t.state */

uint32_t link_crc32(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;

    /* Bit by bit: a table is faster than any serial line and costs flash. */
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

/* ------------------------------------------------------------- Receive -- */

static uint8_t *frame_of(link_receiver_t *receiver)
{
    return (uint8_t *)receiver->words;
}

void link_receiver_init(link_receiver_t *receiver)
{
    receiver->size = 0;
    receiver->block = 0;
    receiver->zero = 0;
    receiver->state = UNDER_WAY;
}

static void keep(link_receiver_t *receiver, uint8_t byte)
{
    if (receiver->size < LINK_FRAME_BYTES) {
        frame_of(receiver)[receiver->size++] = byte;
    } else {
        receiver->state = TOO_LONG;
    }
}

static int intact(const link_receiver_t *receiver)
{
    if (receiver->state == TOO_LONG || receiver->block != 0 ||
        receiver->size < LINK_HEADER_BYTES + LINK_CRC_BYTES) {
        return 0;
    }
    return link_crc32(0, receiver->words, receiver->size) == CRC_OF_INTACT;
}

static link_event_t end_of_frame(link_receiver_t *receiver)
{
    const size_t size = receiver->size;
    const int empty = size == 0 && receiver->block == 0;
    const int good = intact(receiver);

    link_receiver_init(receiver);
    if (empty) {
        return LINK_NOTHING; /* separators between frames */
    }
    if (!good) {
        return LINK_DAMAGED;
    }
    receiver->size = size; /* read by the accessors; cleared by the next byte */
    receiver->state = DELIVERED;
    return LINK_FRAME;
}

link_event_t link_receive(link_receiver_t *receiver, uint8_t byte)
{
    if (receiver->state == DELIVERED) {
        link_receiver_init(receiver);
    }
    if (byte == SEPARATOR) {
        return end_of_frame(receiver);
    }
    if (receiver->block == 0) { /* a code byte: that many less one follow, then a zero */
        if (receiver->zero) {
            keep(receiver, 0);
        }
        receiver->block = (uint8_t)(byte - 1u);
        receiver->zero = byte != BLOCK_LONGEST;
    } else {
        receiver->block--;
        keep(receiver, byte);
    }
    return LINK_NOTHING;
}

uint8_t link_type(const link_receiver_t *receiver)
{
    return (uint8_t)receiver->words[0];
}

uint8_t link_argument(const link_receiver_t *receiver)
{
    return (uint8_t)(receiver->words[0] >> 8);
}

uint16_t link_sequence(const link_receiver_t *receiver)
{
    return (uint16_t)(receiver->words[0] >> 16);
}

const uint32_t *link_payload(const link_receiver_t *receiver)
{
    return receiver->words + LINK_HEADER_BYTES / sizeof *receiver->words;
}

size_t link_payload_size(const link_receiver_t *receiver)
{
    return receiver->size - LINK_HEADER_BYTES - LINK_CRC_BYTES;
}

/* ---------------------------------------------------------------- Send -- */

/* Bytes from `from` to the next zero, the end, or the longest block. */
static size_t run_length(const uint8_t *frame, size_t from, size_t size)
{
    size_t n = 0;

    while (from + n < size && n < BLOCK_LONGEST - 1u && frame[from + n] != 0) {
        n++;
    }
    return n;
}

static void put_cobs(const uint8_t *frame, size_t size, link_put_t *put)
{
    size_t at = 0;
    int more = 1;

    while (more) {
        const size_t n = run_length(frame, at, size);
        put((uint8_t)(n + 1u));
        for (size_t i = 0; i < n; i++) {
            put(frame[at + i]);
        }
        at += n;
        more = at < size;
        if (more && n < BLOCK_LONGEST - 1u) {
            at++; /* the zero that this block stands for */
        }
    }
}

void link_send(uint32_t *frame, uint8_t type, uint8_t argument, uint16_t sequence, size_t payload,
               link_put_t *put)
{
    const size_t body = LINK_HEADER_BYTES + payload;
    uint8_t *bytes = (uint8_t *)frame;

    frame[0] = type | (uint32_t)argument << 8 | (uint32_t)sequence << 16;
    const uint32_t crc = link_crc32(0, bytes, body);
    memcpy(bytes + body, &crc, LINK_CRC_BYTES);
    put(SEPARATOR);
    put_cobs(bytes, body + LINK_CRC_BYTES, put);
    put(SEPARATOR);
}
