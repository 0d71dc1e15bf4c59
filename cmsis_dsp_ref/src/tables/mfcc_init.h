/*
 * The init functions of an MFCC: they hold no tables, but that of one length links the FFT tables
 * of that length only (given -ffunction-sections and --gc-sections: all are in one file).
 */
#ifndef CMSIS_DSP_REF_MFCC_INIT_H
#define CMSIS_DSP_REF_MFCC_INIT_H

#include "cmsis_dsp_ref.h"

#define MFCC_PARAMETERS(format)                                                        \
    uint32_t nbMelFilters, uint32_t nbDctOutputs, const format##_t *dctCoefs,          \
        const uint32_t *filterPos, const uint32_t *filterLengths,                      \
        const format##_t *filterCoefs, const format##_t *windowCoefs

/* All of an instance but its FFT. */
#define MFCC_FILL(length)                                                              \
    S->fftLen = length;                                                                \
    S->nbMelFilters = nbMelFilters;                                                    \
    S->nbDctOutputs = nbDctOutputs;                                                    \
    S->dctCoefs = dctCoefs;                                                            \
    S->filterPos = filterPos;                                                          \
    S->filterLengths = filterLengths;                                                  \
    S->filterCoefs = filterCoefs;                                                      \
    S->windowCoefs = windowCoefs;

#define MFCC_OF_LENGTH(n, format)                                                      \
    arm_status arm_mfcc_init_##n##_##format(arm_mfcc_instance_##format *S,             \
                                            MFCC_PARAMETERS(format)) {                 \
        MFCC_FILL(n)                                                                   \
        return arm_rfft_init_##n##_##format(&S->rfft, 0, 1);                           \
    }

#define MFCC_OF_ANY_LENGTH(format)                                                     \
    arm_status arm_mfcc_init_##format(arm_mfcc_instance_##format *S, uint32_t fftLen,  \
                                      MFCC_PARAMETERS(format)) {                       \
        MFCC_FILL(fftLen)                                                              \
        return arm_rfft_init_##format(&S->rfft, fftLen, 0, 1);                         \
    }

#endif
