/* Models one after another, each on its own inputs: files in, files out. The table of models and
   the memory come from the generated models_table.c. */
#include <string.h>

#include "models_table.h"
#include "semihosting.h"

enum { POISON = 0xA5, GUARD = 64, ALIGNMENT = 16 };

static int inputs, outputs;
static uint8_t *arena;

static int guarded(uint32_t arena_bytes) {
    for (uint32_t i = 0; i < GUARD; i++) {
        if (arena[arena_bytes + i] != POISON) {
            return 0;
        }
    }
    return 1;
}

/* Inputs in the model's order, then its outputs; 0 unless the engine ran within its arena. */
static int run(const paritone_model_t *model) {
    memset(arena, POISON, model->arena_bytes + GUARD);
    for (uint32_t i = 0; i < model->n_inputs; i++) {
        const size_t bytes = model->inputs[i].bytes;
        if (file_read(inputs, paritone_model_input(model, arena, i), bytes) != bytes) {
            return 0;
        }
    }
    if (paritone_model_invoke(model, &paritone_kernels_all, arena) != PARITONE_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < model->n_outputs; i++) {
        file_write(outputs, paritone_model_output(model, arena, i), model->outputs[i].bytes);
    }
    return guarded(model->arena_bytes);
}

int main(void) {
    arena = memory + (0u - (uint32_t)(uintptr_t)memory) % ALIGNMENT;
    inputs = file_open("inputs.bin", MODE_READ);
    outputs = file_open("outputs.bin", MODE_WRITE);
    for (uint32_t m = 0; m < n_models; m++) {
        for (uint32_t i = 0; i < models[m].runs; i++) {
            if (!run(models[m].model)) {
                return 1;
            }
        }
    }
    return 0;
}
