/*
 * Paritone: a fixed-point log-mel frontend and an int8 inference engine.
 *
 * The whole public API. Everything is portable C99: no allocation, no global
 * state, no board. Memory belongs to the caller; constant data comes from
 * `paritone generate` as pointers to const structs, so one build of this
 * library serves every model.
 *
 *   PCM --> paritone_stream_push --> patch --> paritone_model_invoke --> scores
 *
 * Calls return PARITONE_OK or a negative value of `paritone_status_t`, and
 * leave their outputs untouched on error.
 */
#ifndef PARITONE_H
#define PARITONE_H

#include <stddef.h>
#include <stdint.h>

/* Version of the generated data's layout; generated files stop on another. */
#define PARITONE_FORMAT 1

typedef enum {
    PARITONE_OK = 0,
    PARITONE_E_ARGUMENT = -1, /* a null pointer, a bad index or size */
    PARITONE_E_FORMAT = -2,   /* generated for another version of this library */
    PARITONE_E_KERNEL = -3    /* the kernel table lacks a kernel of the model */
} paritone_status_t;

typedef enum {
    PARITONE_INT8 = 0,
    PARITONE_UINT8 = 1,
    PARITONE_INT32 = 2,
    PARITONE_FLOAT32 = 3
} paritone_dtype_t;

/* ------------------------------------------------------------ Frontend -- */

/* Stages of one frame, in order; each but the first reads the one before. */
typedef enum {
    PARITONE_STAGE_WINDOW = 0,    /* int32 q31 [n_fft]        */
    PARITONE_STAGE_SPECTRUM = 1,  /* int32 q31 [n_fft + 2], re and im interleaved */
    PARITONE_STAGE_MAGNITUDE = 2, /* uint32 [n_bins]          */
    PARITONE_STAGE_MEL = 3,       /* uint64 [n_mels]          */
    PARITONE_STAGE_LOG = 4,       /* int32 [n_mels]           */
    PARITONE_STAGE_INPUT = 5      /* model's dtype [n_mels]   */
} paritone_stage_t;

/* Constant tables of one configuration, written by `paritone generate`. */
typedef struct paritone_frontend paritone_frontend_t;

/* State of one PCM stream; owned by the caller, one per stream. */
typedef struct paritone_stream paritone_stream_t;

/* --------------------------------------------------------------- Model -- */

typedef struct paritone_model paritone_model_t;
typedef struct paritone_kernels paritone_kernels_t;

#endif
