/* What a stream's ring of columns holds: the last patch, and how loud it is. */
#include "paritone.h"

/* Rows of n values, one after the other, become columns of a matrix `length` wide: four at a
 * time. */
static void turn_bytes(const uint8_t *rows, uint32_t count, uint32_t n, uint8_t *out,
                       uint32_t length) {
    for (; count >= 4u; count -= 4u) {
        uint8_t *to = out;
        for (uint32_t j = 0; j < n; j++) {
            const uint8_t *from = rows + j;
            to[0] = from[0];
            to[1] = from[n];
            to[2] = from[2u * n];
            to[3] = from[3u * n];
            to += length;
        }
        rows += (size_t)4u * n;
        out += 4;
    }
    for (; count != 0u; count--) {
        for (uint32_t j = 0; j < n; j++) {
            out[(size_t)j * length] = *rows++;
        }
        out++;
    }
}

static void turn_floats(const float *rows, uint32_t count, uint32_t n, float *out,
                        uint32_t length) {
    for (; count != 0u; count--) {
        for (uint32_t j = 0; j < n; j++) {
            out[(size_t)j * length] = *rows++;
        }
        out++;
    }
}

/* `count` columns of the ring from place `first` on, as a patch's from column t on. */
static void turn(const paritone_stream_t *stream, uint32_t first, uint32_t count, void *patch,
                 uint32_t t) {
    const paritone_frontend_t *f = stream->frontend;
    const uint8_t *rows = stream->columns + (size_t)first * f->column_bytes;
    if (f->dtype == PARITONE_FLOAT32) {
        turn_floats((const float *)(const void *)rows, count, f->n_mels, (float *)patch + t,
                    f->patch_length);
    } else {
        turn_bytes(rows, count, f->n_mels, (uint8_t *)patch + t, f->patch_length);
    }
}

int paritone_stream_patch(const paritone_stream_t *stream, void *patch) {
    const uint32_t length = stream->frontend->patch_length, oldest = stream->column_next;
    if (patch == NULL || stream->column_count < length) {
        return PARITONE_E_ARGUMENT;
    }
    turn(stream, oldest, length - oldest, patch, 0);
    turn(stream, 0, oldest, patch, length - oldest);
    return PARITONE_OK;
}

uint64_t paritone_stream_level(const paritone_stream_t *stream) {
    const uint32_t length = stream->frontend->patch_length;
    uint64_t sum = 0;
    if (stream->levels != NULL && stream->column_count == length) {
        for (uint32_t t = 0; t < length; t++) {
            sum += stream->levels[t];
        }
    }
    return sum;
}

int paritone_stream_silent(const paritone_stream_t *stream) {
    return stream->column_count == stream->frontend->patch_length &&
           paritone_stream_level(stream) < stream->frontend->silence;
}
