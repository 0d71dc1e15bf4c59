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
#define PARITONE_FORMAT 4

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

/* ------------------------------------------------------------ Frontend --
 *
 * int16 PCM to the model's own input, in integers only.
 *
 *   window     int16 samples times a q31 window, shifted up by the frame's
 *              headroom, centred in n_fft zeros
 *   spectrum   arm_rfft_q31: the spectrum divided by n_fft; the bins in use
 *   magnitude  |X| (power 1) or |X|^2 (power 2) of the same bins
 *   mel        integer weights, 64-bit sums
 *   log        ln(mel + 1e-4) in q24, or decibels in q20; headroom and every
 *              scale undone
 *   input      the model's int8 or uint8 (its scale and zero point), or float32
 *
 * Every table comes from `paritone generate`; every formula is beside its code
 * in src/frontend_*.c. Frames are librosa's. With center=False frame t reads the
 * n_fft samples from t * hop_length on, and exists once they do. With center=True
 * that sample is the middle of the frame, padding surrounds the stream, and a frame
 * exists once the half after its middle does (reflect: and one sample more).
 */

/* Stages of one frame, in order; each but the first reads the one before, but for the
 * int8 and uint8 input: it reads mel. */
typedef enum {
    PARITONE_STAGE_WINDOW = 0,    /* int32 q31 [n_fft]        */
    PARITONE_STAGE_SPECTRUM = 1,  /* int32 q31 [n_bins][2], re and im */
    PARITONE_STAGE_MAGNITUDE = 2, /* uint32 [n_bins], LSBs of X; power 2: uint64 [n_bins] */
    PARITONE_STAGE_MEL = 3,       /* uint64 [n_mels]          */
    PARITONE_STAGE_LOG = 4,       /* int32 q24 [n_mels]; q20 decibels; not with f->log null */
    PARITONE_STAGE_INPUT = 5      /* model's dtype [n_mels]   */
} paritone_stage_t;

struct paritone_frontend;

/* One frame's PCM to the values of `last`: window, spectrum or magnitude.
 *   pcm       [window_length]
 *   headroom  of these samples, 0..15
 *   scratch   of the transform's own size, aligned to 8
 * Returns where in scratch the values are. */
typedef const void *paritone_transform_t(const struct paritone_frontend *f, const int16_t *pcm,
                                         unsigned headroom, void *scratch, paritone_stage_t last);

/* Window, arm_rfft_q31, magnitude, one after the other: any n_fft, any core. */
paritone_transform_t paritone_transform_cmsis;

/* Its tables. */
typedef struct {
    const int32_t *window;       /* [window_length] q31, or lower where the FFT needs guard bits */
    const int32_t *twiddle;      /* [3 * n_fft / 4] of the complex FFT of n_fft / 2 */
    const uint16_t *bit_reverse; /* [bit_reverse_length] */
    const int32_t *split_a;      /* [n_fft] of the real FFT's last step */
    const int32_t *split_b;      /* [n_fft] */
    const uint32_t *root;        /* [257] square root, 1..31 not read; null for power 2 */
    uint16_t bit_reverse_length;
} paritone_cmsis_tables_t;

/* The same bits, the stages run into each other, for the n_fft and windows that it can do:
 * n_fft 128, 512 or 2048, even window_start and window_length, window_length >= n_fft / 2. */
paritone_transform_t paritone_transform_fused;     /* n_fft 128 and 512 */
paritone_transform_t paritone_transform_fused_far; /* n_fft 2048 */

/* Tables of the fused transform (src/frontend_fused.h), in the order in which it reads
 * them. M = n_fft / 2 = 4^S. */
typedef struct {
    const int32_t *window;  /* [12 M/4] stage 1, rows for k < M/4: weights of the even and the
                               odd sample of the first three legs within the window, zeros where
                               that is two legs, then cos and sin of 2k, k, 3k; these of every
                               fourth row are stage 2's, and so on */
    const int32_t *fourth;  /* weights of the fourth leg of those k that have all four */
    const int32_t *split;   /* [3 * n_pairs]: real and imaginary part of a, real part of b */
    const uint32_t *root;   /* [257] square root, 1..31 not read; power 1 only */
    uint16_t first_pair;    /* bins k and M - k of each pair k from it on */
    uint16_t n_pairs;       /* first_pair + n_pairs - 1 <= M / 2 */
} paritone_fused_tables_t;

