// Convolutions on tiles without instructions for them: the same numbers in the same order, for tests on any processor.
// No plan takes it: it is slow.
#define MIO_WIDTH 16
#include "clones.h"
#include "tiles.h"

enum { sum_00, sum_01, sum_10, sum_11, left_0, left_1, right_0, right_1 };

// A register: sixteen lines of sixteen sums, or of sixteen pairs of bfloat16.
union tile { float sums[16][16]; uint16_t factors[16][32]; };
struct tiles { union tile tile[8]; };

MIO_INLINE void tiles_begin(struct tiles *tiles) { memset(tiles, 0, sizeof *tiles); }
MIO_INLINE void tiles_end(struct tiles *tiles) { (void)tiles; }
MIO_INLINE void tile_zero(struct tiles *tiles, int place) { memset(&tiles->tile[place], 0, sizeof(union tile)); }

MIO_INLINE void tile_load(struct tiles *tiles, int place, const void *from, int64_t stride) {
    for (int line = 0; line < 16; line++) {
        memcpy(tiles->tile[place].sums[line], (const char *)from + line * stride, 64);
    }
}

MIO_INLINE void tile_store(struct tiles *tiles, int place, void *to, int64_t stride) {
    for (int line = 0; line < 16; line++) {
        memcpy((char *)to + line * stride, tiles->tile[place].sums[line], 64);
    }
}

MIO_INLINE float widened(uint16_t factor) {
    union { uint32_t bits; float value; } wide = {.bits = (uint32_t)factor << 16};
    return wide.value;
}

MIO_INLINE void tile_multiply(struct tiles *tiles, int sum, int left, int right) {
    union tile *tile = tiles->tile;
    for (int line = 0; line < 16; line++) {
        for (int pair = 0; pair < 16; pair++) {
            float first = widened(tile[left].factors[line][2 * pair]);
            float second = widened(tile[left].factors[line][2 * pair + 1]);
            for (int column = 0; column < 16; column++) {
                tile[sum].sums[line][column] += first * widened(tile[right].factors[pair][2 * column])
                    + second * widened(tile[right].factors[pair][2 * column + 1]);
            }
        }
    }
}

// To the nearest bfloat16, of two equally near ones the even one; what is no number stays none.
MIO_INLINE uint16_t rounded(float value) {
    union { float value; uint32_t bits; } wide = {.value = value};
    if (value != value) return (uint16_t)(wide.bits >> 16 | 0x40);
    return (uint16_t)((wide.bits + 0x7fff + (wide.bits >> 16 & 1)) >> 16);
}

MIO_INLINE void store_side_by_side(uint16_t *to, mio_lanes first, mio_lanes second) {
    for (int lane = 0; lane < 16; lane++) {
        to[lane] = rounded(first[lane]);
        to[16 + lane] = rounded(second[lane]);
    }
}

MIO_INLINE mio_words pairs_of(mio_lanes first, mio_lanes second) {
    mio_words pairs;
    for (int lane = 0; lane < 16; lane++) {
        pairs[lane] = (int32_t)((uint32_t)rounded(second[lane]) << 16 | rounded(first[lane]));
    }
    return pairs;
}

#define MIO_TILED(name) mio_tiled_plain_##name
#include "tiled_passes.h"
