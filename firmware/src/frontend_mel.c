#include "frontend_stages.h"

void frontend_mel_magnitude(const paritone_frontend_t *f, const uint32_t *magnitude,
                            uint64_t *mel) {
    const uint32_t *weight = f->weights;
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const uint32_t *bin = &magnitude[f->band_start[j]];
        uint64_t sum = 0;
        for (uint32_t k = 0; k < f->band_length[j]; k++) {
            sum += (uint64_t)*weight++ * bin[k];
        }
        mel[j] = sum;
    }
}

/* floor(weight * power / 2^32), power <= 2^63 */
static uint64_t weigh(uint32_t weight, uint64_t power) {
    const uint64_t low = (uint64_t)weight * (uint32_t)power;
    return (uint64_t)weight * (power >> 32) + (low >> 32);
}

void frontend_mel_power(const paritone_frontend_t *f, const uint64_t *power, uint64_t *mel) {
    const uint32_t *weight = f->weights;
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const uint64_t *bin = &power[f->band_start[j]];
        uint64_t sum = 0;
        for (uint32_t k = 0; k < f->band_length[j]; k++) {
            sum += weigh(*weight++, bin[k]);
        }
        mel[j] = sum;
    }
}
