/* The model's input from mel sums, LANES frames in lockstep, band by band. */
#include <string.h>

#include "frontend_curves.h"
#include "frontend_lanes.h"

typedef struct {
    words_t mantissa, octave;
} binaries_t;

static inline binary_t lane(const binaries_t *v, size_t i) {
    const binary_t binary = {v->mantissa.lane[i], (int32_t)v->octave.lane[i]};
    return binary;
}

static inline binaries_t split(const sums_t *mel, const shifted_t *s) {
    binaries_t v;
    vector_t octave;
    vector_store(v.mantissa.lane,
                 vector_binary(mel->lane, s->offset.lane, s->floor.lane, &octave));
    vector_store(v.octave.lane, octave);
    return v;
}

static inline words_t look_up(const uint32_t *table, const words_t *place) {
    words_t found;
    vector_store(found.lane, vector_look_up(table, vector_load(place->lane)));
    return found;
}

void lanes_shift(const paritone_frontend_t *f, const words_t *headroom, shifted_t *shifted) {
    for (size_t i = 0; i < LANES; i++) {
        const unsigned shift = headroom->lane[i] * f->power;
        shifted->shift.lane[i] = shift;
        shifted->offset.lane[i] = f->offset << shift;
        shifted->floor.lane[i] = f->floor << shift;
    }
}

static void codes(const paritone_frontend_t *f, const sums_t *mel, const shifted_t *s,
                  uint8_t code[LANES]) {
    const binaries_t v = split(mel, s);
    words_t word, first;
    for (size_t i = 0; i < LANES; i++) {
        word.lane[i] = code_word(lane(&v, i), f->code_octave + (int32_t)s->shift.lane[i]);
        first.lane[i] = f->codes[code_place(word.lane[i], f->code_bits)];
    }
    const words_t end = look_up(f->code_ends, &first);
    for (size_t i = 0; i < LANES; i++) {
        code[i] = code_at((uint8_t)first.lane[i], end.lane[i], word.lane[i]);
    }
}

static void logarithms(const paritone_frontend_t *f, const sums_t *mel, const shifted_t *s,
                       int32_t log[LANES]) {
    const int32_t one = f->log_lines[256] - f->log_lines[0];
    const uint32_t *lines = (const uint32_t *)f->log_lines; /* as they are, whatever the sign */
    const binaries_t v = split(mel, s);
    words_t place;
    for (size_t i = 0; i < LANES; i++) {
        place.lane[i] = log_place(lane(&v, i));
    }
    const words_t low = look_up(lines, &place), high = look_up(lines + 1, &place);
    for (size_t i = 0; i < LANES; i++) {
        const int32_t exponent = f->mel_exponent + (int32_t)s->shift.lane[i];
        log[i] = log_between((int32_t)low.lane[i], (int32_t)high.lane[i], one, lane(&v, i),
                             exponent);
    }
}

void lanes_input(const paritone_frontend_t *f, const sums_t *mel, const shifted_t *shifted,
                 size_t n, void *values) {
    uint8_t code[LANES];
    float value[LANES];
    int32_t log[LANES];
    if (f->codes != NULL) {
        codes(f, mel, shifted, code);
        memcpy(values, code, n);
        return;
    }
    logarithms(f, mel, shifted, log);
    if (f->dtype == PARITONE_FLOAT32) {
        for (size_t i = 0; i < LANES; i++) {
            value[i] = log_value(f, log[i]);
        }
        memcpy(values, value, n * sizeof *value);
    } else {
        for (size_t i = 0; i < LANES; i++) {
            code[i] = (uint8_t)quantized(f, log[i]);
        }
        memcpy(values, code, n);
    }
}
