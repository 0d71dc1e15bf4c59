#include "frontend_fixed.h"
#include "frontend_stages.h"

unsigned frontend_headroom(const int16_t *pcm, size_t n) {
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits |= ones_magnitude(pcm[i]);
    }
    return clz32(bits) - 17u; /* bits < 2^15: 17 zeros at least */
}

/* floor(sample * 2^headroom * weight / 2^15); the shifted sample is an int16 */
static int32_t weigh(int16_t sample, unsigned headroom, int32_t weight) {
    return (int32_t)(((int64_t)shift_up32(sample, headroom) * weight) >> 15);
}

void frontend_window(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                     int32_t *fft) {
    const uint32_t end = (uint32_t)f->window_start + f->window_length;
    for (uint32_t i = 0; i < f->window_start; i++) {
        fft[i] = 0;
    }
    for (uint32_t i = 0; i < f->window_length; i++) {
        fft[f->window_start + i] = weigh(pcm[i], headroom, f->window[i]);
    }
    for (uint32_t i = end; i < f->n_fft; i++) {
        fft[i] = 0;
    }
}