/* The stages after the transform. A firmware links those that its frontend names.
 *   bins      [n_bins] magnitudes (uint32) or powers (uint64)
 *   mel       [n_mels], below 2^62
 *   headroom  of the frame's samples
 *   log       [n_mels]
 *   scratch   [n_mels] int32
 *   column    [n_mels] of the model's dtype */
typedef void paritone_mel_t(const struct paritone_frontend *f, const void *bins, uint64_t *mel);
typedef uint32_t paritone_level_t(const struct paritone_frontend *f, const uint64_t *mel,
                                  unsigned headroom);
typedef void paritone_log_t(const struct paritone_frontend *f, const uint64_t *mel,
                            unsigned headroom, int32_t *log);
typedef void paritone_input_t(const struct paritone_frontend *f, const uint64_t *mel,
                              unsigned headroom, int32_t *scratch, void *column);

paritone_mel_t paritone_mel_magnitude, paritone_mel_power;
paritone_level_t paritone_level;
paritone_log_t paritone_log;
paritone_input_t paritone_input_codes;      /* by f->codes: int8, uint8 without the logarithm */
paritone_input_t paritone_input_codes_wide; /* the same for f->floor 0, f->offset >= 2^32 */
paritone_input_t paritone_input_log;        /* of the logarithm: any dtype */

/* What a stream does about samples that its first and last frames lack. */
typedef enum {
    PARITONE_PADDING_NONE = 0, /* frames lie within the samples: librosa's center=False */
    PARITONE_PADDING_CONSTANT = 1,
    PARITONE_PADDING_EDGE = 2,
    PARITONE_PADDING_REFLECT = 3,
    PARITONE_PADDING_SYMMETRIC = 4
} paritone_padding_t;

/* Constant tables of one configuration, written by `paritone generate`. */
typedef struct paritone_frontend {
    uint32_t format;             /* PARITONE_FORMAT of the generator */
    uint32_t rate_hz;            /* of the PCM */
    uint16_t n_fft;              /* a power of two, 128..4096 */
    uint16_t window_length;      /* samples that a frame reads, <= n_fft */
    uint16_t window_start;       /* zeros before the window: (n_fft - window_length) / 2 */
    uint16_t first_bin;          /* first bin in use, >= 1 */
    uint16_t n_bins;             /* bins from it on; the last is below n_fft / 2 */
    uint16_t n_mels;             /* bands, <= 256 */
    uint32_t hop_length;         /* samples between frames */
    uint32_t patch_length;       /* columns of a patch */
    uint32_t patch_step;         /* columns between patches, 1..patch_length */
    uint8_t power;               /* 1 magnitude, 2 power */
    uint8_t include_last_patch;  /* 1: the end of a stream adds a patch that ends there */
    uint8_t dtype;               /* paritone_dtype_t of a patch: int8, uint8 or float32 */
    uint8_t padding;             /* paritone_padding_t */

    paritone_transform_t *transform; /* PCM to magnitudes */
    const void *transform_tables;    /* of its own type */
    paritone_mel_t *mel;             /* by power */
    paritone_level_t *level;         /* null: no gate */
    paritone_log_t *log;             /* null: nobody reads it */
    paritone_input_t *input;

    const uint16_t *segment_length; /* [n_mels + 1] bins between neighbouring mel points */
    const uint32_t *rise;        /* [n_bins] weight in the band that rises; 2^rise_bits is 1 */
    const uint32_t *gain;        /* [n_mels] q32, or null: every band as it is */
    uint8_t rise_bits;           /* 0..31 */
    uint8_t log_bits;            /* fraction bits of the logarithm: 24, decibels 20 */
    uint8_t code_bits;           /* cells of an octave in `codes`: 2^code_bits */
    int8_t code_octave;          /* of the first cell: of mel + offset, or floor, at its least */
    const uint8_t *codes;        /* of each cell's first sum, cell by cell, or null */
    const uint32_t *code_ends;   /* [256] by code: the sum that has the next one, as
                                    (octave - code_octave) << 23 | fraction; 2^32 - 1: none */
    const int32_t *log_lines;    /* [257] logarithm of 1 + i / 256, less the reference's; null
                                    where nobody reads it */
    uint64_t offset;             /* added to a mel sum: 1e-4 in its units, without headroom */
    uint64_t floor;              /* least mel sum for the logarithm, without headroom */
    int32_t mel_exponent;        /* a mel sum m without headroom is m * 2^-mel_exponent */
    int32_t input_multiplier;    /* input = round(log * multiplier / 2^shift) + zero point */
    int32_t input_shift;         /* 1..31 */
    int32_t input_zero_point;
    uint64_t silence;            /* patch level below which a patch is silent; 0: none is */

    uint32_t stream_bytes;       /* memory of paritone_stream_init, scratch included */
    uint32_t scratch_bytes;      /* of paritone_frontend_frame and _trace */
    uint32_t column_bytes;       /* one column: n_mels values of dtype */
    uint32_t patch_bytes;        /* one patch: n_mels * patch_length values of dtype */
    uint8_t sha256[32];          /* of what is computed: the same with every transform */
} paritone_frontend_t;

