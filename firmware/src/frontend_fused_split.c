/* The fused transform's last step in portable C: real spectrum and magnitude, pair by pair. */
#include "frontend_fused.h"
#include "frontend_points.h"
#include "frontend_root.h"

/* Bins k and M - k: the tables of the second are those of the first, a's conjugate. */
typedef struct {
    uint32_t k, mirror;
    point_t bin, mirror_bin;
} pair_t;

static pair_t split_pair(const paritone_frontend_t *f, const int32_t *z, uint32_t i) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    const int32_t *split = &tables->split[3u * i];
    const uint32_t k = tables->first_pair + i, mirror = f->n_fft / 2u - k;
    const point_t p = {z[2u * k], z[2u * k + 1u]};
    const point_t m = {z[2u * mirror], z[2u * mirror + 1u]};
    const point_t a = {split[0], split[1]}, conjugate = {split[0], -split[1]};
    const pair_t pair = {k, mirror, split_point(p, m, a, split[2]),
                         split_point(m, p, conjugate, split[2])};
    return pair;
}

void frontend_fused_magnitude_c(const paritone_frontend_t *f, const int32_t *z,
                              uint32_t *magnitude) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    for (uint32_t i = 0; i < tables->n_pairs; i++) {
        const pair_t pair = split_pair(f, z, i);
        magnitude[pair.k] = magnitude_of(tables->root, pair.bin.re, pair.bin.im);
        magnitude[pair.mirror] =
            magnitude_of(tables->root, pair.mirror_bin.re, pair.mirror_bin.im);
    }
}

void frontend_fused_spectrum(const paritone_frontend_t *f, const int32_t *z, int32_t *spectrum) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    for (uint32_t i = 0; i < tables->n_pairs; i++) {
        const pair_t pair = split_pair(f, z, i);
        spectrum[2u * pair.k] = pair.bin.re;
        spectrum[2u * pair.k + 1u] = pair.bin.im;
        spectrum[2u * pair.mirror] = pair.mirror_bin.re;
        spectrum[2u * pair.mirror + 1u] = pair.mirror_bin.im;
    }
}
