"""The part of ``paritone.h`` that Python calls, in the form cffi reads.

Each stage has its own section; structs that Python does not look into stay opaque.
"""

FRONTEND = """
typedef struct paritone_frontend paritone_frontend_t;
typedef struct paritone_stream paritone_stream_t;
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
