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
    bool valid;
} last;

static struct {
    uint32_t patches, damaged, repeated;
} counted;

static uint32_t last_call = UINT32_MAX; /* none yet */
static size_t traced_bytes;
volatile uint8_t requests_busy_with;

/* A request, and where its answer goes. */
typedef struct {
    uint8_t argument;
    const uint8_t *in;
    size_t size;
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

static void answer(exchange_t *exchange, uint32_t value, size_t width)
{
    exchange->out = link_set(exchange->out, value, width);
}

static void answer_bytes(exchange_t *exchange, const void *bytes, size_t size)
{
    memcpy(exchange->out, bytes, size);
    exchange->out += size;
}

/* -------------------------------------------------------------- Status -- */

static int hello(exchange_t *exchange)
{
    answer(exchange, LINK_VERSION, 2);
    answer(exchange, PARITONE_FORMAT, 2);
    answer(exchange, board_clock_hz(), 4);
    answer(exchange, (uint32_t)board_counter(), 1);
    answer(exchange, 0, 1);
    answer(exchange, LINK_PAYLOAD_BYTES, 2);
    answer(exchange, PARITONE_ARENA_BYTES, 4);
    answer(exchange, PARITONE_PATCH_BYTES, 4);
    answer(exchange, PARITONE_OUTPUT_BYTES, 4);
    answer(exchange, PARITONE_WINDOW_LENGTH, 4);
    answer(exchange, paritone_model.n_calls, 4);
    answer(exchange, board_stack_bytes(), 4);
    answer_bytes(exchange, board_name, sizeof board_name);
    answer_bytes(exchange, paritone_model.sha256, sizeof paritone_model.sha256);
    answer_bytes(exchange, PARITONE_FRONTEND.sha256, sizeof PARITONE_FRONTEND.sha256);
    return 0;
}

static int counters(exchange_t *exchange)
{
    answer(exchange, board_stack_used_bytes(), 4);
    answer(exchange, counted.patches, 4);
    answer(exchange, counted.damaged, 4);
    answer(exchange, counted.repeated, 4);
    return 0;
}

/* A loop of exactly 2 n instructions, for n > 0: what the counter is held against. */
static int spin(exchange_t *exchange)
{
    uint32_t n = link_get(exchange->in, 4);
    const uint32_t start = board_ticks();

    if (n > 0) {
        __asm__ volatile("1: subs %0, %0, #1 \n   bne 1b" : "+r"(n) : : "cc");
    }
    answer(exchange, board_ticks() - start, 4);
    return 0;
}

/* -------------------------------------------------------------- Stream -- */

static int reset(exchange_t *exchange)
{
    const int status = paritone_stream_init(&stream, &PARITONE_FRONTEND, stream_memory);

    exchange->detail = (uint32_t)status;
    counted.patches = 0;
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

    answer(exchange, board_ticks() - start, 4);
    exchange->detail = (uint32_t)status;
    answer_bytes(exchange, paritone_model_output(&paritone_model, work.arena, 0),
                 PARITONE_OUTPUT_BYTES);
    return status == PARITONE_OK ? 0 : LINK_E_MODEL;
}

/* The answer to PCM: how much was taken, whether a patch completed, and then its scores.
 * Silence is told, not classified: no inference is spent on it. */
static int progress(exchange_t *exchange, size_t taken, int ready, uint32_t ticks)
{
    const bool silent = ready && paritone_stream_silent(&stream);

    if (ready) {
        paritone_stream_patch(&stream, model_input());
        counted.patches++;
    }
    answer(exchange, (uint32_t)taken, 2);
    answer(exchange, (ready ? LINK_PATCH : 0u) | (silent ? LINK_SILENT : 0u), 2);
    answer(exchange, counted.patches, 4);
    answer(exchange, ticks, 4);
    return ready && !silent && exchange->argument == LINK_INFER ? run(exchange) : 0;
}

static int pcm(exchange_t *exchange)
{
    const size_t n = exchange->size / sizeof(int16_t);
    int ready = 0;

    if (exchange->size % sizeof(int16_t) != 0) {
        return LINK_E_LENGTH;
    }
    /* The payload of a frame is 4-byte aligned, the host little-endian as we are. */
    const int16_t *samples = (const int16_t *)(const void *)exchange->in;
    const uint32_t start = board_ticks();
    const size_t taken = paritone_stream_push(&stream, samples, n, &ready);
    return progress(exchange, taken, ready, board_ticks() - start);
}

static int finish(exchange_t *exchange)
{
    int ready = 0;
    const uint32_t start = board_ticks();
    const int status = paritone_stream_finish(&stream, &ready);
    const uint32_t ticks = board_ticks() - start;

    exchange->detail = (uint32_t)status;
    return status == PARITONE_OK ? progress(exchange, 0, ready, ticks) : LINK_E_MODEL;
}

/* ------------------------------------------------- Locating a mismatch -- */

static int step(exchange_t *exchange)
{
    const uint32_t index = link_get(exchange->in, 2);

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
    answer(exchange, ticks, 4);
    answer(exchange, link_crc32(0, rows, bytes), 4);
    answer(exchange, bytes, 4);
    return status == PARITONE_OK ? 0 : LINK_E_MODEL;
}

static int trace(exchange_t *exchange)
{
    if (exchange->argument > PARITONE_STAGE_INPUT) {
        return LINK_E_RANGE;
    }
    const paritone_stage_t stage = (paritone_stage_t)exchange->argument;

    /* Between two pushes the stream's scratch is free. */
    const int status = paritone_frontend_trace(&PARITONE_FRONTEND, work.trace.frame,
                                               stream.scratch, stage, work.trace.values);

    exchange->detail = (uint32_t)status;
    traced_bytes = paritone_frontend_stage_bytes(&PARITONE_FRONTEND, stage);
    answer(exchange, (uint32_t)traced_bytes, 4);
    return status == PARITONE_OK ? 0 : LINK_E_MODEL;
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
        *size = traced_bytes;
        return traced_bytes == 0 ? NULL : (uint8_t *)work.trace.values;
    default:
        return NULL;
    }
}

