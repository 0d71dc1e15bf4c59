/*
 * One model that listens: PCM in, scores out. It holds no memory of its own:
 * as many listeners as there is memory for run side by side.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "paritone.h"

typedef struct {
    const paritone_model_t *model;
    const paritone_kernels_t *kernels;
    void *arena;
    paritone_stream_t stream;
} listener_t;

/* Generated data of one model, and the memory that it runs in. */
typedef struct {
    const paritone_model_t *model;
    const paritone_kernels_t *kernels;
    const paritone_frontend_t *frontend;
    void *arena;         /* model->arena_bytes, aligned to model->arena_align */
    void *stream_memory; /* frontend->stream_bytes, aligned to 8 */
} listener_parts_t;

/* Returns PARITONE_OK or an error of paritone.h. */
int listener_init(listener_t *listener, const listener_parts_t *parts);

/*
 * Take samples until they end or a patch is complete.
 *   taken  the number of samples that were taken; call again with the rest
 * Returns the scores, paritone_model_output's bytes, when a patch was
 * complete; else null. They stay until the next push.
 */
const void *listener_push(listener_t *listener, const int16_t *pcm, size_t n, size_t *taken);

#endif
