/*
 * Runs genuine CMSIS-DSP and ours side by side. vectors.bin holds requests: n_fft, inverse,
 * then n_fft + 2 words; results.bin gets 2 * n_fft words of each of: genuine with its own
 * tables, ours with ours, genuine with ours.
 */
#include <string.h>

#include "cmsis_dsp_ref.h" /* compiled with our functions renamed to ref_... */
#include "semihosting.h"
#include "tables.h"

/* Upstream's, by hand: their header and ours are not to be included together. */
#undef arm_rfft_q31
void arm_rfft_q31(const arm_rfft_instance_q31 *, q31_t *, q31_t *);
int arm_rfft_init_256_q31(arm_rfft_instance_q31 *, uint32_t, uint32_t);
int arm_rfft_init_512_q31(arm_rfft_instance_q31 *, uint32_t, uint32_t);
int arm_rfft_init_1024_q31(arm_rfft_instance_q31 *, uint32_t, uint32_t);
int arm_rfft_init_2048_q31(arm_rfft_instance_q31 *, uint32_t, uint32_t);
void ref_rfft_q31(const arm_rfft_instance_q31 *, q31_t *, q31_t *);

static arm_rfft_instance_q31 genuine(uint32_t n, uint32_t inverse) {
    arm_rfft_instance_q31 s;
    (void)(n == 256    ? arm_rfft_init_256_q31(&s, inverse, 1)
           : n == 512  ? arm_rfft_init_512_q31(&s, inverse, 1)
           : n == 1024 ? arm_rfft_init_1024_q31(&s, inverse, 1)
                       : arm_rfft_init_2048_q31(&s, inverse, 1));
    return s;
}

int main(void) {
    static q31_t input[2050], source[2050], out[4096];
    const int in = file_open("vectors.bin", MODE_READ), results = file_open("results.bin", MODE_WRITE);
    uint32_t request[2];
    while (file_read(in, request, sizeof request) == sizeof request) {
        const uint32_t n = request[0];
        const arm_rfft_instance_q31 upstream = genuine(n, request[1]);
        const arm_rfft_instance_q31 own = {n,          (uint8_t)request[1], 1, 1, split_a(n),
                                           split_b(n), cfft(n)};
        if (file_read(in, input, 4u * (n + 2u)) != 4u * (n + 2u)) {
            return 1;
        }
        for (int run = 0; run < 3; run++) {
            memcpy(source, input, sizeof input);
            memset(out, 0x5A, sizeof out);
            if (run == 1) {
                ref_rfft_q31(&own, source, out);
            } else {
                arm_rfft_q31(run == 0 ? &upstream : &own, source, out);
            }
            file_write(results, out, 8u * n);
        }
    }
    return 0;
}
