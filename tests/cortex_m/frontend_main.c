/*
 * Streams pcm.bin through a frontend in chunks of 0 to 2047 samples; patches.bin gets every patch.
 * FRONTEND names the frontend: -DFRONTEND=paritone_frontend_fused for the fused transform.
 */
#include "paritone.h"
#include "semihosting.h"

#ifndef FRONTEND
#define FRONTEND paritone_frontend
#endif

extern const paritone_frontend_t FRONTEND;

enum { CHUNK = 2047 };

static uint64_t memory[1 << 15], patch[1 << 14];
static paritone_stream_t stream;

/* A chunk's size: mostly short ones, long ones too. */
static size_t next_size(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (state >> 21) >> (state >> 8) % 11u;
}

static int write_patch(int results, int ready) {
    if (ready != 0) {
        if (paritone_stream_patch(&stream, patch) != PARITONE_OK) {
            return 1;
        }
        file_write(results, patch, FRONTEND.patch_bytes);
    }
    return 0;
}

static int push(int results, const int16_t *pcm, size_t n) {
    int ready = 0;
    for (size_t taken = 0; taken < n;) {
        taken += paritone_stream_push(&stream, pcm + taken, n - taken, &ready);
        if (write_patch(results, ready) != 0) {
            return 1;
        }
    }
    return 0;
}

static int finish_stream(int results) {
    int ready = 0;
    do {
        if (paritone_stream_finish(&stream, &ready) != PARITONE_OK ||
            write_patch(results, ready) != 0) {
            return 1;
        }
    } while (ready != 0);
    return 0;
}

int main(void) {
    const int in = file_open("pcm.bin", MODE_READ), results = file_open("patches.bin", MODE_WRITE);
    static int16_t pcm[16 * CHUNK];
    size_t bytes;
    if (FRONTEND.stream_bytes > sizeof memory || FRONTEND.patch_bytes > sizeof patch ||
        paritone_stream_init(&stream, &FRONTEND, memory) != PARITONE_OK) {
        return 1;
    }
    while ((bytes = file_read(in, pcm, sizeof pcm)) != 0u) {
        const size_t n = bytes / 2u;
        for (size_t at = 0, size; at < n; at += size) {
            size = next_size();
            size = size < n - at ? size : n - at;
            if (push(results, pcm + at, size) != 0) {
                return 1;
            }
        }
    }
    return finish_stream(results);
}
