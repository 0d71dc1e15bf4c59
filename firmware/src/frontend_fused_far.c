/* The fused transform of more points: stages of more than 16 blocks, which others do not link. */
#include "frontend_fused.h"

const void *paritone_transform_fused_far(const paritone_frontend_t *f, const int16_t *pcm,
                                         unsigned headroom, void *scratch,
                                         paritone_stage_t last) {
    fused_t state;
    if (last == PARITONE_STAGE_WINDOW) {
        frontend_fused_window(f, pcm, headroom, scratch);
        return scratch;
    }
    frontend_fused_start(f, pcm, headroom, scratch, &state);
    while (state.quarter > 1u) {
        frontend_fused_stage(f, frontend_fused_middle_far, &state);
    }
    return frontend_fused_end(f, &state, last);
}
