/* FFTs of every length and both directions, with and without the output in natural order.
 * The last outputs are what the init functions return, of this length and of one that is none. */
#include "comparison.h"

/* Lengths' own init functions and the general one by turns; out of order in 1 of 4 vectors. */
static uint32_t general_init(uint32_t vector) { return vector / 5u % 2u; }
static uint32_t natural_order(uint32_t vector) { return mix(vector) % 4u != 0u; }

/* Complex transforms start at 16 points, which a part of those of 32 become. */
static uint32_t cfft_length(uint32_t vector) {
    const uint32_t n = fft_length(vector);
    return n == 32u && mix(vector) % 8u == 0u ? 16u : n;
}

static uint32_t fill_cfft(uint32_t vector, void *input) {
    const uint32_t words = 2u * cfft_length(vector);
    fill_q15(vector, 0, fft_kind(vector), words, input);
    return words * sizeof(q15_t);
}

/* The inverse reads a spectrum of n + 2 words. */
static uint32_t fill_rfft(uint32_t vector, void *input) {
    const uint32_t words = fft_length(vector) + 2u;
    fill_q15(vector, 0, fft_kind(vector), words, input);
    return words * sizeof(q15_t);
}

typedef arm_status cfft_init_t(arm_cfft_instance_q15 *);
typedef arm_status rfft_init_t(arm_rfft_instance_q15 *, uint32_t, uint32_t);

static cfft_init_t *const cfft_inits[] = {
    arm_cfft_init_16_q15,   arm_cfft_init_32_q15,   arm_cfft_init_64_q15,
    arm_cfft_init_128_q15,  arm_cfft_init_256_q15,  arm_cfft_init_512_q15,
    arm_cfft_init_1024_q15, arm_cfft_init_2048_q15, arm_cfft_init_4096_q15};

static rfft_init_t *const rfft_inits[] = {
    arm_rfft_init_32_q15,  arm_rfft_init_64_q15,   arm_rfft_init_128_q15,  arm_rfft_init_256_q15,
    arm_rfft_init_512_q15, arm_rfft_init_1024_q15, arm_rfft_init_2048_q15, arm_rfft_init_4096_q15};

/* Place of a length in an array above that starts with `first`. */
static uint32_t place(uint32_t n, uint32_t first) {
    uint32_t i = 0;
    while (first << i != n) {
        i++;
    }
    return i;
}

static uint32_t run_cfft(uint32_t v, void *input, void *output) {
    const uint32_t n = cfft_length(v);
    arm_cfft_instance_q15 s, unusable;
    const arm_status status = general_init(v) != 0u ? arm_cfft_init_q15(&s, (uint16_t)n)
                                                    : cfft_inits[place(n, 16)](&s);
    q15_t *const out = output;
    for (uint32_t i = 0; i < 2u * n; i++) {
        out[i] = ((const q15_t *)input)[i];
    }
    arm_cfft_q15(&s, out, (uint8_t)fft_inverse(v), (uint8_t)natural_order(v));
    out[2u * n] = (q15_t)status;
    out[2u * n + 1u] = (q15_t)arm_cfft_init_q15(&unusable, (uint16_t)(n + v % 3u + 1u));
    return 2u * n + 2u;
}

static uint32_t run_rfft(uint32_t v, void *input, void *output) {
    const uint32_t n = fft_length(v), inverse = fft_inverse(v);
    const uint32_t order = natural_order(v), count = inverse != 0u ? n : 2u * n;
    arm_rfft_instance_q15 s, unusable;
    q15_t *const out = output;
    const arm_status status = general_init(v) != 0u
                                  ? arm_rfft_init_q15(&s, n, inverse, order)
                                  : rfft_inits[place(n, 32)](&s, inverse, order);
    arm_rfft_q15(&s, input, output);
    out[count] = (q15_t)status;
    out[count + 1u] = (q15_t)arm_rfft_init_q15(&unusable, n + v % 3u + 1u, inverse, order);
    return count + 2u;
}

const kernel_t KERNELS[] = {
    {"arm_cfft_q15", 2, fill_cfft, run_cfft},
    {"arm_rfft_q15", 2, fill_rfft, run_rfft},
    {0, 0, 0, 0},
};
