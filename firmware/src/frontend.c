/* One frame, from PCM to a column: the stages in order, in the caller's scratch. */
#include <string.h>

#include "frontend_stages.h"

/* Scratch: what lives at the same time lies side by side. */
typedef struct {
    uint64_t *mel;       /* [n_mels] */
    uint64_t *power;     /* [n_bins], power 2 only */
    int32_t *fft;        /* [n_fft] */
    uint32_t *magnitude; /* [n_bins], where the FFT's input was; power 1 only */
    int32_t *spectrum;   /* [2 * n_fft] */
    int32_t *log;        /* [n_mels], where the spectrum was */
} frame_t;

static frame_t lay_out(const paritone_frontend_t *f, void *scratch) {
    frame_t s;
    s.mel = scratch;
    s.power = s.mel + f->n_mels;
    s.fft = (int32_t *)(void *)(s.power + (f->power == 2u ? f->n_bins : 0u));
    s.magnitude = (uint32_t *)(void *)s.fft;
    s.spectrum = s.fft + f->n_fft;
    s.log = s.spectrum;
    return s;
}

size_t paritone_frontend_scratch_bytes(const paritone_frontend_t *f) { return f->scratch_bytes; }

size_t paritone_frontend_stage_bytes(const paritone_frontend_t *f, paritone_stage_t stage) {
    switch (stage) {
    case PARITONE_STAGE_WINDOW:
        return 4u * (size_t)f->n_fft;
    case PARITONE_STAGE_SPECTRUM:
        return 4u * ((size_t)f->n_fft + 2u);
    case PARITONE_STAGE_MAGNITUDE:
        return (f->power == 2u ? 8u : 4u) * (size_t)f->n_bins;
    case PARITONE_STAGE_MEL:
        return 8u * (size_t)f->n_mels;
    case PARITONE_STAGE_LOG:
        return 4u * (size_t)f->n_mels;
    case PARITONE_STAGE_INPUT:
        return f->column_bytes;
    default:
        return 0u;
    }
}

static void bands(const paritone_frontend_t *f, const frame_t *s) {
    if (f->power == 2u) {
        frontend_mel_power(f, s->power, s->mel);
    } else {
        frontend_mel_magnitude(f, s->magnitude, s->mel);
    }
}

static void bins(const paritone_frontend_t *f, const frame_t *s) {
    if (f->power == 2u) {
        frontend_power(f, s->spectrum, s->power);
    } else {
        frontend_magnitude(f, s->spectrum, s->magnitude);
    }
}

/* Stages up to and including `last`, at most the log; returns where its values are. */
static const void *run(const paritone_frontend_t *f, const int16_t *pcm, void *scratch,
                       paritone_stage_t last) {
    const frame_t s = lay_out(f, scratch);
    const unsigned headroom = frontend_headroom(pcm, f->window_length);
    frontend_window(f, pcm, headroom, s.fft);
    if (last == PARITONE_STAGE_WINDOW) {
        return s.fft;
    }
    frontend_spectrum(f, s.fft, s.spectrum);
    if (last == PARITONE_STAGE_SPECTRUM) {
        return s.spectrum;
    }
    bins(f, &s);
    if (last == PARITONE_STAGE_MAGNITUDE) {
        return f->power == 2u ? (const void *)s.power : (const void *)s.magnitude;
    }
    bands(f, &s);
    if (last == PARITONE_STAGE_MEL) {
        return s.mel;
    }
    frontend_log(f, s.mel, headroom, s.log);
    return s.log;
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
        frontend_input(f, run(f, pcm, scratch, PARITONE_STAGE_LOG), column);
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
