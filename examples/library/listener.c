#include "listener.h"

int listener_init(listener_t *listener, const listener_parts_t *parts)
{
    const int status = paritone_model_check(parts->model, parts->kernels);

    listener->model = parts->model;
    listener->kernels = parts->kernels;
    listener->arena = parts->arena;
    return status != PARITONE_OK
               ? status
               : paritone_stream_init(&listener->stream, parts->frontend, parts->stream_memory);
}

const void *listener_push(listener_t *listener, const int16_t *pcm, size_t n, size_t *taken)
{
    int ready = 0;

    *taken = paritone_stream_push(&listener->stream, pcm, n, &ready);
    if (!ready) {
        return NULL;
    }
    /* The patch goes straight to where the model reads it. */
    paritone_stream_patch(&listener->stream,
                          paritone_model_input(listener->model, listener->arena, 0));
    if (paritone_model_invoke(listener->model, listener->kernels, listener->arena) !=
        PARITONE_OK) {
        return NULL;
    }
    return paritone_model_output(listener->model, listener->arena, 0);
}
