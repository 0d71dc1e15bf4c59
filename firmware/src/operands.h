/* Where a step's operands lie. The planner has aligned float operands to their size. */
#ifndef PARITONE_OPERANDS_H
#define PARITONE_OPERANDS_H

#include "paritone_kernels.h"

static inline const void *input_of(const paritone_step_t *step, const uint8_t *arena, int index)
{
    return arena + step->input[index];
}

static inline void *output_of(const paritone_step_t *step, uint8_t *arena)
{
    return arena + step->output;
}

#endif
