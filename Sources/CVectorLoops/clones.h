// What the loops of 32-bit numbers start with.
#ifndef MIO_VECTOR_CLONES_H
#define MIO_VECTOR_CLONES_H
#include <stdint.h>
#include <string.h>

// Arm needs no clones: its vector unit is in the baseline.
// A sanitizer's code cannot run yet when the loader chooses among clones.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
// The fourth level has a product of 64-bit words.
#define WORD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTOR_CLONES
#define WORD_CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

// Without its sign, a float's bits grow with it; infinity comes after all that are finite, NaN after infinity.
static const uint32_t infinity = 0x7f800000u;

INLINE uint32_t magnitude(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffffu;
}

INLINE uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

#endif
