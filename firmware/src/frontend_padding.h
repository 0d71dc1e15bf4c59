/*
 * The padding around a stream. Inner functions: they trust frontend_stream.c.
 */
#ifndef PARITONE_FRONTEND_PADDING_H
#define PARITONE_FRONTEND_PADDING_H

#include "paritone.h"

/* pcm[0, lead): the padding before the samples pcm[lead, lead + n), n >= 1, as np.pad
 * extends a stream that ends there. It is the same for any longer stream as far as
 * lead < n (reflect) or lead <= n (symmetric). */
void frontend_pad_start(uint8_t padding, int16_t *pcm, size_t lead, size_t n);

/* pcm[from, to): the padding after a stream that ended before pcm[end], end <= from. What
 * it mirrors is to be held: to <= 2 * end, and for reflect one less. */
void frontend_pad_end(uint8_t padding, int16_t *pcm, size_t end, size_t from, size_t to);

#endif
