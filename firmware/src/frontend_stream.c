/*
 * Columns as PCM arrives. A frame is computed when its last sample, zeros of the
 * window's end included, has come: as many frames as the host makes of the same
 * samples. Held are the samples from a frame's first windowed one on.
 */
#include <string.h>

#include "frontend_stages.h"

static uint32_t held_samples(const paritone_frontend_t *f) {
    return (uint32_t)f->n_fft - f->window_start;
}

int paritone_stream_init(paritone_stream_t *stream, const paritone_frontend_t *f, void *memory) {
    if (stream == NULL || f == NULL || memory == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    if (f->format != PARITONE_FORMAT) {
        return PARITONE_E_FORMAT;
    }
    stream->frontend = f;
    stream->scratch = memory;
    stream->columns = (uint8_t *)memory + f->scratch_bytes;
    stream->pcm = (int16_t *)(void *)(stream->columns + (size_t)4u * ((f->patch_bytes + 3u) / 4u));
    stream->pcm_count = 0;
    stream->skip = f->window_start;
    stream->column_next = 0;
    stream->column_count = 0;
    stream->columns_due = f->patch_length;
    stream->frames = 0;
    return PARITONE_OK;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Skip or hold samples up to the end of a frame; returns how many of the n were taken. */
static size_t take(paritone_stream_t *stream, const int16_t *pcm, size_t n) {
    const size_t skipped = smaller(n, stream->skip);
    const size_t space = held_samples(stream->frontend) - stream->pcm_count;
    const size_t held = smaller(n - skipped, space);
    stream->skip -= (uint32_t)skipped;
    if (held != 0u) {
        memcpy(stream->pcm + stream->pcm_count, pcm + skipped, held * sizeof *pcm);
        stream->pcm_count += (uint32_t)held;
    }
    return skipped + held;
}

/* Drop the hop's samples: those held now, the others as they come. */
static void advance(paritone_stream_t *stream) {
    const uint32_t hop = stream->frontend->hop_length;
    const uint32_t dropped = (uint32_t)smaller(hop, stream->pcm_count);
    stream->pcm_count -= dropped;
    stream->skip = hop - dropped;
    memmove(stream->pcm, stream->pcm + dropped, stream->pcm_count * sizeof *stream->pcm);
}

/* The held frame's column into the ring; returns 1 when it completes a patch. */
static int add_column(paritone_stream_t *stream) {
    const paritone_frontend_t *f = stream->frontend;
    uint8_t *column = stream->columns + (size_t)stream->column_next * f->column_bytes;
    (void)paritone_frontend_frame(f, stream->pcm, stream->scratch, column);
    stream->column_next = stream->column_next + 1u == f->patch_length ? 0u
                                                                      : stream->column_next + 1u;
    stream->column_count += stream->column_count < f->patch_length ? 1u : 0u;
    stream->frames++;
    if (--stream->columns_due != 0u) {
        return 0;
    }
    stream->columns_due = f->patch_step;
    return 1;
}

size_t paritone_stream_push(paritone_stream_t *stream, const int16_t *pcm, size_t n, int *ready) {
    size_t taken = 0;
    *ready = 0;
    while (taken < n && !*ready) {
        taken += take(stream, pcm + taken, n - taken);
        if (stream->pcm_count == held_samples(stream->frontend)) {
            *ready = add_column(stream);
            advance(stream);
        }
    }
    return taken;
}

int paritone_stream_patch(const paritone_stream_t *stream, void *patch) {
    const paritone_frontend_t *f = stream->frontend;
    if (patch == NULL || stream->column_count < f->patch_length) {
        return PARITONE_E_ARGUMENT;
    }
    const size_t bytes = frontend_value_bytes(f);
    uint8_t *out = patch;
    for (uint32_t t = 0; t < f->patch_length; t++) {
        const uint32_t place = (stream->column_next + t) % f->patch_length; /* oldest first */
        const uint8_t *column = stream->columns + (size_t)place * f->column_bytes;
        for (uint32_t j = 0; j < f->n_mels; j++) {
            memcpy(out + ((size_t)j * f->patch_length + t) * bytes, column + j * bytes, bytes);
        }
    }
    return PARITONE_OK;
}

int paritone_stream_finish(paritone_stream_t *stream, int *ready) {
    if (stream == NULL || ready == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    const paritone_frontend_t *f = stream->frontend;
    const int after_last = stream->columns_due != f->patch_step;
    const int full = stream->column_count == f->patch_length;
    *ready = f->include_last_patch && full && after_last;
    stream->columns_due = f->patch_step;
    return PARITONE_OK;
}