#define PARITONE_HEADROOM_PARTS 8

/* Headroom of the parts of a window: a frame looks for it in the samples that are new. */
typedef struct {
    uint32_t part_samples;
    uint8_t parts; /* of a window, 1..PARITONE_HEADROOM_PARTS */
    uint8_t step;  /* parts that are new with each frame */
    uint8_t fresh; /* parts that are new with the next one */
    uint8_t part[PARITONE_HEADROOM_PARTS]; /* headroom of each, oldest first */
} paritone_headroom_t;

/* State of one PCM stream; owned by the caller, one per stream. */
typedef struct paritone_stream {
    const paritone_frontend_t *frontend;
    int16_t *pcm;          /* samples from the next frame's first windowed one on */
    uint8_t *columns;      /* ring of patch_length columns */
    uint32_t *levels;      /* ring of their levels; null without a gate */
    void *scratch;
    uint32_t pcm_count;    /* samples held */
    uint32_t pcm_due;      /* samples held when a frame is due */
    uint32_t skip;         /* samples to drop before the next is held */
    uint32_t end;          /* once it has ended: samples held from before its end */
    uint32_t column_next;  /* place in the ring of the next column: the oldest one */
    uint32_t column_count; /* columns held, at most patch_length */
    uint32_t columns_due;  /* columns until the next patch */
    uint32_t frames;       /* columns computed since paritone_stream_init */
    paritone_headroom_t headroom;
    uint8_t started;       /* padding before the first sample is there, or there is none */
    uint8_t ended;         /* by paritone_stream_finish */
} paritone_stream_t;

/* Bytes of scratch that one frame needs (f->scratch_bytes). */
size_t paritone_frontend_scratch_bytes(const paritone_frontend_t *f);

/* Bytes that paritone_frontend_trace writes for `stage`; 0 for no such stage. */
size_t paritone_frontend_stage_bytes(const paritone_frontend_t *f, paritone_stage_t stage);

/* One frame: int16 PCM to one column of the model's input.
 *   pcm      [window_length], any values: the frame's samples from window_start on
 *   scratch  scratch_bytes, aligned to 8; contents do not matter
 *   column   [n_mels] of f->dtype, aligned to its values; not in scratch
 * Returns PARITONE_OK, E_ARGUMENT (null pointer) or E_FORMAT. Time does not
 * depend on the samples, but for a few instructions of the headroom. */
int paritone_frontend_frame(const paritone_frontend_t *f, const int16_t *pcm, void *scratch,
                            void *column);

