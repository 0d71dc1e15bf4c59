/* Raw PCM (int16, mono, at the models' rate) on standard input; a line of scores for each patch. */
#include <stdio.h>

#include "two_models.h"

#define CHUNK 400

static uint8_t memory[TWO_MODELS_MEMORY_BYTES];

static void print_scores(int model, const paritone_tensor_t *output, const void *scores)
{
    const uint8_t *bytes = scores;

    printf("%d:", model);
    for (uint32_t i = 0; i < output->bytes; i++) {
        printf(" %d", output->dtype == PARITONE_INT8 ? (int8_t)bytes[i] : bytes[i]);
    }
    printf("\n");
}

/* Each in turn takes what it can: the models know nothing of each other. */
static void listen(listener_t listeners[TWO_MODELS], const int16_t *pcm, size_t n)
{
    for (int i = 0; i < TWO_MODELS; i++) {
        size_t at = 0;
        while (at < n) {
            size_t taken = 0;
            const void *scores = listener_push(&listeners[i], pcm + at, n - at, &taken);
            at += taken;
            if (scores != NULL) {
                print_scores(i, listeners[i].model->outputs, scores);
            }
        }
    }
}

int main(void)
{
    listener_t listeners[TWO_MODELS];
    int16_t pcm[CHUNK];
    size_t n;

    if (two_models_init(listeners, memory) != PARITONE_OK) {
        fprintf(stderr, "the models cannot run\n");
        return 1;
    }
    while ((n = fread(pcm, sizeof *pcm, CHUNK, stdin)) > 0) {
        listen(listeners, pcm, n);
    }
    return 0;
}
