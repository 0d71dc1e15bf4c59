/* The runtime: walks the calls of a model, nothing else. */
#include "operands.h"

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

static const paritone_step_t *step_of(const paritone_model_t *model, const paritone_call_t *call)
{
    return &model->steps[call->step_and_rows / PARITONE_CALL_ROWS];
}

static uint32_t rows_of(const paritone_step_t *step, const paritone_call_t *call)
{
    const uint32_t rows = call->step_and_rows % PARITONE_CALL_ROWS;
    return rows != 0 ? rows : (uint32_t)step->height - call->first_row;
}

static void run(const paritone_model_t *model, const paritone_kernels_t *kernels, void *arena,
                const paritone_call_t *call)
{
    const paritone_step_t *step = step_of(model, call);
    kernels->run[step->kernel](step, call->first_row, (int32_t)rows_of(step, call), arena);
}

int paritone_model_invoke(const paritone_model_t *model, const paritone_kernels_t *kernels,
                          void *arena)
{
    int status = paritone_model_check(model, kernels);
    if (status == PARITONE_OK) {
        status = check_arena(model, arena);
    }
    for (uint32_t i = 0; status == PARITONE_OK && i < model->n_calls; i++) {
        run(model, kernels, arena, &model->calls[i]);
    }
    return status;
}

int paritone_model_step(const paritone_model_t *model, const paritone_kernels_t *kernels,
                        void *arena, uint32_t call)
{
    int status = paritone_model_check(model, kernels);
    if (status == PARITONE_OK) {
        status = call < model->n_calls ? check_arena(model, arena) : PARITONE_E_ARGUMENT;
    }
    if (status == PARITONE_OK) {
        run(model, kernels, arena, &model->calls[call]);
    }
    return status;
}

void *paritone_model_rows(const paritone_model_t *model, void *arena, uint32_t call,
                          uint32_t *bytes)
{
    if (model == NULL || arena == NULL || bytes == NULL || call >= model->n_calls) {
        return NULL;
    }
    const paritone_call_t *done = &model->calls[call];
    const paritone_step_t *step = step_of(model, done);
    *bytes = rows_of(step, done) * step->row_bytes;
    return output_row(step, done->first_row, arena);
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
