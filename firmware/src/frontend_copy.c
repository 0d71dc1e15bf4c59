#include <string.h>

#include "frontend_stages.h"

/* Eight samples by words, at any alignment, all read before one is written. */
static void copy_eight(int16_t *to, const int16_t *from) {
    uint32_t a, b, c, d;
    memcpy(&a, from, 4);
    memcpy(&b, from + 2, 4);
    memcpy(&c, from + 4, 4);
    memcpy(&d, from + 6, 4);
    memcpy(to, &a, 4);
    memcpy(to + 2, &b, 4);
    memcpy(to + 4, &c, 4);
    memcpy(to + 6, &d, 4);
}

/* The C library's copy may be a loop over bytes. */
void frontend_copy_c(int16_t *to, const int16_t *from, size_t n) {
    for (; n >= 8u; n -= 8u) {
        copy_eight(to, from);
        to += 8;
        from += 8;
    }
    for (; n != 0u; n--) {
        *to++ = *from++;
    }
}
