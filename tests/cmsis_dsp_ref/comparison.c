#include "comparison.h"

/* Buffers of the widest element's alignment; the guard lies behind the outputs. */
static int64_t input[BUFFER_BYTES / 8], copy[BUFFER_BYTES / 8];
static int64_t outputs[2][(BUFFER_BYTES + GUARD_BYTES) / 8];

#define POISON 0x5A5A5A5A5A5A5A5A

/* The first `bytes` of both outputs and the guard behind them. */
static void poison(uint32_t bytes) {
    for (uint32_t i = 0; i < (bytes + 7u + GUARD_BYTES) / 8u; i++) {
        outputs[0][i] = POISON;
        outputs[1][i] = POISON;
    }
}

static uint32_t run(const kernel_t *kernel, uint32_t vector, uint32_t bytes, int64_t *output) {
    memcpy(copy, input, bytes);
    return kernel->run(vector, copy, output);
}

static int64_t element(const int64_t *buffer, uint32_t bytes, uint32_t i) {
    switch (bytes) {
    case 2:
        return ((const int16_t *)(const void *)buffer)[i];
    case 4:
        return ((const int32_t *)(const void *)buffer)[i];
    default:
        return buffer[i];
    }
}

static uint32_t digest(uint32_t sum, int64_t value) {
    sum = (sum ^ (uint32_t)value) * GOLDEN;
    sum = (sum ^ sum >> 15) + (uint32_t)((uint64_t)value >> 32);
    return sum;
}

static void note(record_t *r, uint32_t vector, uint32_t i, int64_t expected, int64_t found) {
    const uint64_t apart = expected > found ? (uint64_t)expected - (uint64_t)found
                                            : (uint64_t)found - (uint64_t)expected;
    if (r->wrong_outputs == 0u) {
        r->first_vector = vector;
        r->first_index = i;
        r->expected = expected;
        r->found = found;
    }
    r->wrong_outputs++;
    if (apart > r->largest) {
        r->largest = apart > UINT32_MAX ? UINT32_MAX : (uint32_t)apart;
    }
}

static void compare_outputs(record_t *r, uint32_t vector, uint32_t bytes, uint32_t count,
                            uint32_t found_count) {
    const uint32_t before = r->wrong_outputs;
    const uint32_t guard = found_count == count ? GUARD_BYTES / bytes : 0u;
    for (uint32_t i = 0; i < count + guard; i++) {
        const int64_t a = element(outputs[0], bytes, i), b = element(outputs[1], bytes, i);
        if (a != b) {
            note(r, vector, i, a, b);
        }
        r->digest_expected = digest(r->digest_expected, a);
        r->digest_found = digest(r->digest_found, b);
    }
    if (found_count != count) {
        note(r, vector, UINT32_MAX, count, found_count);
    }
    r->outputs += count;
    r->wrong_vectors += r->wrong_outputs != before;
}

void compare(const kernel_t *expected, const kernel_t *found, uint32_t count, record_t *record) {
    memset(record, 0, sizeof *record);
    poison(BUFFER_BYTES - 8u);
    strncpy(record->name, expected->name, sizeof record->name - 1u);
    for (uint32_t vector = 0; vector < count; vector++) {
        const uint32_t bytes = expected->fill(vector, input);
        const uint32_t n = run(expected, vector, bytes, outputs[0]);
        const uint32_t m = run(found, vector, bytes, outputs[1]);
        compare_outputs(record, vector, expected->bytes, n, m);
        poison((n > m ? n : m) * expected->bytes);
        record->vectors++;
    }
}
