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

void frontend_input(const paritone_frontend_t *f, const int32_t *log, void *column) {
    for (uint32_t j = 0; j < f->n_mels; j++) {
        if (f->dtype == PARITONE_INT8) {
            ((int8_t *)column)[j] = (int8_t)clip(quantize(f, log[j]), INT8_MIN, INT8_MAX);
        } else if (f->dtype == PARITONE_UINT8) {
            ((uint8_t *)column)[j] = (uint8_t)clip(quantize(f, log[j]), 0, UINT8_MAX);
        } else {
            ((float *)column)[j] = (float)log[j] * (1.0f / 16777216.0f);
        }
    }
}