/* Where `size` bytes at `offset` of the region that is asked for lie. */
static int locate(const exchange_t *exchange, size_t size, uint8_t **at)
{
    const uint32_t offset = link_get(exchange->in, 4);
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
    const size_t size = link_get(exchange->in + 4, 2);
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
        memcpy(at, exchange->in + 4, size);
    }
    return error;
}

/* ------------------------------------------------------------- Answers -- */

typedef struct {
    uint8_t type;
    uint16_t least, most; /* bytes of payload */
    int (*handle)(exchange_t *exchange);
} request_t;

static const request_t requests[] = {
    {LINK_HELLO, 0, 0, hello},
    {LINK_RESET, 0, 0, reset},
    {LINK_PCM, 0, LINK_PAYLOAD_BYTES, pcm},
    {LINK_FINISH, 0, 0, finish},
    {LINK_RUN, 0, 0, run},
    {LINK_STEP, 2, 2, step},
    {LINK_READ, 6, 6, read_back},
    {LINK_WRITE, 4, LINK_PAYLOAD_BYTES, write_to},
    {LINK_TRACE, 0, 0, trace},
    {LINK_COUNTERS, 0, 0, counters},
    {LINK_SPIN, 4, 4, spin},
};

static int handle(uint8_t type, exchange_t *exchange)
{
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const request_t *request = &requests[i];
        if (request->type != type) {
            continue;
        }
        if (exchange->size < request->least || exchange->size > request->most) {
            exchange->detail = (uint32_t)exchange->size;
            return LINK_E_LENGTH;
        }
        return request->handle(exchange);
    }
    exchange->detail = type;
    return LINK_E_UNKNOWN;
}

static void send_last(link_put_t *put)
{
    link_send((uint8_t *)last.words, last.type, last.argument, last.sequence, last.size, put);
}

void requests_answer(const link_receiver_t *request, link_put_t *put)
{
    const uint8_t type = link_type(request);
    uint8_t *payload = (uint8_t *)last.words + LINK_HEADER_BYTES;
    exchange_t exchange = {.argument = link_argument(request),
                           .in = link_payload(request),
                           .size = link_payload_size(request),
                           .out = payload,
                           .detail = 0};

    /* A hello opens a conversation: it is never the repetition of an older one's request. */
    if (last.valid && last.sequence == link_sequence(request) && type != LINK_HELLO) {
        counted.repeated++;
        send_last(put);
        return;
    }
    requests_busy_with = type;
    const int error = handle(type, &exchange);
    requests_busy_with = 0;
    if (error != 0) {
        exchange.out = link_set(payload, exchange.detail, 4);
    }
    last.type = error != 0 ? LINK_ERROR : (uint8_t)(type | LINK_REPLY);
    last.argument = (uint8_t)error;
    last.sequence = link_sequence(request);
    last.size = (size_t)(exchange.out - payload);
    last.valid = true;
    send_last(put);
}

void requests_damaged(link_put_t *put)
{
    uint8_t frame[LINK_HEADER_BYTES + LINK_CRC_BYTES];

    counted.damaged++;
    link_send(frame, LINK_ERROR, LINK_E_FRAME, 0xFFFFu, 0, put);
}
