#include "two_models.h"

#if FIRST_ARENA_ALIGN > 16 || SECOND_ARENA_ALIGN > 16
#error "TWO_MODELS_ALIGN is too small"
#endif

int two_models_init(listener_t listeners[TWO_MODELS], void *memory)
{
    uint8_t *at = memory;

    at += (TWO_MODELS_ALIGN - (uintptr_t)at % TWO_MODELS_ALIGN) % TWO_MODELS_ALIGN;
    const listener_parts_t first = {.model = &first_model,
                                    .kernels = &first_kernels,
                                    .frontend = &FIRST_FRONTEND,
                                    .arena = at,
                                    .stream_memory = at + TWO_MODELS_ROUNDED(FIRST_ARENA_BYTES)};
    at += TWO_MODELS_ROUNDED(FIRST_ARENA_BYTES) + TWO_MODELS_ROUNDED(FIRST_STREAM_BYTES);
    const listener_parts_t second = {.model = &second_model,
                                     .kernels = &second_kernels,
                                     .frontend = &SECOND_FRONTEND,
                                     .arena = at,
                                     .stream_memory = at + TWO_MODELS_ROUNDED(SECOND_ARENA_BYTES)};
    const int status = listener_init(&listeners[0], &first);
    return status != PARITONE_OK ? status : listener_init(&listeners[1], &second);
}
