// Convolutions on tiles by AMX: eight registers of sixteen lines of 64 bytes, and a product that adds to one.
#include "tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push( \
    __attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16,prfchw"))), apply_to = function)
#define MIO_WIDTH 16
#include "clones.h"

// Four sums, two factors of the lines and two of the columns.
enum { sum_00, sum_01, sum_10, sum_11, left_0, left_1, right_0, right_1 };

struct tiles { int unused; };

MIO_INLINE void tiles_begin(struct tiles *tiles) {
    (void)tiles;
    struct __attribute__((packed)) {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t lines[16];
    } configuration = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        configuration.bytes[i] = 64;
        configuration.lines[i] = 16;
    }
    _tile_loadconfig(&configuration);
}

MIO_INLINE void tiles_end(struct tiles *tiles) {
    (void)tiles;
    _tile_release();
}

#define tile_zero(tiles, place) _tile_zero(place)
#define tile_load(tiles, place, from, stride) _tile_loadd(place, from, stride)
#define tile_store(tiles, place, to, stride) _tile_stored(place, to, stride)
#define tile_multiply(tiles, sum, left, right) _tile_dpbf16ps(sum, left, right)

// Thirty-two numbers rounded to bfloat16: the sixteen of `first`, then those of `second`.
MIO_INLINE __m512i rounded(mio_lanes first, mio_lanes second) {
    return (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

MIO_INLINE void store_side_by_side(uint16_t *to, mio_lanes first, mio_lanes second) {
    _mm512_storeu_si512(to, rounded(first, second));
}

// Pairs: of each lane the number of `first`, then that of `second`.
MIO_INLINE mio_words pairs_of(mio_lanes first, mio_lanes second) {
    const __m512i lanes = _mm512_set_epi16(
        31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17,
        1, 16, 0);
    return (mio_words)_mm512_permutexvar_epi16(lanes, rounded(first, second));
}

#define MIO_TILED(name) mio_tiled_amx_##name
#include "tiled_passes.h"
#pragma clang attribute pop
#endif
