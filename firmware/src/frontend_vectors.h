/*
 * One 32-bit value of each of LANES frames, and what frames in lockstep do with them. On
 * hosts with AVX-512 an instruction or a few for 16 frames, as compilers miss the
 * multiplications of every other lane; elsewhere, and with -DPARITONE_PLAIN_C, plain C, one
 * frame at a time. The same bits.
 */
#ifndef PARITONE_FRONTEND_VECTORS_H
#define PARITONE_FRONTEND_VECTORS_H

#include <string.h>

#include "frontend_curves.h"
#include "frontend_points.h"
#include "frontend_root.h"

#if defined(__AVX512F__) && defined(__AVX512CD__) && !defined(PARITONE_PLAIN_C)
#include <immintrin.h>

enum { LANES = 16 };

typedef __m512i vector_t;

/* 64-bit products of lanes 0, 2, .. and of lanes 1, 3, .. */
typedef struct {
    __m512i even, odd;
} products_t;

static inline vector_t vector_load(const void *x) { return _mm512_loadu_si512(x); }

static inline void vector_store(void *x, vector_t v) { _mm512_storeu_si512(x, v); }

static inline vector_t vector_add(vector_t a, vector_t b) { return _mm512_add_epi32(a, b); }

static inline vector_t vector_sub(vector_t a, vector_t b) { return _mm512_sub_epi32(a, b); }

static inline vector_t vector_mask(vector_t v, uint32_t bits) {
    return _mm512_and_si512(v, _mm512_set1_epi32((int)bits));
}

static inline vector_t vector_shift_up(vector_t v, unsigned n) {
    return _mm512_slli_epi32(v, n);
}

static inline vector_t vector_shift_down(vector_t v, unsigned n) {
    return _mm512_srai_epi32(v, n);
}

static inline vector_t vector_shift_up_each(vector_t v, vector_t n) {
    return _mm512_sllv_epi32(v, n);
}

static inline products_t vector_multiply(vector_t v, vector_t w) {
    const products_t p = {_mm512_mul_epi32(v, w), _mm512_mul_epi32(_mm512_srli_epi64(v, 32),
                                                                   _mm512_srli_epi64(w, 32))};
    return p;
}

static inline products_t vector_scale(vector_t v, int32_t factor) {
    const __m512i w = _mm512_set1_epi32(factor);
    const products_t p = {_mm512_mul_epi32(v, w), _mm512_mul_epi32(_mm512_srli_epi64(v, 32), w)};
    return p;
}

/* High words: the odd lanes' are in place, the even ones' come down. */
static inline vector_t vector_high(products_t p) {
    return _mm512_mask_shuffle_epi32(p.odd, 0x5555, p.even, (_MM_PERM_ENUM)0xf5);
}

static inline vector_t vector_round_high(products_t p) {
    const __m512i half = _mm512_set1_epi64(INT64_C(0x80000000));
    const products_t sum = {_mm512_add_epi64(p.even, half), _mm512_add_epi64(p.odd, half)};
    return vector_high(sum);
}

static inline vector_t vector_round_high_negative(products_t p) {
    const __m512i half = _mm512_set1_epi64(INT64_C(0x80000000));
    const products_t sum = {_mm512_sub_epi64(half, p.even), _mm512_sub_epi64(half, p.odd)};
    return vector_high(sum);
}

/* magnitude_of */
static inline vector_t vector_magnitude(const uint32_t *table, vector_t re, vector_t im) {
    const __m512i one = _mm512_set1_epi32(1);
    const __m512i re_changes = _mm512_xor_si512(re, _mm512_slli_epi32(re, 1));
    const __m512i im_changes = _mm512_xor_si512(im, _mm512_slli_epi32(im, 1));
    const __m512i changes = _mm512_or_si512(_mm512_or_si512(re_changes, im_changes), one);
    const __m512i shift = _mm512_lzcnt_epi32(changes);
    const __m512i x = _mm512_sllv_epi32(re, shift), y = _mm512_sllv_epi32(im, shift);
    const __m512i s = _mm512_add_epi32(vector_high(vector_multiply(x, x)),
                                       vector_high(vector_multiply(y, y)));
    const __m512i word = _mm512_i32gather_epi32(_mm512_srli_epi32(s, 23), table, 4);
    const __m512i line = vector_high(vector_multiply(s, _mm512_slli_epi32(word, 16)));
    const __m512i root = _mm512_slli_epi32(_mm512_add_epi32(word, line), 2);
    const __m512i half = _mm512_srli_epi32(_mm512_sllv_epi32(one, shift), 1);
    return _mm512_srlv_epi32(_mm512_add_epi32(root, half), shift);
}

