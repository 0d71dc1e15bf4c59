/* Streams pcm.bin through the frontend in odd chunks; patches.bin gets every patch. */
#include "paritone.h"
#include "semihosting.h"

extern const paritone_frontend_t paritone_frontend;

enum { CHUNK = 777 };

static uint64_t memory[1 << 15], patch[1 << 14];
static paritone_stream_t stream;

static int write_patch(int results, int ready) {
    if (ready != 0) {
        if (paritone_stream_patch(&stream, patch) != PARITONE_OK) {
            return 1;
        }
        file_write(results, patch, paritone_frontend.patch_bytes);
    }
    return 0;
}

int main(void) {
    const int in = file_open("pcm.bin", MODE_READ), results = file_open("patches.bin", MODE_WRITE);
    static int16_t pcm[CHUNK];
    size_t bytes;
    int ready = 0;
    if (paritone_frontend.stream_bytes > sizeof memory ||
        paritone_frontend.patch_bytes > sizeof patch ||
        paritone_stream_init(&stream, &paritone_frontend, memory) != PARITONE_OK) {
        return 1;
    }
    while ((bytes = file_read(in, pcm, sizeof pcm)) != 0u) {
        for (size_t taken = 0; taken < bytes / 2u;) {
            taken += paritone_stream_push(&stream, pcm + taken, bytes / 2u - taken, &ready);
            if (write_patch(results, ready) != 0) {
                return 1;
            }
        }
    }
    if (paritone_stream_finish(&stream, &ready) != PARITONE_OK) {
        return 1;
    }
    return write_patch(results, ready);
}
