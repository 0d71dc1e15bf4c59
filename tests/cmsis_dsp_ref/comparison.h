/*
 * Two libraries with the same functions, compared word for word in one image.
 *
 * A file cases_<family>.c describes kernels once, calling them by upstream's names, and is
 * compiled once per library; KERNELS, a name given on the command line, keeps the arrays apart.
 */
#ifndef COMPARISON_H
#define COMPARISON_H

#include <stdint.h>
#include <string.h>

#include "cmsis_dsp_ref.h"
#include "vectors.h"

enum { BUFFER_BYTES = 1 << 16, GUARD_BYTES = 16 };

typedef struct {
    const char *name;
    uint32_t bytes;                                              /* an output's: 2, 4 or 8 */
    uint32_t (*fill)(uint32_t vector, void *input);              /* returns bytes of input */
    uint32_t (*run)(uint32_t vector, void *input, void *output); /* returns count of outputs */
} kernel_t;

/* One kernel of one library against the first library's; as numpy reads it. */
typedef struct {
    char name[32];
    uint32_t side, vectors, outputs, wrong_vectors, wrong_outputs;
    uint32_t largest;                   /* difference, at most 2^32 - 1 */
    uint32_t first_vector, first_index; /* of a difference; an index past the outputs: guard */
    int64_t expected, found;            /* there */
    uint32_t digest_expected, digest_found;
} record_t;

/* Odd vectors run in place: where a kernel writes, and how that gets to the outputs. */
static inline void *destination(uint32_t vector, void *input, void *output) {
    return vector % 2u != 0u ? input : output;
}

static inline void deliver(const void *destination, void *output, uint32_t bytes) {
    memmove(output, destination, bytes);
}

/* Runs vectors 0 .. count - 1 of one kernel of the libraries `expected` and `found`. */
void compare(const kernel_t *expected, const kernel_t *found, uint32_t count, record_t *record);

#endif
