/* The host's files and the end of the run, through semihosting. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

enum { MODE_READ = 1, MODE_WRITE = 5 };

/* Ends the run: QEMU's status is 0 for success, 1 for failure. */
void finish(int success) __attribute__((noreturn));

/* File opened with a MODE_; ends the run with failure when it cannot be. */
int file_open(const char *name, int mode);

/* Bytes read, 0 at the end of the file. */
size_t file_read(int file, void *data, size_t bytes);

/* Writes all or ends the run with failure. */
void file_write(int file, const void *data, size_t bytes);

#endif
