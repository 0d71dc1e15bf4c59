/*
 * Compares every kernel of one family: request.bin holds the number of vectors, records.bin gets
 * one record a kernel and library. Libraries: upstream's, ours, and with WITH_MIXED upstream's
 * kernels on instances that our init functions made.
 */
#include "comparison.h"
#include "semihosting.h"

extern const kernel_t genuine_kernels[], ours_kernels[], mixed_kernels[];

static const kernel_t *const found[] = {
    ours_kernels,
#ifdef WITH_MIXED
    mixed_kernels,
#endif
};

int main(void) {
    const int in = file_open("request.bin", MODE_READ), out = file_open("records.bin", MODE_WRITE);
    uint32_t count;
    if (file_read(in, &count, sizeof count) != sizeof count) {
        return 1;
    }
    for (uint32_t side = 0; side < sizeof found / sizeof found[0]; side++) {
        for (uint32_t k = 0; genuine_kernels[k].name != NULL; k++) {
            static record_t record;
            compare(&genuine_kernels[k], &found[side][k], count, &record);
            record.side = side;
            file_write(out, &record, sizeof record);
        }
    }
    return 0;
}
