#include "requests.h"

#include <stdbool.h>
#include <string.h>

#include "paritone.h"
#include "paritone_generated.h"

#include "../board/board.h"

/* Of 8 bytes: the longest stage is the window, n_fft words, or mel, a value each. */
#define TRACE_VALUES (PARITONE_N_FFT / 2 > PARITONE_N_MELS ? PARITONE_N_FFT / 2 : PARITONE_N_MELS)

/* Tracing a frame borrows the arena: it is no part of an inference. */
static union {
    uint8_t arena[PARITONE_ARENA_BYTES];
    struct {
        uint64_t values[TRACE_VALUES];
        int16_t frame[PARITONE_WINDOW_LENGTH];
    } trace;
    uint64_t aligned;
} work __attribute__((aligned(PARITONE_ARENA_ALIGN)));

static paritone_stream_t stream;
static uint64_t stream_memory[(PARITONE_STREAM_BYTES + 7) / 8];

/* The last answer is kept: a repeated request gets it again. */
static struct {
    uint32_t words[(LINK_FRAME_BYTES + 3) / 4];
    uint8_t type, argument;
    uint16_t sequence;
    size_t size;
} last;

static struct {
    uint32_t patches, damaged, repeated;
} counted;

static bool greeted;      /* since the board started */
static uint32_t position; /* samples of the stream that were taken */

static uint32_t next_divisor; /* for after the answer; 0: no change */
static uint32_t damaged_in_a_row;

static uint32_t last_call = UINT32_MAX; /* none yet */
static struct {
    uint32_t bytes, ticks;
} traced; /* bytes: 0 before any is */
volatile uint8_t requests_busy_with;

/* A request, and where its answer goes. The payload of a frame is 4-byte aligned, the host
 * little-endian as we are. */
typedef struct {
    uint8_t argument;
    const uint32_t *in;
    size_t size;  /* bytes of it */
    uint8_t *out; /* end of the answer's payload so far */
    uint32_t detail;
} exchange_t;

int requests_init(void)
{
    const int status = paritone_model_check(&paritone_model, &paritone_kernels);

    return status != PARITONE_OK
               ? status
               : paritone_stream_init(&stream, &PARITONE_FRONTEND, stream_memory);
}

static void answer_bytes(exchange_t *exchange, const void *bytes, size_t size)
{
    memcpy(exchange->out, bytes, size);
    exchange->out += size;
}

static void answer(exchange_t *exchange, uint32_t value)
{
    answer_bytes(exchange, &value, sizeof value);
}

/* -------------------------------------------------------------- Status -- */

static int hello(exchange_t *exchange)
{
    static const struct {
        uint16_t version, format, payload, ring;
        uint32_t arena, patch, output, window;
    } built = {LINK_VERSION,         PARITONE_FORMAT,      LINK_PAYLOAD_BYTES,
               BOARD_RING_BYTES,     PARITONE_ARENA_BYTES, PARITONE_PATCH_BYTES,
               PARITONE_OUTPUT_BYTES, PARITONE_WINDOW_LENGTH};

    answer_bytes(exchange, &built, sizeof built);
    answer(exchange, paritone_model.n_calls);
    answer(exchange, board_clock_hz());
    answer(exchange, (uint32_t)board_counter());
    answer(exchange, board_stack_bytes());
    answer_bytes(exchange, board_name, sizeof board_name);
    answer_bytes(exchange, paritone_model.sha256, sizeof paritone_model.sha256);
    answer_bytes(exchange, PARITONE_FRONTEND.sha256, sizeof PARITONE_FRONTEND.sha256);
    return 0;
}

static int counters(exchange_t *exchange)
{
    answer(exchange, board_stack_used_bytes());
    answer_bytes(exchange, &counted, sizeof counted);
    return 0;
}

