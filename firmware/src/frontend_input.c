#include "frontend_curves.h"
#include "frontend_stages.h"

size_t frontend_value_bytes(const paritone_frontend_t *f) {
    return f->dtype == PARITONE_FLOAT32 ? 4u : 1u;
}

static void quantize(const paritone_frontend_t *f, const int32_t *log, void *column) {
    for (uint32_t j = 0; j < f->n_mels; j++) {
        if (f->dtype == PARITONE_FLOAT32) {
            ((float *)column)[j] = log_value(f, log[j]);
        } else {
            ((uint8_t *)column)[j] = (uint8_t)quantized(f, log[j]);
        }
    }
}

void paritone_input_log(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                        int32_t *scratch, void *column) {
    paritone_log(f, mel, headroom, scratch);
    quantize(f, scratch, column);
}

void paritone_input_codes(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                          int32_t *scratch, void *column) {
    (void)scratch;
    frontend_codes_c(f, mel, headroom, column);
}

void paritone_input_codes_wide(const paritone_frontend_t *f, const uint64_t *mel,
                               unsigned headroom, int32_t *scratch, void *column) {
    (void)scratch;
    frontend_codes_wide(f, mel, headroom, column);
}

void frontend_codes_c(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                      uint8_t *column) {
    const unsigned shift = headroom * f->power;
    const int32_t first_octave = f->code_octave + (int32_t)shift;
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const binary_t v = binary_of(raised(mel[j], f->offset << shift, f->floor << shift));
        const uint32_t word = code_word(v, first_octave);
        const uint8_t code = f->codes[code_place(word, f->code_bits)];
        column[j] = code_at(code, f->code_ends[code], word);
    }
}
