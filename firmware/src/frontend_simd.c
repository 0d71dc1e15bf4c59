/* Stages that have inner blocks in assembly, by these where the core has them. */
#include "simd.h"

#include "frontend_fixed.h"
#include "frontend_stages.h"

#if PARITONE_SIMD
unsigned frontend_headroom(const int16_t *pcm, size_t n) {
    return frontend_headroom_c(pcm, n);
}

void frontend_copy(int16_t *to, const int16_t *from, size_t n) { frontend_copy_c(to, from, n); }

void frontend_mel_magnitude(const paritone_frontend_t *f, const uint32_t *magnitude,
                            uint64_t *mel) {
    frontend_mel_magnitude_c(f, magnitude, mel);
}

void frontend_codes(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                    uint8_t *column) {
    frontend_codes_c(f, mel, headroom, column);
}
#else
unsigned frontend_headroom(const int16_t *pcm, size_t n) { return frontend_headroom_c(pcm, n); }

void frontend_copy(int16_t *to, const int16_t *from, size_t n) {
    frontend_copy_c(to, from, n);
}

void frontend_mel_magnitude(const paritone_frontend_t *f, const uint32_t *magnitude,
                            uint64_t *mel) {
    frontend_mel_magnitude_c(f, magnitude, mel);
}

void frontend_codes(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                    uint8_t *column) {
    frontend_codes_c(f, mel, headroom, column);
}
#endif