/* The same up to `stage`, whose values go to `out` (paritone_frontend_stage_bytes,
 * aligned to its values). Returns as paritone_frontend_frame; E_ARGUMENT for no such stage. */
int paritone_frontend_trace(const paritone_frontend_t *f, const int16_t *pcm, void *scratch,
                            paritone_stage_t stage, void *out);

/* Many frames of one piece of PCM at once, for hosts: several frames in lockstep, so that
 * vector instructions serve; the same bits as frame by frame. Frame t begins at
 * pcm[t * hop_length].
 *   f            with paritone_transform_cmsis
 *   pcm          [(n - 1) * hop_length + n_fft]
 *   scratch      paritone_frontend_spectrogram_bytes(f), anywhere
 *   spectrogram  [n_mels][n] of f->dtype, aligned to its values
 * Returns PARITONE_OK, E_ARGUMENT (null pointer, another transform) or E_FORMAT. */
int paritone_frontend_spectrogram(const paritone_frontend_t *f, const int16_t *pcm, size_t n,
                                  void *scratch, void *spectrogram);

/* Bytes of its scratch. */
size_t paritone_frontend_spectrogram_bytes(const paritone_frontend_t *f);

/* Start a stream, or start it anew.
 *   memory  f->stream_bytes, aligned to 8, in use as long as the stream is
 * Returns PARITONE_OK, E_ARGUMENT or E_FORMAT. */
int paritone_stream_init(paritone_stream_t *stream, const paritone_frontend_t *f, void *memory);

/* Take samples until they end or a patch completes.
 *   pcm    [n], any chunk of the stream; may be null when n is 0
 *   ready  set to 1 when a patch completed with the last sample taken, else 0
 * Returns the number of samples taken; call again with the rest. A ready patch
 * is to be read (paritone_stream_patch) before the next push. After
 * paritone_stream_finish samples are taken and forgotten. */
size_t paritone_stream_push(paritone_stream_t *stream, const int16_t *pcm, size_t n, int *ready);

/* Write the last patch_length columns as the model wants them.
 *   patch  [n_mels][patch_length] of f->dtype, f->patch_bytes
 * Returns PARITONE_OK, or E_ARGUMENT when fewer columns have been computed. */
int paritone_stream_patch(const paritone_stream_t *stream, void *patch);

/* The end of the stream: call it, reading a patch each time, until *ready is 0.
 * With padding, the frames that are centred on the last samples are computed now, and
 * may complete patches. With include_last_patch, columns after the last patch make one
 * more that ends with them. A live stream has no end, and none of these frames.
 *   ready  set to 1 when there is a patch to be read, else 0
 * Returns PARITONE_OK or E_ARGUMENT. */
int paritone_stream_finish(paritone_stream_t *stream, int *ready);

/* How loud the last patch_length columns are: the sum of their mel bands in units of
 * 2^-10 (full scale is 1.0), that of a column cut to 32 bits. 0 without a gate, and while
 * fewer columns have been computed. */
uint64_t paritone_stream_level(const paritone_stream_t *stream);

/* 1 when that level is below f->silence, else 0; 0 while fewer columns have been computed. */
int paritone_stream_silent(const paritone_stream_t *stream);

/* --------------------------------------------------------------- Model -- */

