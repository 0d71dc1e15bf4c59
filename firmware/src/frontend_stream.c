/*
 * Columns as PCM arrives. A frame is computed when its last sample, zeros of the
 * window's end included, has come: as many frames as the host makes of the same
 * samples. Held are the samples from a frame's first windowed one on, at an address
 * that is a multiple of 4.
 *
 * Frames that are centred on their sample (padding) begin half a window before the
 * stream. The padding there is filled in when the first frame is due; the padding after
 * the stream, frame by frame when it has ended. Reflection waits for one sample more and
 * holds one before the frame, as the sample at the very end is not repeated.
 */
#include "frontend_padding.h"
#include "frontend_stages.h"

static const uint32_t reflect_before = 2u; /* one, and one for the address */
static const uint32_t reflect_after = 1u;

/* Samples held before a frame's first windowed one. */
static uint32_t before(const paritone_frontend_t *f) {
    return f->padding == PARITONE_PADDING_REFLECT ? reflect_before : 0u;
}

/* Samples held when a frame is due. */
static uint32_t due(const paritone_frontend_t *f) {
    const uint32_t after = f->padding == PARITONE_PADDING_REFLECT ? reflect_after : 0u;
    return before(f) + f->n_fft - f->window_start + after;
}

/* Samples held before a frame's centre: the padding of the first one. */
static uint32_t lead(const paritone_frontend_t *f) {
    return before(f) + f->n_fft / 2u - f->window_start;
}

static void *lay_out(paritone_stream_t *stream, uint8_t *memory) {
    const paritone_frontend_t *f = stream->frontend;
    uint8_t *next = memory + f->scratch_bytes;
    stream->scratch = memory;
    stream->columns = next;
    next += (size_t)4u * ((f->patch_bytes + 3u) / 4u);
    stream->levels = NULL;
    if (f->silence != 0u) {
        stream->levels = (uint32_t *)(void *)next;
        next += sizeof *stream->levels * f->patch_length;
    }
    return next;
}

int paritone_stream_init(paritone_stream_t *stream, const paritone_frontend_t *f, void *memory) {
    if (stream == NULL || f == NULL || memory == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    if (f->format != PARITONE_FORMAT) {
        return PARITONE_E_FORMAT;
    }
    const int padded = f->padding != PARITONE_PADDING_NONE;
    stream->frontend = f;
    stream->pcm = lay_out(stream, memory);
    stream->pcm_count = padded ? lead(f) : 0u;
    stream->pcm_due = due(f);
    frontend_headroom_start(&stream->headroom, f->hop_length, f->window_length);
    stream->skip = padded ? 0u : f->window_start;
    stream->end = 0;
    stream->column_next = 0;
    stream->column_count = 0;
    stream->columns_due = f->patch_length;
    stream->frames = 0;
    stream->started = !padded;
    stream->ended = 0;
    return PARITONE_OK;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Skip or hold samples until a frame is due; returns how many of the n were taken. */
static size_t take(paritone_stream_t *stream, const int16_t *pcm, size_t n) {
    const size_t skipped = smaller(n, stream->skip);
    const size_t held = smaller(n - skipped, stream->pcm_due - stream->pcm_count);
    stream->skip -= (uint32_t)skipped;
    if (held != 0u) {
        frontend_copy(stream->pcm + stream->pcm_count, pcm + skipped, held);
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
    frontend_copy(stream->pcm, stream->pcm + dropped, stream->pcm_count);
}

/* The held frame's column into the ring; returns 1 when it completes a patch. */
static int add_column(paritone_stream_t *stream) {
    const paritone_frontend_t *f = stream->frontend;
    const uint32_t place = stream->column_next;
    uint8_t *column = stream->columns + (size_t)place * f->column_bytes;
    uint32_t *level = stream->levels == NULL ? NULL : &stream->levels[place];
    const int16_t *pcm = stream->pcm + before(f);
    const unsigned headroom = frontend_headroom_next(&stream->headroom, pcm);
    frontend_column(f, pcm, headroom, stream->scratch, column, level);
    stream->column_next = place + 1u == f->patch_length ? 0u : place + 1u;
    stream->column_count += stream->column_count < f->patch_length ? 1u : 0u;
    stream->frames++;
    advance(stream);
    if (--stream->columns_due != 0u) {
        return 0;
    }
    stream->columns_due = f->patch_step;
    return 1;
}

/* The padding before the stream, of which all is known that its first frame reads. */
static void pad_start(paritone_stream_t *stream) {
    const uint32_t padding = lead(stream->frontend);
    frontend_pad_start(stream->frontend->padding, stream->pcm, padding,
                       stream->pcm_count - padding);
    stream->started = 1;
}

size_t paritone_stream_push(paritone_stream_t *stream, const int16_t *pcm, size_t n, int *ready) {
    size_t taken = 0;
    *ready = 0;
    if (stream->ended) {
        return n;
    }
    while (taken < n && !*ready) {
        taken += take(stream, pcm + taken, n - taken);
        if (stream->pcm_count == stream->pcm_due) {
            if (!stream->started) {
                pad_start(stream);
            }
            *ready = add_column(stream);
        }
    }
    return taken;
}

/* No more samples come: what is held ends there. */
static void end(paritone_stream_t *stream) {
    const paritone_frontend_t *f = stream->frontend;
    const int empty = !stream->started && stream->pcm_count == lead(f);
    if (!stream->started && !empty) {
        pad_start(stream);
    }
    stream->end = f->padding == PARITONE_PADDING_NONE || empty ? 0u : stream->pcm_count;
    stream->ended = 1;
}

/* The next frame, if it is centred on a sample of the stream or on its end. */
static int add_padded_column(paritone_stream_t *stream) {
    const paritone_frontend_t *f = stream->frontend;
    const uint32_t window_end = before(f) + f->window_length;
    if (stream->pcm_count < window_end) {
        frontend_pad_end(f->padding, stream->pcm, stream->end, stream->pcm_count, window_end);
        stream->pcm_count = window_end;
    }
    stream->end -= (uint32_t)smaller(f->hop_length, stream->end);
    return add_column(stream);
}

/* Whether columns came after the last patch, with enough before them; then that is one more. */
static int last_patch(paritone_stream_t *stream) {
    const paritone_frontend_t *f = stream->frontend;
    const int after_last = stream->columns_due != f->patch_step;
    stream->columns_due = f->patch_step;
    return f->include_last_patch && after_last && stream->column_count == f->patch_length;
}

int paritone_stream_finish(paritone_stream_t *stream, int *ready) {
    if (stream == NULL || ready == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    if (!stream->ended) {
        end(stream);
    }
    *ready = 0;
    while (stream->end >= lead(stream->frontend) && !*ready) {
        *ready = add_padded_column(stream);
    }
    if (!*ready) {
        *ready = last_patch(stream);
    }
    return PARITONE_OK;
}
