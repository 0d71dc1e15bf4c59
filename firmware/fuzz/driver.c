/* Without libFuzzer: BYTES of input in all, SEED; random records, and mutations of what came before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES 600u /* eight records at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

/* xorshift64 */
static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

/* One record of fuzz_link.c: mostly a request of a known type with a length that one has. */
static size_t invent_record(uint8_t *record)
{
    static const uint8_t lengths[] = {0, 4, 8};
    const size_t payload = draw(4) != 0 ? lengths[draw(sizeof lengths)] : draw(60);
    const size_t size = 4 + payload;

    for (size_t i = 1; i <= size; i++) {
        /* Numbers are small, mostly: of their four bytes the first. */
        record[i] = (uint8_t)(draw(16) == 0 ? draw(256) : i % 4 == 1 ? draw(32) : 0);
    }
    record[0] = (uint8_t)(2 * size + (draw(8) == 0));
    record[1] = (uint8_t)(draw(16) == 0 ? draw(256) : 1 + draw(12));
    record[2] = (uint8_t)draw(7);
    return 1 + size;
}

static size_t invent(uint8_t *input)
{
    size_t size = 0;

    for (uint32_t n = 1 + draw(8); n > 0; n--) {
        size += invent_record(input + size);
    }
    return size;
}

static size_t mutate(uint8_t *input, size_t size)
{
    for (uint32_t n = 1u + draw(8); n > 0; n--) {
        input[draw((uint32_t)size)] ^= (uint8_t)(1u << draw(8));
    }
    return draw(3) == 0 ? 1u + draw((uint32_t)size) : size;
}

int main(int count, char **arguments)
{
    static uint8_t input[INPUT_BYTES + 1];
    uint64_t left, inputs = 0;
    size_t size = 0;

    if (count != 3) {
        fprintf(stderr, "usage: %s BYTES SEED\n", arguments[0]);
        return 2;
    }
    left = strtoull(arguments[1], NULL, 10);
    state = strtoull(arguments[2], NULL, 10) * 2u + 1u;
    while (left > 0) {
        size = size == 0 || draw(2) == 0 ? invent(input) : mutate(input, size);
        uint8_t *exact = malloc(size); /* so that a read beyond it is found */
        if (exact == NULL) {
            return 1;
        }
        memcpy(exact, input, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        left -= size < left ? size : left;
        inputs++;
    }
    printf("%" PRIu64 " inputs, a hello answered after every one\n", inputs);
    return 0;
}
