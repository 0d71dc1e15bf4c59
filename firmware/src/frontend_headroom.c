/*
 * A stream's windows overlap. Cut at every common divisor of hop and window length, they
 * share parts; the least headroom of its parts is a window's.
 */
#include "frontend_stages.h"

static uint32_t common_divisor(uint32_t a, uint32_t b) {
    while (b != 0u) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void frontend_headroom_start(paritone_headroom_t *h, uint32_t hop, uint32_t window_length) {
    uint32_t part = common_divisor(hop, window_length);
    if (window_length > part * PARITONE_HEADROOM_PARTS) {
        part = window_length;
    }
    const uint32_t parts = window_length / part;
    h->part_samples = part;
    h->parts = (uint8_t)parts;
    h->step = (uint8_t)(hop < window_length && parts > 1u ? hop / part : parts);
    h->fresh = h->parts;
}

unsigned frontend_headroom_next(paritone_headroom_t *h, const int16_t *pcm) {
    const uint32_t parts = h->parts, fresh = h->fresh, known = parts - fresh;
    unsigned least = 15u;
    pcm += known * h->part_samples;
    for (uint32_t i = 0; i < parts; i++) {
        unsigned part;
        if (i < known) {
            part = h->part[i + fresh];
        } else {
            part = frontend_headroom(pcm, h->part_samples);
            pcm += h->part_samples;
        }
        h->part[i] = (uint8_t)part;
        least = part < least ? part : least;
    }
    h->fresh = h->step;
    return least;
}
