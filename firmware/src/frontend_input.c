#include "frontend_fixed.h"
#include "frontend_stages.h"

size_t frontend_value_bytes(const paritone_frontend_t *f) {
    return f->dtype == PARITONE_FLOAT32 ? 4u : 1u;
}

static int64_t clip(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* floor(log * multiplier / 2^shift + 1/2) + zero point; |log|, multiplier < 2^31 */
static int64_t quantize(const paritone_frontend_t *f, int32_t log) {
    const int64_t half = (int64_t)1 << (f->input_shift - 1);
    const int64_t scaled = ((int64_t)log * f->input_multiplier + half) >> f->input_shift;
    return scaled + f->input_zero_point;
}

void frontend_quantize(const paritone_frontend_t *f, const int32_t *log, void *column) {
    const float one = 1.0f / (float)((uint32_t)1 << f->log_bits); /* a power of two: exact */
    for (uint32_t j = 0; j < f->n_mels; j++) {
        if (f->dtype == PARITONE_INT8) {
            ((int8_t *)column)[j] = (int8_t)clip(quantize(f, log[j]), INT8_MIN, INT8_MAX);
        } else if (f->dtype == PARITONE_UINT8) {
            ((uint8_t *)column)[j] = (uint8_t)clip(quantize(f, log[j]), 0, UINT8_MAX);
        } else {
            ((float *)column)[j] = (float)log[j] * one;
        }
    }
}

/* The code of v: its octave and the first bits of its mantissa choose a cell, in which the
 * code steps up once at most: at a mantissa (24 bits) of word >> 8, from its low byte. A
 * cell without a step has threshold 0 and the code before. */
static uint8_t code_of(const uint32_t *codes, unsigned bits, int32_t first_octave, uint64_t v) {
    const unsigned zeros = clz64(v);
    const uint32_t mantissa = (uint32_t)((v << zeros) >> 32);
    const uint32_t octave = (uint32_t)(63 - (int32_t)zeros - first_octave);
    const uint32_t place = (mantissa << 1) >> 1 >> (31u - bits); /* below the leading one */
    const uint32_t word = codes[(octave << bits) + place];
    return (uint8_t)(word + (mantissa >> 8 >= word >> 8 ? 1u : 0u));
}

void frontend_codes_c(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                      uint8_t *column) {
    const unsigned shift = headroom * f->power;
    const uint64_t offset = f->offset << shift, floor = f->floor << shift; /* < 2^63 */
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const uint64_t v = mel[j] + offset;
        column[j] = code_of(f->codes, f->code_bits, f->code_octave + (int32_t)shift,
                            v < floor ? floor : v);
    }
}
