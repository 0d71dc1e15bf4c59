#include "frontend_curves.h"
#include "frontend_stages.h"

void paritone_log(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                  int32_t *log) {
    const unsigned shift = headroom * f->power;
    const int32_t *lines = f->log_lines;
    const int32_t one = lines[256] - lines[0], exponent = f->mel_exponent + (int32_t)shift;
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const binary_t v = binary_of(raised(mel[j], f->offset << shift, f->floor << shift));
        const uint32_t i = log_place(v);
        log[j] = log_between(lines[i], lines[i + 1u], one, v, exponent);
    }
}
