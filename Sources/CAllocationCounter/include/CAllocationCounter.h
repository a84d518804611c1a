/// Counts what a thread allocates, in a program that this is linked into.
///
/// A training step is to allocate nothing, which can only be shown by looking: swift-nio's benchmarks do it the
/// same way. Link it into programs that measure; never into one that trains.

#ifndef MIO_ALLOCATION_COUNTER_H
#define MIO_ALLOCATION_COUNTER_H

#include <stdint.h>

/// Whether allocations are counted on this system: with glibc. Elsewhere the count stays 0 and means nothing.
int32_t mio_counts_allocations(void);

/// How often the calling thread has called malloc, calloc, realloc or one of their aligned kin, since it began.
/// From Swift, C and C++ alike; `swift_allocObject` and `new` end there too.
int64_t mio_thread_allocations(void);

/// How many of those happened inside oneDNN's execution of a primitive, which are the library's and not ours to
/// remove: version 2 builds a table of the arguments for each call.
int64_t mio_thread_allocations_in_onednn(void);

#endif