/* What the counter is held against. */
static int spin(exchange_t *exchange)
{
    if (exchange->in[0] > LINK_SPIN_MOST) {
        return LINK_E_RANGE;
    }
    answer(exchange, board_spin(exchange->in[0]));
    return 0;
}

static int baud(exchange_t *exchange)
{
    const uint32_t rate = exchange->in[0];

    next_divisor = rate < BOARD_BAUD ? 0 : board_divisor(rate);
    return next_divisor == 0 ? LINK_E_RANGE : 0;
}

/* -------------------------------------------------------------- Stream -- */

static int reset(exchange_t *exchange)
{
    const int status = paritone_stream_init(&stream, &PARITONE_FRONTEND, stream_memory);

    exchange->detail = (uint32_t)status;
    counted.patches = 0;
    position = 0;
    return status == PARITONE_OK ? 0 : LINK_E_MODEL;
}

static void *model_input(void)
{
    return paritone_model_input(&paritone_model, work.arena, 0);
}

static int run(exchange_t *exchange)
{
    const uint32_t start = board_ticks();
    const int status = paritone_model_invoke(&paritone_model, &paritone_kernels, work.arena);

    answer(exchange, board_ticks() - start);
    exchange->detail = (uint32_t)status;
    answer_bytes(exchange, paritone_model_output(&paritone_model, work.arena, 0),
                 PARITONE_OUTPUT_BYTES);
    return status == PARITONE_OK ? 0 : LINK_E_MODEL;
}

/* The answer to PCM: how far the stream is, whether a patch completed, and then its scores.
 * Silence is told, not classified: no inference is spent on it. */
static int progress(exchange_t *exchange, int ready, uint32_t ticks)
{
    const bool silent = ready && paritone_stream_silent(&stream);

    if (ready) {
        paritone_stream_patch(&stream, model_input());
        counted.patches++;
    }
    answer(exchange, position);
    answer(exchange, counted.patches);
    answer(exchange, (ready ? LINK_PATCH : 0u) | (silent ? LINK_SILENT : 0u));
    answer(exchange, ticks);
    return ready && !silent && exchange->argument == LINK_INFER ? run(exchange) : 0;
}

/* Samples say where in the stream they belong: what was taken before is passed over, and what
 * would leave a gap is not taken. */
static int pcm(exchange_t *exchange)
{
    const size_t n = exchange->size / sizeof(int16_t) - LINK_PCM_BYTES / sizeof(int16_t);
    const uint32_t known = position - exchange->in[0];
    const size_t fresh = known < n ? n - known : 0;
    int ready = 0;

    if (exchange->size % sizeof(int16_t) != 0) {
        return LINK_E_LENGTH;
    }
    const int16_t *end = (const int16_t *)(const void *)&exchange->in[2] + n;
    const uint32_t start = board_ticks();
    position += (uint32_t)paritone_stream_push(&stream, end - fresh, fresh, &ready);
    return progress(exchange, ready, board_ticks() - start);
}

static int finish(exchange_t *exchange)
{
    int ready = 0;
    const uint32_t start = board_ticks();
    const int status = paritone_stream_finish(&stream, &ready);
    const uint32_t ticks = board_ticks() - start;

    exchange->detail = (uint32_t)status;
    return status == PARITONE_OK ? progress(exchange, ready, ticks) : LINK_E_MODEL;
}

/* ------------------------------------------------- Locating a mismatch -- */

static int step(exchange_t *exchange)
{
    const uint32_t index = exchange->in[0];

    if (index >= paritone_model.n_calls) {
        return LINK_E_RANGE;
    }
    const uint32_t start = board_ticks();
    const int status =
        paritone_model_step(&paritone_model, &paritone_kernels, work.arena, index);
    const uint32_t ticks = board_ticks() - start;
    uint32_t bytes = 0;
    const void *rows = paritone_model_rows(&paritone_model, work.arena, index, &bytes);

    last_call = index;
    exchange->detail = (uint32_t)status;
    answer(exchange, ticks);
    answer(exchange, link_crc32(0, rows, bytes));
    answer(exchange, bytes);
    return status == PARITONE_OK ? 0 : LINK_E_MODEL;
}