static inline vector_t vector_look_up(const uint32_t *table, vector_t place) {
    return _mm512_i32gather_epi32(place, table, 4);
}

/* binary_of each lane of raised(sum, offset, floor): mantissas; *octave */
static inline vector_t vector_binary(const uint64_t *sum, const uint64_t *offset,
                                     const uint64_t *floor, vector_t *octave) {
    __m256i mantissas[2], zeros[2];
    for (int i = 0; i < 2; i++) {
        const __m512i v = _mm512_max_epu64(_mm512_add_epi64(_mm512_loadu_si512(sum + 8 * i),
                                                            _mm512_loadu_si512(offset + 8 * i)),
                                           _mm512_loadu_si512(floor + 8 * i));
        const __m512i n = _mm512_lzcnt_epi64(v);
        mantissas[i] = _mm512_cvtepi64_epi32(_mm512_srli_epi64(_mm512_sllv_epi64(v, n), 32));
        zeros[i] = _mm512_cvtepi64_epi32(n);
    }
    const __m512i all = _mm512_inserti64x4(_mm512_castsi256_si512(zeros[0]), zeros[1], 1);
    *octave = _mm512_sub_epi32(_mm512_set1_epi32(63), all);
    return _mm512_inserti64x4(_mm512_castsi256_si512(mantissas[0]), mantissas[1], 1);
}

/* 64-bit sums, the even lanes' and the odd lanes' apart. */
typedef products_t wide_t;

static inline wide_t wide_zero(void) {
    const wide_t zero = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    return zero;
}

/* sum + v, v and factor unsigned. */
static inline wide_t wide_add(wide_t sum, vector_t v) {
    const __m512i low = _mm512_set1_epi64(INT64_C(0xffffffff));
    const wide_t done = {_mm512_add_epi64(sum.even, _mm512_and_si512(v, low)),
                         _mm512_add_epi64(sum.odd, _mm512_srli_epi64(v, 32))};
    return done;
}

/* sum + v factor */
static inline wide_t wide_add_product(wide_t sum, vector_t v, uint32_t factor) {
    const __m512i w = _mm512_set1_epi32((int)factor);
    const wide_t done = {
        _mm512_add_epi64(sum.even, _mm512_mul_epu32(v, w)),
        _mm512_add_epi64(sum.odd, _mm512_mul_epu32(_mm512_srli_epi64(v, 32), w))};
    return done;
}

/* (a << shift) - b */
static inline wide_t wide_sub(wide_t a, unsigned shift, wide_t b) {
    const wide_t done = {_mm512_sub_epi64(_mm512_slli_epi64(a.even, shift), b.even),
                         _mm512_sub_epi64(_mm512_slli_epi64(a.odd, shift), b.odd)};
    return done;
}

static inline wide_t wide_sum(wide_t a, wide_t b) {
    const wide_t sum = {_mm512_add_epi64(a.even, b.even), _mm512_add_epi64(a.odd, b.odd)};
    return sum;
}

/* Lane by lane to x[LANES]. */
static inline void wide_store(uint64_t *x, wide_t sum) {
    const __m512i low = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const __m512i high = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    _mm512_storeu_si512(x, _mm512_permutex2var_epi64(sum.even, low, sum.odd));
    _mm512_storeu_si512(x + 8, _mm512_permutex2var_epi64(sum.even, high, sum.odd));
}

#else

enum { LANES = 1 }; /* more are slower: compilers keep such arrays in memory */

#define EACH_LANE for (unsigned i = 0; i < LANES; i++)

