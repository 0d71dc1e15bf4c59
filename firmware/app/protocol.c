#include "protocol.h"

#define SEPARATOR 0u
#define BLOCK_LONGEST 255u /* COBS: the code of 254 bytes without a zero */

enum { UNDER_WAY, TOO_LONG, DELIVERED }; /* link_receiver_t.state */

uint32_t link_crc32(uint32_t crc, const void *bytes, size_t size)
{
    /* Remainders of one nibble under the reflected polynomial 0xEDB88320. */
    static const uint32_t nibble[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    const uint8_t *byte = bytes;

    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        crc = (crc >> 4) ^ nibble[crc & 15u];
        crc = (crc >> 4) ^ nibble[crc & 15u];
    }
    return ~crc;
}

/* ------------------------------------------------------------- Receive -- */

static uint8_t *frame_of(link_receiver_t *receiver)
{
    return (uint8_t *)receiver->words;
}

static const uint8_t *bytes_of(const link_receiver_t *receiver)
{
    return (const uint8_t *)receiver->words;
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
    const size_t body = receiver->size - LINK_CRC_BYTES;
    const uint8_t *frame = bytes_of(receiver);
    return link_crc32(0, frame, body) == link_get(frame + body, LINK_CRC_BYTES);
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
    return bytes_of(receiver)[0];
}

uint8_t link_argument(const link_receiver_t *receiver)
{
    return bytes_of(receiver)[1];
}

uint16_t link_sequence(const link_receiver_t *receiver)
{
    return (uint16_t)link_get(bytes_of(receiver) + 2, 2);
}

const uint8_t *link_payload(const link_receiver_t *receiver)
{
    return bytes_of(receiver) + LINK_HEADER_BYTES;
}

size_t link_payload_size(const link_receiver_t *receiver)
{
    return receiver->size - LINK_HEADER_BYTES - LINK_CRC_BYTES;
}

/* ---------------------------------------------------------------- Send -- */

uint32_t link_get(const uint8_t *bytes, size_t width)
{
    uint32_t value = 0;

    for (size_t i = width; i > 0; i--) {
        value = (value << 8) | bytes[i - 1];
    }
    return value;
}

uint8_t *link_set(uint8_t *bytes, uint32_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    return bytes + width;
}

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

void link_send(uint8_t *frame, uint8_t type, uint8_t argument, uint16_t sequence, size_t payload,
               link_put_t *put)
{
    const size_t body = LINK_HEADER_BYTES + payload;

    frame[0] = type;
    frame[1] = argument;
    link_set(frame + 2, sequence, 2);
    link_set(frame + body, link_crc32(0, frame, body), LINK_CRC_BYTES);
    put(SEPARATOR);
    put_cobs(frame, body + LINK_CRC_BYTES, put);
    put(SEPARATOR);
}
