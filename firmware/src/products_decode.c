/* Coded weights of packed products, see products_decode.h. */
#include "products_decode.h"

/* By the sum of the four classes, then of their squares, largest first. */
const uint8_t products_quads[PRODUCTS_QUADS] = {
    255, 191, 239, 251, 254, 127, 223, 247, 253, 175, 187, 190, 235, 238, 250, 63,
    207, 243, 252, 111, 123, 126, 159, 183, 189, 219, 222, 231, 237, 246, 249, 171,
    174, 186, 234, 47, 59, 62, 143, 179, 188, 203, 206, 227, 236, 242, 248, 95,
    119, 125, 215, 221, 245, 107, 110, 122, 155, 158, 167, 173, 182, 185, 218, 230,
    233, 170, 31, 55, 61, 79, 115, 124, 199, 205, 211, 220, 241, 244, 43, 46,
    58, 139, 142, 163, 172, 178, 184, 202, 226, 232, 91, 94, 103, 109, 118, 121,
    151, 157, 181, 214, 217, 229, 106, 154, 166, 169, 15, 51, 60, 195, 204, 240,
    27, 30, 39, 45, 54, 57, 75, 78, 99, 108, 114, 120, 135, 141, 147, 156,
    177, 180, 198, 201, 210, 216, 225, 228, 42, 87, 93, 117, 138, 162, 168, 213,
    90, 102, 105, 150, 153, 165, 11, 14, 35, 44, 50, 56, 131, 140, 176, 194,
    200, 224, 23, 29, 53, 71, 77, 83, 92, 113, 116, 197, 209, 212, 26, 38,
    41, 74, 98, 104, 134, 137, 146, 152, 161, 164, 86, 89, 101, 149, 7, 13,
    19, 28, 49, 52, 67, 76, 112, 193, 196, 208, 10, 34, 40, 130, 136, 160,
    22, 25, 37, 70, 73, 82, 88, 97, 100, 133, 145, 148, 85, 3, 12, 48,
    192, 6, 9, 18, 24, 33, 36, 66, 72, 96, 129, 132, 144, 21, 69, 81,
    84, 2, 8, 32, 128, 5, 17, 20, 65, 68, 80, 1, 4, 16, 64, 0};

products_reader_t products_reader(const paritone_products_t *p)
{
    const int32_t groups = (p->window.out_channels + PRODUCTS_GROUP - 1) / PRODUCTS_GROUP;
    const int32_t *sixes = p->coded + PRODUCTS_CODES / 2;
    const products_reader_t reader = {p->coded, &sixes[groups * p->depth / 4 * 3], sixes, 0};
    return reader;
}

static uint32_t byte_of(const int32_t *words, uint32_t i)
{
    return (uint32_t)words[i / 4] >> i % 4 * 8 & 255U;
}

/* Classes of the next four weights. */
static uint32_t next_quad(products_reader_t *r)
{
    const uint32_t byte = r->at / 8;
    const uint32_t three = byte_of(r->codes, byte) << 24 | byte_of(r->codes, byte + 1) << 16 |
                           byte_of(r->codes, byte + 2) << 8;
    const uint32_t bits = three << r->at % 8;
    const uint32_t first = bits >> (32 - PRODUCTS_PEEK_BITS);
    const uint32_t entry = (uint32_t)r->lengths[first / 2] >> first % 2 * 16 & 0xFFFFU;
    const uint32_t rest = entry & 255U;
    r->at += 32U - rest;
    return products_quads[(bits >> rest) + (entry >> 8)];
}

/* Four times six bits, the sign inverted, and the classes of these weights. */
static int32_t joined(uint32_t sixes, uint32_t quad)
{
    const uint32_t classes = (quad | quad << 6 | quad << 12 | quad << 18) & 0x03030303U;
    const uint32_t sign = (sixes & 0x20202020U) ^ 0x20202020U;
    const uint32_t word = ((sixes ^ 0x20202020U) | sign << 1 | sign << 2) ^ classes << 5;
    return (int32_t)word;
}

void products_decode_c(products_reader_t *reader, int32_t words[PRODUCTS_RUN])
{
    uint32_t last = 0;
    for (int32_t i = 0; i < PRODUCTS_RUN - 1; i++) {
        const uint32_t sixes = (uint32_t)*reader->sixes++;
        last = last >> 2 | (sixes & 0xC0C0C0C0U);
        words[i] = joined(sixes & 0x3F3F3F3FU, next_quad(reader));
    }
    words[PRODUCTS_RUN - 1] = joined(last >> 2, next_quad(reader));
}

#if PARITONE_SIMD
/* Decoded where the unpacking, which goes upwards, has read each word before it writes there. */
const int32_t *products_decoded(const paritone_products_t *p, products_reader_t *reader,
                                int32_t *scratch)
{
    int32_t *words = &scratch[p->depth];
    products_decode_simd(reader, words, &words[p->depth]);
    products_unpack_simd(words, p->depth, scratch);
    return scratch;
}
#else
const int32_t *products_decoded(const paritone_products_t *p, products_reader_t *reader,
                                int32_t *scratch)
{
    for (int32_t k = 0; k < p->depth; k += PRODUCTS_RUN) {
        int32_t words[PRODUCTS_RUN];
        products_decode_c(reader, words);
        products_unpack_c(words, PRODUCTS_RUN, p->depth, k, scratch);
    }
    return scratch;
}
#endif