typedef struct {
    int32_t lane[LANES];
} vector_t;

typedef struct {
    int64_t lane[LANES];
} products_t;

static inline vector_t vector_load(const void *x) {
    vector_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline void vector_store(void *x, vector_t v) { memcpy(x, &v, sizeof v); }

static inline vector_t vector_add(vector_t a, vector_t b) {
    vector_t sum;
    EACH_LANE { sum.lane[i] = add32(a.lane[i], b.lane[i]); }
    return sum;
}

static inline vector_t vector_sub(vector_t a, vector_t b) {
    vector_t difference;
    EACH_LANE { difference.lane[i] = sub32(a.lane[i], b.lane[i]); }
    return difference;
}

static inline vector_t vector_mask(vector_t v, uint32_t bits) {
    EACH_LANE { v.lane[i] = (int32_t)((uint32_t)v.lane[i] & bits); }
    return v;
}

static inline vector_t vector_shift_up(vector_t v, unsigned n) {
    EACH_LANE { v.lane[i] = shift_up32(v.lane[i], n); }
    return v;
}

static inline vector_t vector_shift_down(vector_t v, unsigned n) {
    EACH_LANE { v.lane[i] >>= n; }
    return v;
}

static inline vector_t vector_shift_up_each(vector_t v, vector_t n) {
    EACH_LANE { v.lane[i] = shift_up32(v.lane[i], (unsigned)n.lane[i]); }
    return v;
}

static inline products_t vector_scale(vector_t v, int32_t factor) {
    products_t p;
    EACH_LANE { p.lane[i] = (int64_t)v.lane[i] * factor; }
    return p;
}

static inline vector_t vector_high(products_t p) {
    vector_t high;
    EACH_LANE { high.lane[i] = (int32_t)(p.lane[i] >> 32); }
    return high;
}

static inline vector_t vector_round_high(products_t p) {
    vector_t high;
    EACH_LANE { high.lane[i] = round_high32(p.lane[i]); }
    return high;
}

static inline vector_t vector_round_high_negative(products_t p) {
    vector_t high;
    EACH_LANE { high.lane[i] = round_high32(-p.lane[i]); }
    return high;
}

static inline vector_t vector_magnitude(const uint32_t *table, vector_t re, vector_t im) {
    vector_t m;
    EACH_LANE { m.lane[i] = (int32_t)magnitude_of(table, re.lane[i], im.lane[i]); }
    return m;
}

static inline vector_t vector_look_up(const uint32_t *table, vector_t place) {
    EACH_LANE { place.lane[i] = (int32_t)table[place.lane[i]]; }
    return place;
}

static inline vector_t vector_binary(const uint64_t *sum, const uint64_t *offset,
                                     const uint64_t *floor, vector_t *octave) {
    vector_t mantissa;
    EACH_LANE {
        const binary_t v = binary_of(raised(sum[i], offset[i], floor[i]));
        mantissa.lane[i] = (int32_t)v.mantissa;
        octave->lane[i] = v.octave;
    }
    return mantissa;
}

typedef struct {
    uint64_t lane[LANES];
} wide_t;

static inline wide_t wide_zero(void) {
    const wide_t zero = {{0}};
    return zero;
}

static inline wide_t wide_add(wide_t sum, vector_t v) {
    EACH_LANE { sum.lane[i] += (uint32_t)v.lane[i]; }
    return sum;
}

static inline wide_t wide_add_product(wide_t sum, vector_t v, uint32_t factor) {
    EACH_LANE { sum.lane[i] += (uint64_t)(uint32_t)v.lane[i] * factor; }
    return sum;
}

static inline wide_t wide_sub(wide_t a, unsigned shift, wide_t b) {
    EACH_LANE { a.lane[i] = (a.lane[i] << shift) - b.lane[i]; }
    return a;
}

static inline wide_t wide_sum(wide_t a, wide_t b) {
    EACH_LANE { a.lane[i] += b.lane[i]; }
    return a;
}

static inline void wide_store(uint64_t *x, wide_t sum) { memcpy(x, &sum, sizeof sum); }

#endif

#endif
