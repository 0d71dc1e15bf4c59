/* semihosting.h for a program on the host. */
#include "semihosting.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *files[8];
static int opened;

void finish(int success) { exit(success ? 0 : 1); }

int file_open(const char *name, int mode) {
    files[opened] = fopen(name, mode == MODE_READ ? "rb" : "wb");
    if (files[opened] == NULL) {
        finish(0);
    }
    return opened++;
}

size_t file_read(int file, void *data, size_t bytes) { return fread(data, 1, bytes, files[file]); }

void file_write(int file, const void *data, size_t bytes) {
    if (fwrite(data, 1, bytes, files[file]) != bytes) {
        finish(0);
    }
}
