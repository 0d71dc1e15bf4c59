/* Magnitudes of LANES frames in lockstep, some bins at a time: see frontend_root.h. */
#include "frontend_lanes.h"
#include "frontend_root.h"

enum { BINS = 8 };

/* What is between the steps of a few bins. */
typedef struct {
    words_t square[BINS], shift[BINS], place[BINS], word[BINS];
} roots_t;

static inline void normalise(const points_t *bin, words_t *square, words_t *shift,
                             words_t *place) {
    for (size_t i = 0; i < LANES; i++) {
        const root_t root = root_of(bin->re[i], bin->im[i]);
        square->lane[i] = root.square;
        shift->lane[i] = root.shift;
        place->lane[i] = root.square >> 23;
    }
}

static inline void interpolate(const words_t *square, const words_t *shift, const words_t *word,
                               words_t *magnitude) {
    for (size_t i = 0; i < LANES; i++) {
        const uint32_t root = root_q14(word->lane[i], square->lane[i]);
        magnitude->lane[i] = (root << 2) >> shift->lane[i];
    }
}

void lanes_magnitude(const uint32_t *root, const points_t *spectrum, size_t n,
                     words_t *magnitude) {
    roots_t r;
    for (size_t first = 0; first < n; first += BINS) {
        const size_t bins = n - first < BINS ? n - first : BINS;
        for (size_t k = 0; k < bins; k++) {
            normalise(&spectrum[first + k], &r.square[k], &r.shift[k], &r.place[k]);
        }
        lanes_look_up(root, r.place[0].lane, bins * LANES, r.word[0].lane);
        for (size_t k = 0; k < bins; k++) {
            interpolate(&r.square[k], &r.shift[k], &r.word[k], &magnitude[first + k]);
        }
    }
}