/* The ticks are those of the stages alone: copying their values out is timed again and taken off. */
static int trace(exchange_t *exchange)
{
    const paritone_stage_t stage = (paritone_stage_t)exchange->argument;
    const size_t bytes = paritone_frontend_stage_bytes(&PARITONE_FRONTEND, stage);

    if (bytes == 0u) {
        return LINK_E_RANGE;
    }
    /* Between two pushes the stream's scratch is free. */
    uint32_t ticks = 0u - board_ticks();
    (void)paritone_frontend_trace(&PARITONE_FRONTEND, work.trace.frame, stream.scratch, stage,
                                  work.trace.values); /* what it refuses, the start did */
    ticks += board_ticks();
    ticks += board_ticks();
    if (stage != PARITONE_STAGE_INPUT) { /* which is written where it is wanted */
        memcpy(stream.scratch, work.trace.values, bytes);
    }
    traced.bytes = (uint32_t)bytes;
    traced.ticks = ticks - board_ticks();
    answer_bytes(exchange, &traced, sizeof traced);
    return 0;
}

static uint8_t *rows_of_last_call(size_t *size)
{
    uint32_t bytes = 0;
    uint8_t *rows = paritone_model_rows(&paritone_model, work.arena, last_call, &bytes);

    *size = bytes;
    return rows;
}

/* First byte of a region, and its size; null when there is none yet. */
static uint8_t *region(uint8_t which, size_t *size)
{
    switch (which) {
    case LINK_REGION_INPUT:
        *size = PARITONE_PATCH_BYTES;
        return model_input();
    case LINK_REGION_OUTPUT:
        *size = PARITONE_OUTPUT_BYTES;
        return paritone_model_output(&paritone_model, work.arena, 0);
    case LINK_REGION_STEP:
        return rows_of_last_call(size);
    case LINK_REGION_FRAME:
        *size = sizeof work.trace.frame;
        return (uint8_t *)work.trace.frame;
    case LINK_REGION_TRACE:
        *size = traced.bytes;
        return traced.bytes == 0 ? NULL : (uint8_t *)work.trace.values;
    default:
        return NULL;
    }
}

/* Where `size` bytes at `offset` of the region that is asked for lie. */
static int locate(const exchange_t *exchange, size_t size, uint8_t **at)
{
    const uint32_t offset = exchange->in[0];
    size_t whole = 0;
    uint8_t *first = region(exchange->argument, &whole);

    if (first == NULL) {
        return exchange->argument > LINK_REGION_TRACE ? LINK_E_RANGE : LINK_E_STATE;
    }
    if (offset > whole || size > whole - offset) {
        return LINK_E_RANGE;
    }
    *at = first + offset;
    return 0;
}

static int read_back(exchange_t *exchange)
{
    const size_t size = exchange->in[1];
    uint8_t *at = NULL;
    int error = size > LINK_PAYLOAD_BYTES ? LINK_E_RANGE : 0;

    if (error == 0) {
        error = locate(exchange, size, &at);
    }
    if (error == 0) {
        answer_bytes(exchange, at, size);
    }
    return error;
}

static int write_to(exchange_t *exchange)
{
    uint8_t *at = NULL;
    const size_t size = exchange->size - 4;
    const bool writable = exchange->argument == LINK_REGION_INPUT ||
                          exchange->argument == LINK_REGION_FRAME;
    const int error = writable ? locate(exchange, size, &at) : LINK_E_RANGE;

    if (error == 0) {
        memcpy(at, exchange->in + 1, size);
    }
    return error;
}

/* ------------------------------------------------------------- Answers -- */

typedef struct {
    uint16_t least, most; /* bytes of payload */
    int (*handle)(exchange_t *exchange);
} request_t;

