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

/* Each frame's sum with offset and floor, the headroom's shift applied to them. */
static inline void split(const paritone_frontend_t *f, const sums_t *mel, const words_t *headroom,
                         binaries_t *v) {
    for (size_t i = 0; i < LANES; i++) {
        const unsigned shift = headroom->lane[i] * f->power;
        const uint64_t offset = f->offset << shift, floor = f->floor << shift;
        const binary_t binary = binary_of(raised(mel->lane[i], offset, floor));
        v->mantissa.lane[i] = binary.mantissa;
        v->octave.lane[i] = (uint32_t)binary.octave;
    }
}

static void codes(const paritone_frontend_t *f, const sums_t *mel, const words_t *headroom,
                  uint8_t code[LANES]) {
    binaries_t v;
    words_t place, word;
    split(f, mel, headroom, &v);
    for (size_t i = 0; i < LANES; i++) {
        const int32_t shift = (int32_t)(headroom->lane[i] * f->power);
        place.lane[i] = code_place(lane(&v, i), f->code_bits, f->code_octave + shift);
    }
    lanes_look_up(f->codes, place.lane, LANES, word.lane);
    for (size_t i = 0; i < LANES; i++) {
        code[i] = code_at(word.lane[i], lane(&v, i));
    }
}

static void logarithms(const paritone_frontend_t *f, const sums_t *mel, const words_t *headroom,
                       int32_t log[LANES]) {
    const int32_t one = f->log_lines[256] - f->log_lines[0];
    const uint32_t *lines = (const uint32_t *)f->log_lines; /* as they are, whatever the sign */
    binaries_t v;
    words_t place, low, high;
    split(f, mel, headroom, &v);
    for (size_t i = 0; i < LANES; i++) {
        place.lane[i] = log_place(lane(&v, i));
    }
    lanes_look_up(lines, place.lane, LANES, low.lane);
    lanes_look_up(lines + 1, place.lane, LANES, high.lane);
    for (size_t i = 0; i < LANES; i++) {
        const int32_t exponent = f->mel_exponent + (int32_t)(headroom->lane[i] * f->power);
        log[i] = log_between((int32_t)low.lane[i], (int32_t)high.lane[i], one, lane(&v, i), exponent);
    }
}

void lanes_input(const paritone_frontend_t *f, const sums_t *mel, const words_t *headroom,
                 size_t n, void *values) {
    uint8_t code[LANES];
    float value[LANES];
    int32_t log[LANES];
    if (f->codes != NULL) {
        codes(f, mel, headroom, code);
        memcpy(values, code, n);
        return;
    }
    logarithms(f, mel, headroom, log);
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
