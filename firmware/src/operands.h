/* Where a step's operands lie. The planner has aligned float operands to their size. */
#ifndef PARITONE_OPERANDS_H
#define PARITONE_OPERANDS_H

#include "paritone_kernels.h"

/* Offset of row `y` of a tensor, of which the last `place.rows` rows are there, or all. */
static inline uint32_t row_offset(paritone_place_t place, int32_t y, uint32_t row_bytes)
{
    const uint32_t row = (uint32_t)y < place.rows ? (uint32_t)y : (uint32_t)y % place.rows;
    return place.offset + row * row_bytes;
}

static inline const void *row_of(paritone_place_t place, int32_t y, uint32_t row_bytes,
                                 const uint8_t *arena)
{
    return arena + row_offset(place, y, row_bytes);
}

/* Row `y` of the output; those that one call writes lie behind each other. */
static inline void *output_row(const paritone_step_t *step, int32_t y, uint8_t *arena)
{
    return arena + row_offset(step->output, y, step->row_bytes);
}

/* First byte of a tensor that is there as a whole. */
static inline const void *input_of(const paritone_step_t *step, const uint8_t *arena, int index)
{
    return arena + step->input[index].offset;
}

static inline void *output_of(const paritone_step_t *step, uint8_t *arena)
{
    return arena + step->output.offset;
}

static inline void *scratch_of(const paritone_step_t *step, uint8_t *arena)
{
    return arena + step->scratch;
}

#endif
