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

/*
 * A quantized network as const data: a list of steps over one block of memory,
 * the arena, where the generator has placed every tensor. The runtime walks
 * the steps; what a step does is looked up in a table of kernels, so that a
 * firmware links only the kernels of its model.
 *
 *   static uint8_t arena[PARITONE_ARENA_BYTES] __attribute__((aligned(PARITONE_ARENA_ALIGN)));
 *   memcpy(paritone_model_input(&paritone_model, arena, 0), patch, PARITONE_INPUT_BYTES);
 *   paritone_model_invoke(&paritone_model, &paritone_kernels, arena);
 *   memcpy(scores, paritone_model_output(&paritone_model, arena, 0), PARITONE_OUTPUT_BYTES);
 *
 * There is no other state: with an arena each, any number of models or of
 * copies of one model run side by side. An input is lost during the
 * invocation; an output stays until the arena is written again.
 */

#define PARITONE_MAX_RANK 4

/* An input or output: real value = scale * (stored - zero_point). */
typedef struct {
    paritone_dtype_t dtype;
    int32_t rank;                     /* 0 to PARITONE_MAX_RANK               */
    int32_t shape[PARITONE_MAX_RANK]; /* unused dimensions are 1, at the end  */
    float scale;                      /* 1 for PARITONE_FLOAT32               */
    int32_t zero_point;
    uint32_t offset; /* first byte, in the arena */
    uint32_t bytes;
} paritone_tensor_t;

/* What a step computes: the index into the table of kernels. */
typedef enum {
    PARITONE_KERNEL_CONV_2D = 0,
    PARITONE_KERNEL_DEPTHWISE_CONV_2D = 1,
    PARITONE_KERNEL_FULLY_CONNECTED = 2,
    PARITONE_KERNEL_AVERAGE_POOL_2D = 3,
    PARITONE_KERNEL_MAX_POOL_2D = 4,
    PARITONE_KERNEL_MEAN = 5,
    PARITONE_KERNEL_REDUCE_MAX = 6,
    PARITONE_KERNEL_ADD = 7,
    PARITONE_KERNEL_MUL = 8,
    PARITONE_KERNEL_RELU = 9,
    PARITONE_KERNEL_SOFTMAX = 10,
    PARITONE_KERNEL_QUANTIZE = 11,   /* float32 to int8 or uint8 */
    PARITONE_KERNEL_REQUANTIZE = 12, /* int8 or uint8 to int8 or uint8 */
    PARITONE_KERNEL_DEQUANTIZE = 13, /* int8 or uint8 to float32 */
    PARITONE_KERNEL_TRANSPOSE = 14,
    PARITONE_KERNEL_PAD = 15,
    PARITONE_KERNEL_COUNT
} paritone_kernel_id_t;

#define PARITONE_MAX_INPUTS 2

/* One layer: operands are offsets into the arena. */
typedef struct {
    paritone_kernel_id_t kernel;
    const void *params; /* the kernel's own struct: paritone_kernels.h */
    uint32_t input[PARITONE_MAX_INPUTS];
    uint32_t output;
    uint32_t output_bytes;
} paritone_step_t;

/* Runs `step` on the tensors in `arena`; trusts both. */
typedef void paritone_kernel_t(const paritone_step_t *step, uint8_t *arena);

/* By kernel id; null where a model has no use for it. */
typedef struct {
    paritone_kernel_t *run[PARITONE_KERNEL_COUNT];
} paritone_kernels_t;

/* One network, written by `paritone generate`. */
typedef struct {
    uint32_t format;      /* PARITONE_FORMAT it was generated for */
    uint32_t arena_bytes; /* memory that the caller provides */
    uint32_t arena_align; /* and its alignment: a power of two */
    uint32_t n_steps;
    const paritone_step_t *steps;
    uint32_t n_inputs;
    const paritone_tensor_t *inputs;
    uint32_t n_outputs;
    const paritone_tensor_t *outputs;
    uint8_t sha256[32]; /* of the .tflite file */
} paritone_model_t;

/* Every kernel of this library; a firmware uses the generated `paritone_kernels`. */
extern const paritone_kernels_t paritone_kernels_all;

/*
 * Whether `model` can run: PARITONE_OK, PARITONE_E_FORMAT when it was generated
 * for another version, PARITONE_E_KERNEL when `kernels` lacks one of its kernels.
 */
int paritone_model_check(const paritone_model_t *model, const paritone_kernels_t *kernels);

/* Run the whole network on the input in `arena`; PARITONE_OK or an error as above. */
int paritone_model_invoke(const paritone_model_t *model, const paritone_kernels_t *kernels,
                          void *arena);

/*
 * Run step `step` of 0 .. n_steps - 1 alone. All of them in order make an
 * invocation; the tensor at steps[step].output holds the layer's output until
 * a later step reuses its place.
 */
int paritone_model_step(const paritone_model_t *model, const paritone_kernels_t *kernels,
                        void *arena, uint32_t step);

/* Where input or output `index` lies in `arena`; null for a bad index. */
void *paritone_model_input(const paritone_model_t *model, void *arena, uint32_t index);
void *paritone_model_output(const paritone_model_t *model, void *arena, uint32_t index);

#endif
