"""The part of ``paritone.h`` that Python calls, in the form cffi reads.

Each stage has its own section; structs that Python does not look into stay opaque.
"""

FRONTEND = """
typedef struct paritone_frontend paritone_frontend_t;
typedef struct paritone_stream paritone_stream_t;
"""

MODEL = """
typedef struct paritone_model paritone_model_t;
typedef struct paritone_kernels paritone_kernels_t;
"""

CDEF = FRONTEND + MODEL
