#ifndef C_PREFETCH_H
#define C_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

// Asks the caches for the start of a row that will be copied soon, eight lines at most: the hardware goes on with
// the rest by itself. Swift has no word for it. Nothing is read that a program could notice: any address may be given.
static inline void mio_prefetch_row(const void *row, size_t bytes) {
    const char *address = row;
    const size_t most = bytes < 512 ? bytes : 512;
    for (size_t offset = 0; offset < most; offset += 64) __builtin_prefetch(address + offset);
    if (most > 0) __builtin_prefetch(address + most - 1);
}

#endif
