/* Stands for a firmware of one's own: shows that the library links without an operating system. */
#include "two_models.h"

static uint8_t memory[TWO_MODELS_MEMORY_BYTES];
static listener_t listeners[TWO_MODELS];

const void *image_entry(const int16_t *pcm, size_t n);

const void *image_entry(const int16_t *pcm, size_t n)
{
    size_t taken;

    if (two_models_init(listeners, memory) != PARITONE_OK) {
        return NULL;
    }
    listener_push(&listeners[0], pcm, n, &taken);
    return listener_push(&listeners[1], pcm, n, &taken);
}