/*
 * A quantized network as const data: a list of steps over one block of memory,
 * the arena, where the generator has placed every tensor, and a list of calls:
 * rows of one step, then rows of the next, so that large tensors need not be
 * there as a whole. The runtime walks the calls; what a step does is looked up
 * in a table of kernels, so that a firmware links only the kernels of its model.
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
    PARITONE_KERNEL_LOOKUP = 9, /* activations on their own */
    PARITONE_KERNEL_SOFTMAX = 10,
    PARITONE_KERNEL_QUANTIZE = 11,   /* float32 to int8 or uint8 */
    PARITONE_KERNEL_REQUANTIZE = 12, /* int8 or uint8 to int8 or uint8 */
    PARITONE_KERNEL_DEQUANTIZE = 13, /* int8 or uint8 to float32 */
    PARITONE_KERNEL_STRIDED_COPY = 14, /* TRANSPOSE, STRIDED_SLICE, SPLIT, CONCATENATION */
    PARITONE_KERNEL_PAD = 15,
    PARITONE_KERNEL_SUB = 16,
    PARITONE_KERNEL_MAXIMUM = 17,
    PARITONE_KERNEL_MINIMUM = 18,
    PARITONE_KERNEL_DEPTHWISE_LINES = 19, /* DEPTHWISE_CONV_2D, 3 x 3 */
    PARITONE_KERNEL_PRODUCTS = 20, /* CONV_2D without groups */
    PARITONE_KERNEL_WEIGHTED_SUM = 21, /* ADD and SUB of one shape */
    PARITONE_KERNEL_CHANNEL_LOOKUP = 22,
    PARITONE_KERNEL_PRELU = 23,
    PARITONE_KERNEL_PRODUCTS_CODED = 24, /* PRODUCTS whose weights may be entropy-coded */
    PARITONE_KERNEL_PRODUCTS_SUM = 25, /* PRODUCTS, then ADD or SUB */
    PARITONE_KERNEL_PRODUCTS_CODED_SUM = 26,
    PARITONE_KERNEL_PRODUCTS_PAIRS = 27, /* PRODUCTS, faster in more code */
    PARITONE_KERNEL_PRODUCTS_PAIRS_SUM = 28,
    PARITONE_KERNEL_COUNT
} paritone_kernel_id_t;

#define PARITONE_MAX_INPUTS 2

/*
 * Where a tensor lies: row y at offset + y % rows * its bytes a row. Of one that is never whole
 * the arena holds a ring of its last rows; of any other all, so rows is the number it has.
 */
typedef struct {
    uint32_t offset; /* of row 0, in the arena */
    uint32_t rows;   /* >= 1 */
} paritone_place_t;

/* One layer. A row is what shares the first two of four axes: [n][height], row by row. */
typedef struct {
    uint8_t kernel;     /* paritone_kernel_id_t */
    uint16_t height;    /* rows of the output */
    const void *params; /* the kernel's own struct: paritone_kernels.h */
    paritone_place_t input[PARITONE_MAX_INPUTS];
    paritone_place_t output;
    uint32_t scratch;   /* offset of memory that is the kernel's during a call */
    uint32_t row_bytes; /* of the output */
} paritone_step_t;

/* One run of a kernel: it computes rows of a step's output from first_row on. */
typedef struct {
    uint16_t first_row;
    uint16_t step_and_rows; /* step * PARITONE_CALL_ROWS + rows; 0 rows: all up to the last one */
} paritone_call_t;

#define PARITONE_CALL_ROWS 64

/*
 * Computes rows of `step` from the tensors in `arena`; trusts both. The rows that it writes lie
 * behind each other, those that it reads may wrap around a ring. A kernel that cannot stop
 * between rows is called once for all of them, its tensors are whole.
 */
typedef void paritone_kernel_t(const paritone_step_t *step, int32_t first_row, int32_t rows,
                               uint8_t *arena);

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
    uint32_t n_calls;
    const paritone_call_t *calls; /* in order of execution */
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
 * Run call `call` of 0 .. n_calls - 1 alone. All of them in order make an invocation; the rows
 * that it wrote stay where paritone_model_rows says until a later call reuses their place.
 */
int paritone_model_step(const paritone_model_t *model, const paritone_kernels_t *kernels,
                        void *arena, uint32_t call);

/* Where the rows that call `call` writes lie, and how many bytes they are; null for a bad index. */
void *paritone_model_rows(const paritone_model_t *model, void *arena, uint32_t call,
                          uint32_t *bytes);

/* Where input or output `index` lies in `arena`; null for a bad index. */
void *paritone_model_input(const paritone_model_t *model, void *arena, uint32_t index);
void *paritone_model_output(const paritone_model_t *model, void *arena, uint32_t index);

#endif
