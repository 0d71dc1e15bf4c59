/* Stages that have inner blocks in assembly, by these where the core has them. */
#include "simd.h"

#include "frontend_fixed.h"
#include "frontend_stages.h"

#if PARITONE_SIMD
unsigned frontend_headroom(const int16_t *pcm, size_t n) {
    uint32_t bits = 0;
    if (n != 0u && ((uintptr_t)pcm & 2u) != 0u) {
        bits = sign_changes(*pcm++);
        n--;
    }
    const uint32_t pairs = frontend_sign_bits_simd(pcm, n / 2u);
    bits |= pairs | pairs >> 16;
    if ((n & 1u) != 0u) {
        bits |= sign_changes(pcm[n - 1u]);
    }
    return clz32((bits | 1u) << 16); /* bit 0 says nothing */
}

void frontend_copy(int16_t *to, const int16_t *from, size_t n) {
    frontend_copy_simd(to, from, n);
}

void frontend_mel_magnitude(const paritone_frontend_t *f, const uint32_t *magnitude,
                            uint64_t *mel) {
    frontend_mel_segments_simd(f->segment_length, f->rise, magnitude, mel, f->n_mels,
                               (uint32_t)1 << f->rise_bits);
}

void frontend_codes_wide(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                         uint8_t *column) {
    const unsigned shift = headroom * f->power;
    const uint32_t octave = (uint32_t)(62 - f->code_octave) - shift; /* of the least sum */
    frontend_codes_simd(f->codes, mel, column, f->n_mels, f->offset << shift, octave << 23,
                        23u - f->code_bits, f->code_ends);
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

void frontend_codes_wide(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                         uint8_t *column) {
    frontend_codes_c(f, mel, headroom, column);
}
#endif
