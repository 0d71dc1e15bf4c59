/*
 * Frames between host and board: COBS, CRC-32, sequence numbers. No I/O.
 *
 *   wire:   00  COBS(frame)  00           zero bytes only separate frames
 *   frame:  type u8, argument u8, sequence u16, payload, crc32 u32
 *
 * Numbers are little-endian. The CRC (reflected 0xEDB88320, as zlib's) covers
 * everything before it. The host asks, the board answers: a reply carries the
 * request's sequence number and its type with LINK_REPLY set. A number seen
 * last is a repetition and gets the same answer, an older one none. The same
 * constants live in host/paritone/link/protocol.py; a test compares them.
 */
#ifndef LINK_PROTOCOL_H
#define LINK_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#define LINK_VERSION 5
#define LINK_PAYLOAD_BYTES 2048
#define LINK_HEADER_BYTES 4
#define LINK_CRC_BYTES 4
#define LINK_PCM_BYTES 8 /* of a PCM's payload before the samples */
#define LINK_SPIN_MOST (1u << 27) /* seconds at the slowest clock, not minutes */
#define LINK_STALE 0x8000u /* sequence numbers less far back are past, others yet to come */
#define LINK_FRAME_BYTES (LINK_HEADER_BYTES + LINK_PAYLOAD_BYTES + LINK_CRC_BYTES)

enum {
    LINK_HELLO = 0x01,    /* - -> who answers: versions, hashes, sizes               */
    LINK_RESET = 0x02,    /* - -> -; forget the PCM streamed so far                  */
    LINK_PCM = 0x03,      /* argument: LINK_INFER or 0 -> progress, scores; see below */
    LINK_FINISH = 0x04,   /* as LINK_PCM, and again until no patch is ready          */
    LINK_RUN = 0x05,      /* - -> ticks u32, scores; reads the model's input         */
    LINK_STEP = 0x06,     /* call u32 -> ticks u32; crc32 u32 and bytes u32 of its rows */
    LINK_READ = 0x07,     /* offset u32, bytes u32; argument: region -> bytes        */
    LINK_WRITE = 0x08,    /* offset u32, bytes; argument: region -> -                */
    LINK_TRACE = 0x09,    /* argument: stage -> bytes u32, now in LINK_REGION_TRACE;
                             ticks u32 of a frame's stages up to this one           */
    LINK_COUNTERS = 0x0A, /* - -> stack, frames, patches, bad frames, duplicates     */
    LINK_SPIN = 0x0B,     /* n u32 -> ticks u32 of a loop of 2 n instructions        */
    LINK_BAUD = 0x0C,     /* rate u32 -> -, and from then on the line has that rate  */
    LINK_REPLY = 0x80,
    LINK_FAULT = 0xFD, /* unasked, before the board stops: see fault_t            */
    LINK_READY = 0xFE, /* unasked, once, when the board listens                   */
    LINK_ERROR = 0xFF  /* argument: one of the codes below; payload: detail u32   */
};

/*
 * Rate: BOARD_BAUD or more; one that the board cannot have is refused (LINK_E_RANGE). A host that
 * left without a word, or whose probe cannot follow, is heard as damaged frames: after so many in a
 * row the line has the rate of the start again. The host does the same with what goes unanswered.
 */
#define LINK_LOST_FRAMES 4

enum { LINK_INFER = 1 }; /* run the model as soon as a patch completes, unless it is silent */

/*
 * PCM: position u32, patches u32, int16[]. The position is that of the first sample since the
 * reset, so that several may be under way and any may be sent again; the patches are those whose
 * answers the host has. The board takes samples until a patch completes, and no more until the
 * host knows of it: what comes meanwhile gets the same answer again.
 *
 * Progress: position u32 of the next sample, patches u32 completed, flags u32, ticks u32; then, if
 * the model was run, as LINK_RUN. After LINK_FINISH the position means nothing.
 */
enum {
    LINK_PATCH = 1, /* the last sample taken completed a patch          */
    LINK_SILENT = 2 /* and its level is under the silence gate's threshold */
};

enum {
    LINK_REGION_INPUT = 0,  /* the model's input: the patch         */
    LINK_REGION_OUTPUT = 1, /* the model's output: the scores       */
    LINK_REGION_STEP = 2,   /* rows that the last LINK_STEP wrote   */
    LINK_REGION_FRAME = 3,  /* PCM of the frame that is traced      */
    LINK_REGION_TRACE = 4   /* values of the stage traced last      */
};

enum {
    LINK_E_FRAME = 1,   /* damaged in transit: send it again          */
    LINK_E_UNKNOWN = 2, /* no such message; detail: its type          */
    LINK_E_LENGTH = 3,  /* wrong length for this message; detail: got */
    LINK_E_RANGE = 4,   /* no such call, stage, region or offset      */
    LINK_E_MODEL = 5,   /* the library refused; detail: its status    */
    LINK_E_STATE = 6,   /* nothing there yet to read                  */
    LINK_E_GREET = 7    /* no hello yet: the board has just started   */
};

typedef enum { LINK_NOTHING = 0, LINK_FRAME = 1, LINK_DAMAGED = 2 } link_event_t;

/* A frame under way, and after LINK_FRAME the frame: bytes[0, size), payload 4-byte aligned. */
typedef struct {
    uint32_t words[(LINK_FRAME_BYTES + 3) / 4];
    size_t size;    /* bytes decoded so far                            */
    uint8_t block;  /* bytes left in the COBS block                    */
    uint8_t zero;   /* the block ends in a zero unless the frame does  */
    uint8_t state; /* under way, too long, or delivered                */
} link_receiver_t;

/* A function that sends one byte. */
typedef void link_put_t(uint8_t byte);

/* CRC-32 of bytes[0, size), continued from `crc` (0 to start); any input. */
uint32_t link_crc32(uint32_t crc, const void *bytes, size_t size);

/* Forget a frame under way. */
void link_receiver_init(link_receiver_t *receiver);

/* Take one byte from the wire; LINK_FRAME when it completes an intact frame,
 * LINK_DAMAGED when it ends one that is not. Any byte is legal at any time. */
link_event_t link_receive(link_receiver_t *receiver, uint8_t byte);

/* Fields of the frame that link_receive completed. */
uint8_t link_type(const link_receiver_t *receiver);
uint8_t link_argument(const link_receiver_t *receiver);
uint16_t link_sequence(const link_receiver_t *receiver);
const uint32_t *link_payload(const link_receiver_t *receiver);
size_t link_payload_size(const link_receiver_t *receiver);

/* Send frame[0, LINK_HEADER_BYTES + payload): fills in the header and the CRC
 * (frame needs LINK_CRC_BYTES more), encodes and puts it between separators. */
void link_send(uint32_t *frame, uint8_t type, uint8_t argument, uint16_t sequence, size_t payload,
               link_put_t *put);

#endif
