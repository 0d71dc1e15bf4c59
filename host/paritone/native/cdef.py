"""The part of ``paritone.h`` that Python calls, in the form cffi reads.

Each stage has its own section; structs that Python does not look into stay opaque.
"""

FRONTEND = """
typedef enum { PARITONE_STAGE_WINDOW, ... } paritone_stage_t;
typedef struct {
    uint64_t silence;
    uint32_t stream_bytes;
    uint32_t scratch_bytes;
    ...;
} paritone_frontend_t;
typedef struct { uint32_t frames; ...; } paritone_stream_t;
size_t paritone_frontend_scratch_bytes(const paritone_frontend_t *);
size_t paritone_frontend_stage_bytes(const paritone_frontend_t *, paritone_stage_t);
int paritone_frontend_frame(const paritone_frontend_t *, const int16_t *, void *, void *);
int paritone_frontend_trace(const paritone_frontend_t *, const int16_t *, void *,
                            paritone_stage_t, void *);
int paritone_frontend_spectrogram(const paritone_frontend_t *, const int16_t *, size_t, void *,
                                  void *);
size_t paritone_frontend_spectrogram_bytes(const paritone_frontend_t *);
int paritone_stream_init(paritone_stream_t *, const paritone_frontend_t *, void *);
size_t paritone_stream_push(paritone_stream_t *, const int16_t *, size_t, int *);
int paritone_stream_patch(const paritone_stream_t *, void *);
int paritone_stream_finish(paritone_stream_t *, int *);
uint64_t paritone_stream_level(const paritone_stream_t *);
int paritone_stream_silent(const paritone_stream_t *);
"""

MODEL = """
typedef struct {
    uint32_t format;
    uint32_t arena_bytes;
    uint32_t arena_align;
    uint32_t n_steps;
    ...;
} paritone_model_t;
typedef struct { ...; } paritone_kernels_t;
extern paritone_kernels_t paritone_kernels_all;
int paritone_model_check(const paritone_model_t *, const paritone_kernels_t *);
int paritone_model_invoke(const paritone_model_t *, const paritone_kernels_t *, void *);
int paritone_model_step(const paritone_model_t *, const paritone_kernels_t *, void *, uint32_t);
void *paritone_model_input(const paritone_model_t *, void *, uint32_t);
void *paritone_model_output(const paritone_model_t *, void *, uint32_t);
"""

CDEF = FRONTEND + MODEL