static const request_t requests[] = {
    [LINK_HELLO - 1] = {0, 0, hello},
    [LINK_RESET - 1] = {0, 0, reset},
    [LINK_PCM - 1] = {LINK_PCM_BYTES, LINK_PAYLOAD_BYTES, pcm},
    [LINK_FINISH - 1] = {0, 0, finish},
    [LINK_RUN - 1] = {0, 0, run},
    [LINK_STEP - 1] = {4, 4, step},
    [LINK_READ - 1] = {8, 8, read_back},
    [LINK_WRITE - 1] = {4, LINK_PAYLOAD_BYTES, write_to},
    [LINK_TRACE - 1] = {0, 0, trace},
    [LINK_COUNTERS - 1] = {0, 0, counters},
    [LINK_SPIN - 1] = {4, 4, spin},
    [LINK_BAUD - 1] = {4, 4, baud},
};

static int handle(uint8_t type, exchange_t *exchange)
{
    const size_t index = type - 1u;

    exchange->detail = type;
    if (index >= sizeof requests / sizeof *requests) {
        return LINK_E_UNKNOWN;
    }
    const request_t *request = &requests[index];
    exchange->detail = (uint32_t)exchange->size;
    return exchange->size < request->least || exchange->size > request->most
               ? LINK_E_LENGTH
               : request->handle(exchange);
}

static void send_last(link_put_t *put)
{
    link_send(last.words, last.type, last.argument, last.sequence, last.size, put);
}

/* A request that was answered before: the same number again, or PCM from before the host knew of
 * the patch that completed last, which is told again until it does. A rate is taken up again: the
 * host that did not hear of it has been heard at the old one. */
static bool repeats(uint8_t type, uint16_t age, const exchange_t *exchange)
{
    return (age == 0 && type != LINK_BAUD) ||
           (type == LINK_PCM && exchange->size >= LINK_PCM_BYTES &&
            exchange->in[1] != counted.patches);
}

void requests_answer(const link_receiver_t *request, link_put_t *put)
{
    const uint8_t type = link_type(request);
    const uint16_t age = (uint16_t)(last.sequence - link_sequence(request));
    uint8_t *payload = (uint8_t *)last.words + LINK_HEADER_BYTES;
    exchange_t exchange = {.argument = link_argument(request),
                           .in = link_payload(request),
                           .size = link_payload_size(request),
                           .out = payload,
                           .detail = 0};
    int error = LINK_E_GREET;

    damaged_in_a_row = 0;
    /* A hello opens a conversation: nothing before it counts. */
    greeted = greeted || type == LINK_HELLO;
    if (greeted) {
        if (type != LINK_HELLO && age != 0 && age < LINK_STALE) {
            return; /* overtaken by a later request: the host has its answer */
        }
        if (type != LINK_HELLO && repeats(type, age, &exchange)) {
            counted.repeated++;
            last.sequence = link_sequence(request);
            send_last(put);
            return;
        }
        requests_busy_with = type;
        error = handle(type, &exchange);
        requests_busy_with = 0;
    }
    if (error != 0) {
        exchange.out = payload;
        answer(&exchange, exchange.detail);
    }
    last.type = error != 0 ? LINK_ERROR : (uint8_t)(type | LINK_REPLY);
    last.argument = (uint8_t)error;
    last.sequence = link_sequence(request);
    last.size = (size_t)(exchange.out - payload);
    send_last(put);
    if (next_divisor != 0) {
        board_divide(next_divisor);
        next_divisor = 0;
    }
}

void requests_damaged(link_put_t *put)
{
    uint32_t frame[(LINK_HEADER_BYTES + LINK_CRC_BYTES) / 4];

    counted.damaged++;
    if (++damaged_in_a_row % LINK_LOST_FRAMES == 0) {
        board_divide(0); /* nobody speaks at this rate */
    }
    link_send(frame, LINK_ERROR, LINK_E_FRAME, 0xFFFFu, 0, put);
}
