#include "frontend_stages.h"

/* mel_exponent >= 18: the generator sees to it */
uint32_t frontend_level(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom) {
    const unsigned shift = (unsigned)f->mel_exponent + headroom * f->power - 18u;
    uint64_t sum = 0;
    for (uint32_t j = 0; j < f->n_mels; j++) {
        sum += mel[j] >> 8; /* 256 bands below 2^62 */
    }
    const uint64_t level = sum >> shift;
    return level < UINT32_MAX ? (uint32_t)level : UINT32_MAX;
}
