/* The fused stages by their inner blocks in assembly, where the core has them. */
#include "frontend_fused.h"
#include "simd.h"

#if PARITONE_SIMD
void frontend_fused_first(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                          int32_t *out) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    frontend_fused_first_simd(tables->window, pcm, out, headroom, f->window_start / 2u,
                              f->n_fft / 8u, tables->fourth);
}

void frontend_fused_middle(const int32_t *twiddle, uint32_t row, uint32_t quarter,
                           uint32_t blocks, const int32_t *in, int32_t *out) {
    if (blocks == 4u) {
        frontend_fused_middle_4_simd(twiddle, quarter, in, out, 4u * row);
    } else {
        frontend_fused_middle_16_simd(twiddle, quarter, in, out, 4u * row);
    }
}

void frontend_fused_middle_far(const int32_t *twiddle, uint32_t row, uint32_t quarter,
                               uint32_t blocks, const int32_t *in, int32_t *out) {
    frontend_fused_middle_far_simd(twiddle, quarter, blocks, in, out, 4u * row);
}

void frontend_fused_last(uint32_t groups, const int32_t *in, int32_t *out) {
    frontend_fused_last_simd(groups, in, out);
}

void frontend_fused_magnitude(const paritone_frontend_t *f, const int32_t *z,
                              uint32_t *magnitude) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    const uint32_t points = f->n_fft / 2u, n = tables->n_pairs;
    const uint32_t k = tables->first_pair, mirror = points - k; /* of the first pair */
    const uint32_t end = (uint32_t)f->first_bin + f->n_bins;    /* bins in use end there */
    const uint32_t above = mirror < end ? 0u : mirror - end + 1u;
    const uint32_t single = above < n ? above : n; /* pairs whose second bin is not in use */
    const int32_t *low = z + 2u * k, *high = z + 2u * mirror;
    frontend_magnitude_low_simd(low, high, tables->split, tables->root, magnitude + k, single);
    frontend_magnitude_pairs_simd(low + 2u * single, high - 2u * single,
                                  tables->split + 3u * single, tables->root,
                                  magnitude + k + single, magnitude + mirror - single, n - single);
}
#else
void frontend_fused_first(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                          int32_t *out) {
    frontend_fused_first_c(f, pcm, headroom, out);
}

void frontend_fused_middle(const int32_t *twiddle, uint32_t row, uint32_t quarter,
                           uint32_t blocks, const int32_t *in, int32_t *out) {
    frontend_fused_middle_c(twiddle, row, quarter, blocks, in, out);
}

void frontend_fused_middle_far(const int32_t *twiddle, uint32_t row, uint32_t quarter,
                               uint32_t blocks, const int32_t *in, int32_t *out) {
    frontend_fused_middle_c(twiddle, row, quarter, blocks, in, out);
}

void frontend_fused_last(uint32_t groups, const int32_t *in, int32_t *out) {
    frontend_fused_last_c(groups, in, out);
}

void frontend_fused_magnitude(const paritone_frontend_t *f, const int32_t *z,
                              uint32_t *magnitude) {
    frontend_fused_magnitude_c(f, z, magnitude);
}
#endif
