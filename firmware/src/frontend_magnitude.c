#include "frontend_root.h"
#include "frontend_stages.h"

void frontend_magnitude(const uint32_t *table, const int32_t *spectrum, size_t n,
                        uint32_t *magnitude) {
    for (size_t k = 0; k < n; k++) {
        magnitude[k] = magnitude_of(table, spectrum[2u * k], spectrum[2u * k + 1u]);
    }
}

void frontend_power(const int32_t *spectrum, size_t n, uint64_t *power) {
    for (size_t k = 0; k < n; k++) {
        const int64_t re = spectrum[2u * k], im = spectrum[2u * k + 1u];
        power[k] = (uint64_t)(re * re) + (uint64_t)(im * im);
    }
}
