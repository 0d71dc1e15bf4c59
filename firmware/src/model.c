/* The runtime: walks the steps of a model, nothing else. */
#include "paritone.h"

int paritone_model_check(const paritone_model_t *model, const paritone_kernels_t *kernels)
{
    if (model == NULL || kernels == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    if (model->format != PARITONE_FORMAT) {
        return PARITONE_E_FORMAT;
    }
    for (uint32_t i = 0; i < model->n_steps; i++) {
        const unsigned kernel = (unsigned)model->steps[i].kernel;
        if (kernel >= PARITONE_KERNEL_COUNT || kernels->run[kernel] == NULL) {
            return PARITONE_E_KERNEL;
        }
    }
    return PARITONE_OK;
}

static int check_arena(const paritone_model_t *model, const void *arena)
{
    const uintptr_t misaligned = (uintptr_t)arena & (model->arena_align - 1U);
    return arena == NULL || misaligned != 0 ? PARITONE_E_ARGUMENT : PARITONE_OK;
}

static void run_step(const paritone_step_t *step, const paritone_kernels_t *kernels, void *arena)
{
    kernels->run[step->kernel](step, arena);
}

int paritone_model_invoke(const paritone_model_t *model, const paritone_kernels_t *kernels,
                          void *arena)
{
    int status = paritone_model_check(model, kernels);
    if (status == PARITONE_OK) {
        status = check_arena(model, arena);
    }
    for (uint32_t i = 0; status == PARITONE_OK && i < model->n_steps; i++) {
        run_step(&model->steps[i], kernels, arena);
    }
    return status;
}

int paritone_model_step(const paritone_model_t *model, const paritone_kernels_t *kernels,
                        void *arena, uint32_t step)
{
    int status = paritone_model_check(model, kernels);
    if (status == PARITONE_OK) {
        status = step < model->n_steps ? check_arena(model, arena) : PARITONE_E_ARGUMENT;
    }
    if (status == PARITONE_OK) {
        run_step(&model->steps[step], kernels, arena);
    }
    return status;
}

void *paritone_model_input(const paritone_model_t *model, void *arena, uint32_t index)
{
    if (model == NULL || arena == NULL || index >= model->n_inputs) {
        return NULL;
    }
    return (uint8_t *)arena + model->inputs[index].offset;
}

void *paritone_model_output(const paritone_model_t *model, void *arena, uint32_t index)
{
    if (model == NULL || arena == NULL || index >= model->n_outputs) {
        return NULL;
    }
    return (uint8_t *)arena + model->outputs[index].offset;
}
