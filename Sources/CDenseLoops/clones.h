// What every file here starts with.
#ifndef MIO_CLONES_H
#define MIO_CLONES_H
#include "CDenseLoops.h"
#include <math.h>
#include <string.h>

// A sanitizer's code cannot run yet when the loader chooses among clones.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
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

// Before a loop over an array that is to live in registers.
#define MIO_UNROLLED _Pragma("clang loop unroll(full)")

// Sixteen lanes, whatever the machine's registers hold, unless a file has asked for fewer; at any address.
#ifndef MIO_WIDTH
#define MIO_WIDTH 16
#endif
typedef float mio_lanes __attribute__((vector_size(4 * MIO_WIDTH), aligned(4)));
typedef int32_t mio_words __attribute__((vector_size(4 * MIO_WIDTH), aligned(4)));

MIO_INLINE mio_lanes mio_load(const float *p) { return *(const mio_lanes *)p; }
MIO_INLINE void mio_store(float *p, mio_lanes v) { *(mio_lanes *)p = v; }

// One number in every lane: of x + 0 it could not leave out the addition, for −0.
MIO_INLINE mio_lanes mio_splat(float x) { return x - (mio_lanes){0}; }

// The first `count` lanes, the others zero.
MIO_INLINE mio_lanes load_part(const float *p, int64_t count) {
    float values[MIO_WIDTH] = {0};
    for (int64_t i = 0; i < count; i++) values[i] = p[i];
    return mio_load(values);
}

MIO_INLINE void store_part(float *p, mio_lanes v, int64_t count) {
    float values[MIO_WIDTH];
    mio_store(values, v);
    for (int64_t i = 0; i < count; i++) p[i] = values[i];
}

MIO_INLINE mio_lanes mio_select(mio_words mask, mio_lanes v) { return (mio_lanes)((mio_words)v & mask); }

MIO_INLINE mio_lanes mio_blend(mio_words mask, mio_lanes a, mio_lanes b) {
    return (mio_lanes)(((mio_words)a & mask) | ((mio_words)b & ~mask));
}

// Up to all lanes, which most often are as many.
MIO_INLINE mio_lanes load_some(const float *p, int64_t count) {
    return count == MIO_WIDTH ? mio_load(p) : load_part(p, count);
}

MIO_INLINE void store_some(float *p, mio_lanes v, int64_t count) {
    if (count == MIO_WIDTH) mio_store(p, v);
    else store_part(p, v, count);
}

#if MIO_WIDTH == 16

// Whether the lanes are one register.
MIO_INLINE bool mio_is_wide(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f");
#else
    return false;
#endif
}

MIO_INLINE mio_words mio_lane_numbers(void) {
    return (mio_words){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

// All bits of the lanes before `count`.
MIO_INLINE mio_words mio_mask(int64_t count) {
    return mio_lane_numbers() < (mio_words){0} + (int32_t)(count < 16 ? count : 16);
}

// A bit a lane of a mask.
MIO_INLINE uint16_t mio_bits(mio_words mask) {
    typedef bool flags __attribute__((ext_vector_type(16)));
    union { flags flags; uint16_t bits; } lanes = {__builtin_convertvector(mask, flags)};
    return lanes.bits;
}

// The sum of all lanes, halves folded onto each other.
#define MIO_FOLD(v, a, b, c, d, e, f, g, h) __builtin_shufflevector(v, v, a, b, c, d, e, f, g, h, 8, 9, 10, 11, 12, 13, 14, 15)

MIO_INLINE float mio_sum(mio_lanes v) {
    v += MIO_FOLD(v, 8, 9, 10, 11, 12, 13, 14, 15);
    v += MIO_FOLD(v, 4, 5, 6, 7, 4, 5, 6, 7);
    v += MIO_FOLD(v, 2, 3, 2, 3, 2, 3, 2, 3);
    return v[0] + v[1];
}

// Up to sixteen elements of a row from `at` on, of which and behind which `readable` are memory; what lies behind the row
// is whatever it is.
MIO_INLINE mio_lanes mio_load_row(const float *row, int64_t width, int64_t at, int64_t readable) {
    return load_some(row + at, readable - at < 16 ? width - at : 16);
}

// The largest element of a row; what is not a number is passed over.
MIO_INLINE float mio_largest_of_row(const float *row, int64_t width, int64_t readable) {
    mio_lanes most = (mio_lanes){0} - INFINITY;
    for (int64_t i = 0; i < width; i += 16) {
        mio_lanes v = mio_load_row(row, width, i, readable);
        most = mio_blend(mio_mask(width - i) & (mio_words)(v > most), v, most);
    }
    float lanes[16];
    mio_store(lanes, most);
    float largest = lanes[0];
    for (int lane = 1; lane < 16; lane++) largest = lanes[lane] > largest ? lanes[lane] : largest;
    return largest;
}

#endif // MIO_WIDTH

#endif
