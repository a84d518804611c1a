// What every file here starts with.
#include "CDenseLoops.h"
#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define MIO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MIO_CLONES
#endif

// Into each clone of its callers: a function of its own would be compiled for the oldest machine only.
#define MIO_INLINE static inline __attribute__((always_inline))

// A product and a sum may be one fused instruction.
#pragma clang fp contract(fast)

// Vectors pass between inlined functions only: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

// Sixteen lanes, whatever the machine's registers hold; at any address.
typedef float mio_lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t mio_words __attribute__((vector_size(64), aligned(4)));

MIO_INLINE mio_lanes mio_load(const float *p) { return *(const mio_lanes *)p; }
MIO_INLINE void mio_store(float *p, mio_lanes v) { *(mio_lanes *)p = v; }
