/* Both models on the same PCM, each in its own part of one block of memory. */
#ifndef TWO_MODELS_H
#define TWO_MODELS_H

#include "first_generated.h"
#include "listener.h"
#include "second_generated.h"

#define TWO_MODELS 2

/* A part's size, rounded up so that the next one is aligned too. */
#define TWO_MODELS_ALIGN 16u
#define TWO_MODELS_ROUNDED(bytes) \
    (((bytes) + TWO_MODELS_ALIGN - 1u) / TWO_MODELS_ALIGN * TWO_MODELS_ALIGN)

/* What two_models_init is given, anywhere in memory. */
#define TWO_MODELS_MEMORY_BYTES                                                          \
    (TWO_MODELS_ROUNDED(FIRST_ARENA_BYTES) + TWO_MODELS_ROUNDED(FIRST_STREAM_BYTES) +    \
     TWO_MODELS_ROUNDED(SECOND_ARENA_BYTES) + TWO_MODELS_ROUNDED(SECOND_STREAM_BYTES) +  \
     TWO_MODELS_ALIGN)

/* Returns PARITONE_OK or an error of paritone.h. */
int two_models_init(listener_t listeners[TWO_MODELS], void *memory);

#endif
