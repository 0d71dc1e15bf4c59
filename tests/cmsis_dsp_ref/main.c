/*
 * Compares every kernel of the families in families.h: request.bin holds the number of vectors,
 * records.bin gets one record a kernel and library. Libraries: upstream's, ours, and with
 * WITH_MIXED upstream's kernels on instances that our init functions made.
 */
#include "comparison.h"
#include "families.h"
#include "semihosting.h"

#define DECLARE(family) extern const kernel_t genuine_##family[], ours_##family[], mixed_##family[];
FAMILIES(DECLARE)

#ifdef WITH_MIXED
#define ENTRY(family) {genuine_##family, {ours_##family, mixed_##family}},
#else
#define ENTRY(family) {genuine_##family, {ours_##family, NULL}},
#endif

static const struct {
    const kernel_t *genuine, *found[2];
} families[] = {FAMILIES(ENTRY)};

static void run_family(const kernel_t *genuine, const kernel_t *found, uint32_t side,
                       uint32_t count, int out) {
    for (uint32_t k = 0; genuine[k].name != NULL; k++) {
        static record_t record;
        compare(&genuine[k], &found[k], count, &record);
        record.side = side;
        file_write(out, &record, sizeof record);
    }
}

int main(void) {
    const int in = file_open("request.bin", MODE_READ), out = file_open("records.bin", MODE_WRITE);
    uint32_t count;
    if (file_read(in, &count, sizeof count) != sizeof count) {
        return 1;
    }
    for (uint32_t side = 0; side < 2u; side++) {
        for (uint32_t f = 0; f < sizeof families / sizeof families[0]; f++) {
            if (families[f].found[side] != NULL) {
                run_family(families[f].genuine, families[f].found[side], side, count, out);
            }
        }
    }
    return 0;
}
