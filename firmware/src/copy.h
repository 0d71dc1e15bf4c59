/* Runs of bytes, by words: a library's memcpy and memset may go byte by byte. */
#ifndef PARITONE_COPY_H
#define PARITONE_COPY_H

#include <stdint.h>
#include <string.h>

/* n >= 0 bytes; `to` and `from` do not overlap. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, int32_t n)
{
    for (; n >= 16; n -= 16) {
        uint32_t words[4];
        memcpy(words, from, sizeof words);
        memcpy(to, words, sizeof words);
        to += sizeof words;
        from += sizeof words;
    }
    for (; n > 0; n--) {
        *to++ = *from++;
    }
}

/* n >= 0 times `value`. */
static inline void fill_bytes(uint8_t *to, uint8_t value, int32_t n)
{
    const uint32_t word = value * UINT32_C(0x01010101);
    const uint32_t words[4] = {word, word, word, word};
    for (; n >= 16; n -= 16) {
        memcpy(to, words, sizeof words);
        to += sizeof words;
    }
    for (; n > 0; n--) {
        *to++ = value;
    }
}

#endif
