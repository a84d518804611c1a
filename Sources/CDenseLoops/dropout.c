#include "clones.h"

typedef uint32_t mio_counts __attribute__((vector_size(64), aligned(4)));
typedef uint64_t mio_products __attribute__((vector_size(64), aligned(4)));

// The halves of sixteen products.
MIO_INLINE void multiply(mio_counts a, uint32_t b, mio_counts *high, mio_counts *low) {
    const uint64_t lower = 0xffffffff;
    mio_products even = ((mio_products)a & lower) * b, odd = ((mio_products)a >> 32) * b;
    *high = (mio_counts)((even >> 32) | (odd & ~lower));
    *low = (mio_counts)((even & lower) | (odd << 32));
}

// Philox4x32-10 at sixteen counters, as MIOBase's Philox.
MIO_INLINE void philox(mio_counts words[4], uint32_t key0, uint32_t key1) {
    MIO_UNROLLED for (int round = 0; round < 10; round++) {
        mio_counts high0, low0, high1, low1;
        multiply(words[0], 0xD2511F53, &high0, &low0);
        multiply(words[2], 0xCD9E8D57, &high1, &low1);
        words[0] = high1 ^ words[1] ^ key0;
        words[1] = low1;
        words[2] = high0 ^ words[3] ^ key1;
        words[3] = low0;
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
}

#define MIO_LOWER(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define MIO_UPPER(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

// From the words of each counter together to a counter's words side by side.
MIO_INLINE void interleave(mio_counts words[4]) {
    mio_counts a = MIO_LOWER(words[0], words[2]), b = MIO_UPPER(words[0], words[2]);
    mio_counts c = MIO_LOWER(words[1], words[3]), d = MIO_UPPER(words[1], words[3]);
    words[0] = MIO_LOWER(a, c);
    words[1] = MIO_UPPER(a, c);
    words[2] = MIO_LOWER(b, d);
    words[3] = MIO_UPPER(b, d);
}

// Sixty-four elements at a time: four of each of sixteen counters.
MIO_INLINE void drop(
    const struct mio_drops d, uint64_t step, uint32_t first_sample, int64_t samples, const float *x, float *y,
    bool adds) {
    int64_t elements = d.pixels * d.lanes;
    // At a rate of 1 the threshold is 2³²: above every word.
    mio_words some = (mio_words){0} - (d.threshold <= UINT32_MAX);
    mio_counts threshold = (mio_counts){0} + (uint32_t)d.threshold;
    // Lanes of images in blocks: sixteen counters are some pixels' in one plane.
    mio_counts pattern;
    for (int i = 0; i < 16; i++) pattern[i] = (uint32_t)((i * 4 / d.lanes * d.channels + i * 4 % d.lanes) / 4);
    uint32_t stride = d.lanes < 64 ? (uint32_t)(64 / d.lanes * d.channels / 4) : 16;
    for (int64_t sample = 0; sample < samples; sample++) {
        for (int64_t plane = 0; plane < d.planes; plane++, x += elements, y += elements) {
            mio_counts block = pattern + (uint32_t)(plane * d.lanes / 4);
            for (int64_t i = 0; i < elements; i += 64, block += stride) {
                mio_counts none = {0};
                mio_counts words[4] = {
                    none + (uint32_t)step, none + (uint32_t)(step >> 32), block,
                    none + (first_sample + (uint32_t)sample)};
                philox(words, d.key[0], d.key[1]);
                interleave(words);
                for (int64_t part = 0, at = i; part < 4 && at < elements; part++, at += 16) {
                    int64_t count = elements - at < 16 ? elements - at : 16;
                    mio_words keeps = (mio_words)(words[part] >= threshold) & some;
                    // A dropped element is 0, whatever it was.
                    mio_lanes v = mio_select(keeps, load_some(x + at, count) * d.scale);
                    store_some(y + at, adds ? v + load_some(y + at, count) : v, count);
                }
            }
        }
    }
}

MIO_CLONES void mio_dropout(
    const struct mio_drops *drops, uint64_t step, uint32_t first_sample, int64_t samples, const float *x,
    float *y, bool adds) {
    drop(*drops, step, first_sample, samples, x, y, adds);
}
