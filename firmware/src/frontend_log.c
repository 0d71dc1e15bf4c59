#include "frontend_fixed.h"
#include "frontend_stages.h"

/* Logarithm of v = 1.f * 2^e, f cut to 23 bits: a line through each 1/256 of f. Rises with
 * v, across octaves too: the table's last entry is its first plus that of 2. */
static int32_t log_of(const int32_t *table, uint64_t v, int32_t exponent) {
    const unsigned zeros = clz64(v);
    const uint32_t mantissa = (uint32_t)((v << zeros) >> 32);
    const uint32_t i = (mantissa >> 23) & 0xffu;
    const uint32_t rise = (uint32_t)(table[i + 1u] - table[i]); /* < 2^17 */
    const uint32_t part = (mantissa >> 8) & 0x7fffu;
    const int32_t octaves = 63 - (int32_t)zeros - exponent;
    return table[i] + (int32_t)((rise * part) >> 15) + octaves * (table[256] - table[0]);
}

void frontend_log(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                  int32_t *log) {
    const unsigned shift = headroom * f->power;
    const uint64_t offset = f->offset << shift, floor = f->floor << shift; /* < 2^63 */
    for (uint32_t j = 0; j < f->n_mels; j++) {
        const uint64_t v = mel[j] + offset;
        log[j] = log_of(f->log_lines, v < floor ? floor : v, f->mel_exponent + (int32_t)shift);
    }
}
