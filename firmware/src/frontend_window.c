#include "frontend_fixed.h"
#include "frontend_stages.h"

unsigned frontend_headroom_c(const int16_t *pcm, size_t n) {
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits |= ones_magnitude(pcm[i]);
    }
    return clz32(bits) - 17u; /* bits < 2^15: 17 zeros at least */
}

/* floor(weight * sample / 2^16): |.| <= 2^30, and so small that headroom + 1 bits fit above */
static int32_t weigh(int32_t weight, int16_t sample) {
    return (int32_t)(((int64_t)weight * sample) >> 16);
}

void frontend_window(const paritone_frontend_t *f, const int32_t *window, const int16_t *pcm,
                     unsigned headroom, int32_t *fft) {
    const uint32_t end = (uint32_t)f->window_start + f->window_length;
    for (uint32_t i = 0; i < f->window_start; i++) {
        fft[i] = 0;
    }
    for (uint32_t i = 0; i < f->window_length; i++) {
        fft[f->window_start + i] = shift_up32(weigh(window[i], pcm[i]), headroom + 1u);
    }
    for (uint32_t i = end; i < f->n_fft; i++) {
        fft[i] = 0;
    }
}
