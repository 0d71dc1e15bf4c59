/*
 * Saturation, shared by the kernels.
 *
 * Right shifts of negative values floor: every compiler this builds on does so.
 */
#ifndef CMSIS_DSP_REF_Q15_H
#define CMSIS_DSP_REF_Q15_H

#include "cmsis_dsp_ref.h"

static inline q15_t saturate_q15(q31_t v) {
    return (q15_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* |v|, 0x7FFF of -1.0 */
static inline q15_t absolute_q15(q15_t v) { return saturate_q15(v < 0 ? -v : v); }

#endif
