#include "frontend_lanes.h"

void lanes_look_up(const uint32_t *table, const uint32_t *place, size_t n, uint32_t *word) {
    for (size_t i = 0; i < n; i++) {
        word[i] = table[place[i]];
    }
}
