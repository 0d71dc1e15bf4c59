/* What models_main.c runs. */
#ifndef MODELS_TABLE_H
#define MODELS_TABLE_H

#include "paritone_kernels.h"

typedef struct {
    const paritone_model_t *model;
    uint32_t runs;
} run_t;

extern const run_t models[];
extern const uint32_t n_models;
extern uint8_t memory[]; /* the largest arena, its alignment and a guard */

#endif
