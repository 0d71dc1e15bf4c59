/*
 * PCM to magnitudes through arm_rfft_q31, stage after stage. Scratch, 12 n_fft bytes:
 * the FFT's input, where magnitudes or powers go in the end, and its output.
 */
#include "frontend_stages.h"

const void *paritone_transform_cmsis(const paritone_frontend_t *f, const int16_t *pcm,
                                     unsigned headroom, void *scratch, paritone_stage_t last) {
    const paritone_cmsis_tables_t *tables = f->transform_tables;
    int32_t *fft = scratch;
    int32_t *spectrum = fft + f->n_fft;
    const int32_t *bins = spectrum + 2u * f->first_bin;
    frontend_window(f, tables->window, pcm, headroom, fft);
    if (last == PARITONE_STAGE_WINDOW) {
        return fft;
    }
    frontend_spectrum(tables, f->n_fft, fft, spectrum);
    if (last == PARITONE_STAGE_SPECTRUM) {
        return bins;
    }
    if (f->power == 2u) {
        uint64_t *power = scratch;
        frontend_power(bins, f->n_bins, power);
        return power;
    }
    uint32_t *magnitude = scratch;
    frontend_magnitude(tables->root, bins, f->n_bins, magnitude);
    return magnitude;
}
