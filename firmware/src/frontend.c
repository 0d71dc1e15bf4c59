/* One frame, from PCM to a column: the stages in order, in the caller's scratch. */
#include <string.h>

#include "frontend_stages.h"

/* Scratch: mel sums, then the transform's own. When the sums are made, the logarithm is
 * free to go there. */
typedef struct {
    uint64_t *mel;   /* [n_mels] */
    void *transform; /* 8 bytes for each of n_mels at least */
} frame_t;

static frame_t lay_out(const paritone_frontend_t *f, void *scratch) {
    frame_t s;
    s.mel = scratch;
    s.transform = s.mel + f->n_mels;
    return s;
}

size_t paritone_frontend_scratch_bytes(const paritone_frontend_t *f) { return f->scratch_bytes; }

size_t paritone_frontend_stage_bytes(const paritone_frontend_t *f, paritone_stage_t stage) {
    switch (stage) {
    case PARITONE_STAGE_WINDOW:
        return 4u * (size_t)f->n_fft;
    case PARITONE_STAGE_SPECTRUM:
        return 8u * (size_t)f->n_bins;
    case PARITONE_STAGE_MAGNITUDE:
        return (f->power == 2u ? 8u : 4u) * (size_t)f->n_bins;
    case PARITONE_STAGE_MEL:
        return 8u * (size_t)f->n_mels;
    case PARITONE_STAGE_LOG:
        return f->log == NULL ? 0u : 4u * (size_t)f->n_mels;
    case PARITONE_STAGE_INPUT:
        return f->column_bytes;
    default:
        return 0u;
    }
}

/* A stage before the input; returns where its values are. */
static const void *run(const paritone_frontend_t *f, const int16_t *pcm, void *scratch,
                       paritone_stage_t stage) {
    const frame_t s = lay_out(f, scratch);
    const unsigned headroom = frontend_headroom(pcm, f->window_length);
    const paritone_stage_t last =
        stage < PARITONE_STAGE_MAGNITUDE ? stage : PARITONE_STAGE_MAGNITUDE;
    const void *bins = f->transform(f, pcm, headroom, s.transform, last);
    if (stage <= PARITONE_STAGE_MAGNITUDE) {
        return bins;
    }
    f->mel(f, bins, s.mel);
    if (stage == PARITONE_STAGE_MEL) {
        return s.mel;
    }
    f->log(f, s.mel, headroom, s.transform);
    return s.transform;
}

void frontend_column(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                     void *scratch, void *column, uint32_t *level) {
    const frame_t s = lay_out(f, scratch);
    f->mel(f, f->transform(f, pcm, headroom, s.transform, PARITONE_STAGE_MAGNITUDE), s.mel);
    if (level != NULL) {
        *level = f->level(f, s.mel, headroom);
    }
    f->input(f, s.mel, headroom, s.transform, column);
}

static int check(const paritone_frontend_t *f, const int16_t *pcm, const void *scratch,
                 const void *out) {
    if (f == NULL || pcm == NULL || scratch == NULL || out == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    return f->format == PARITONE_FORMAT ? PARITONE_OK : PARITONE_E_FORMAT;
}

int paritone_frontend_frame(const paritone_frontend_t *f, const int16_t *pcm, void *scratch,
                            void *column) {
    const int status = check(f, pcm, scratch, column);
    if (status == PARITONE_OK) {
        const unsigned headroom = frontend_headroom(pcm, f->window_length);
        frontend_column(f, pcm, headroom, scratch, column, NULL);
    }
    return status;
}

int paritone_frontend_trace(const paritone_frontend_t *f, const int16_t *pcm, void *scratch,
                            paritone_stage_t stage, void *out) {
    const int status = check(f, pcm, scratch, out);
    if (status != PARITONE_OK) {
        return status;
    }
    if (stage == PARITONE_STAGE_INPUT) {
        return paritone_frontend_frame(f, pcm, scratch, out);
    }
    const size_t bytes = paritone_frontend_stage_bytes(f, stage);
    if (bytes == 0u) {
        return PARITONE_E_ARGUMENT;
    }
    memcpy(out, run(f, pcm, scratch, stage), bytes);
    return PARITONE_OK;
}
