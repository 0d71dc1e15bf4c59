/*
 * Padding as np.pad's: a sample before or after the stream is zero, or one of the
 * stream's own. Mirrored samples repeat with a period, so that streams shorter than
 * their padding are mirrored more than once.
 */
#include "frontend_padding.h"

/* Which sample of a stream of n is the one `k` before its first, k >= 1: counted from the
 * first, negative for one of the padding that lies nearer to the stream. */
static ptrdiff_t source_before(uint8_t padding, ptrdiff_t k, ptrdiff_t n) {
    if (padding == PARITONE_PADDING_REFLECT) {
        return k < n ? k : (n > 1 ? 2 * n - 2 : 1) - k;
    }
    if (padding == PARITONE_PADDING_SYMMETRIC) {
        return k <= n ? k - 1 : 2 * n - k;
    }
    return 0; /* edge */
}

void frontend_pad_start(uint8_t padding, int16_t *pcm, size_t lead, size_t n) {
    for (size_t k = 1; k <= lead; k++) {
        const ptrdiff_t source = source_before(padding, (ptrdiff_t)k, (ptrdiff_t)n);
        pcm[lead - k] = padding == PARITONE_PADDING_CONSTANT ? 0 : pcm[(ptrdiff_t)lead + source];
    }
}

/* Which sample the one at `i` equals, i >= end; below i. */
static size_t source_after(uint8_t padding, size_t i, size_t end) {
    if (padding == PARITONE_PADDING_REFLECT) {
        return 2u * end - 2u - i;
    }
    return padding == PARITONE_PADDING_SYMMETRIC ? 2u * end - 1u - i : end - 1u;
}

void frontend_pad_end(uint8_t padding, int16_t *pcm, size_t end, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        pcm[i] = padding == PARITONE_PADDING_CONSTANT ? 0 : pcm[source_after(padding, i, end)];
    }
}
