/* FFTs of every length and both directions, with and without the output in natural order. */
#include "comparison.h"

/* Lengths' own init functions and the general one by turns; out of order in 1 of 4 vectors. */
static uint32_t general_init(uint32_t vector) { return vector / 5u % 2u; }
static uint32_t natural_order(uint32_t vector) { return mix(vector) % 4u != 0u; }

static uint32_t fill_cfft(uint32_t vector, void *input) {
    const uint32_t words = 2u * fft_length(vector);
    fill_q31(vector, 0, fft_kind(vector), words, input);
    return words * sizeof(q31_t);
}

/* The inverse reads a spectrum of n + 2 words. */
static uint32_t fill_rfft(uint32_t vector, void *input) {
    const uint32_t words = fft_length(vector) + 2u;
    fill_q31(vector, 0, fft_kind(vector), words, input);
    return words * sizeof(q31_t);
}

typedef arm_status cfft_init_t(arm_cfft_instance_q31 *);
typedef arm_status rfft_init_t(arm_rfft_instance_q31 *, uint32_t, uint32_t);

static cfft_init_t *const cfft_inits[] = {
    arm_cfft_init_32_q31,  arm_cfft_init_64_q31,   arm_cfft_init_128_q31,  arm_cfft_init_256_q31,
    arm_cfft_init_512_q31, arm_cfft_init_1024_q31, arm_cfft_init_2048_q31, arm_cfft_init_4096_q31};

static rfft_init_t *const rfft_inits[] = {
    arm_rfft_init_32_q31,  arm_rfft_init_64_q31,   arm_rfft_init_128_q31,  arm_rfft_init_256_q31,
    arm_rfft_init_512_q31, arm_rfft_init_1024_q31, arm_rfft_init_2048_q31, arm_rfft_init_4096_q31};

/* Place of a length in the arrays above. */
static uint32_t place(uint32_t n) {
    uint32_t i = 0;
    while (32u << i != n) {
        i++;
    }
    return i;
}

static uint32_t run_cfft(uint32_t v, void *input, void *output) {
    const uint32_t n = fft_length(v);
    arm_cfft_instance_q31 s;
    const arm_status status = general_init(v) != 0u ? arm_cfft_init_q31(&s, (uint16_t)n)
                                                    : cfft_inits[place(n)](&s);
    q31_t *const out = output;
    for (uint32_t i = 0; i < 2u * n; i++) {
        out[i] = ((const q31_t *)input)[i];
    }
    arm_cfft_q31(&s, out, (uint8_t)fft_inverse(v), (uint8_t)natural_order(v));
    out[2u * n] = status;
    return 2u * n + 1u;
}

static uint32_t run_rfft(uint32_t v, void *input, void *output) {
    const uint32_t n = fft_length(v), inverse = fft_inverse(v);
    const uint32_t order = natural_order(v), count = inverse != 0u ? n : 2u * n;
    arm_rfft_instance_q31 s;
    const arm_status status = general_init(v) != 0u
                                  ? arm_rfft_init_q31(&s, n, inverse, order)
                                  : rfft_inits[place(n)](&s, inverse, order);
    arm_rfft_q31(&s, input, output);
    ((q31_t *)output)[count] = status;
    return count + 1u;
}

const kernel_t KERNELS[] = {
    {"arm_cfft_q31", 4, fill_cfft, run_cfft},
    {"arm_rfft_q31", 4, fill_rfft, run_rfft},
    {0, 0, 0, 0},
};
