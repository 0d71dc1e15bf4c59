#include "frontend_curves.h"
#include "frontend_stages.h"

size_t frontend_value_bytes(const paritone_frontend_t *f) {
    return f->dtype == PARITONE_FLOAT32 ? 4u : 1u;
}

void frontend_quantize(const paritone_frontend_t *f, const int32_t *log, void *column) {
    for (uint32_t j = 0; j < f->n_mels; j++) {
        if (f->dtype == PARITONE_FLOAT32) {
            ((float *)column)[j] = log_value(f, log[j]);
        } else {
            ((uint8_t *)column)[j] = (uint8_t)quantized(f, log[j]);
        }
    }
}

void frontend_codes_c(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                      uint8_t *column) {
    const unsigned shift = headroom * f->power;
    const int32_t first_octave = f->code_octave + (int32_t)shift;
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const binary_t v = binary_of(raised(mel[j], f->offset << shift, f->floor << shift));
        column[j] = code_at(f->codes[code_place(v, f->code_bits, first_octave)], v);
    }
}
