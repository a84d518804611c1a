#include "logarithm.h"

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
                    // A dropped element is what it is, whatever it was.
                    mio_lanes v = mio_blend(
                        keeps, load_some(x + at, count) * d.scale + d.shift, mio_splat(d.dropped));
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

// Of u from 0 to 1 the sine and cosine of 2πu: of the angle to the nearest quarter by polynomials, within 1e-7.
MIO_INLINE void turns(mio_lanes u, mio_lanes *sine, mio_lanes *cosine) {
    mio_lanes shift = mio_splat(0x1.8p23f), shifted = u * 4.0f + shift;
    mio_words quarter = (mio_words)shifted;
    mio_lanes a = (u * 4.0f - (shifted - shift)) * 1.57079632679489662f, z = a * a;
    mio_lanes s = mio_splat(2.7557319e-6f), c = mio_splat(-2.7557319e-7f);
    s = s * z - 1.9841270e-4f;
    s = s * z + 8.3333333e-3f;
    s = s * z - 1.6666667e-1f;
    s = s * z * a + a;
    c = c * z + 2.4801587e-5f;
    c = c * z - 1.3888889e-3f;
    c = c * z + 4.1666667e-2f;
    c = c * z - 0.5f;
    c = c * z + 1.0f;
    mio_words odd = -(quarter & 1);
    mio_lanes first = mio_blend(odd, c, s), second = mio_blend(odd, s, c);
    // The quarters change signs: of the sine the second two, of the cosine the middle two.
    *sine = (mio_lanes)((mio_words)first ^ ((quarter & 2) << 30));
    *cosine = (mio_lanes)((mio_words)second ^ (((quarter + 1) & 2) << 30));
}

MIO_INLINE mio_lanes root(mio_lanes x) {
    float values[16];
    mio_store(values, x);
    for (int i = 0; i < 16; i++) values[i] = sqrtf(values[i]);
    return mio_load(values);
}

// Normal numbers of the first two words of counters, and of their last two: √(−2 ln u) · cos 2πv and · sin 2πv.
MIO_INLINE void normals(mio_counts words[4]) {
    MIO_UNROLLED for (int pair = 0; pair < 4; pair += 2) {
        // Of 24 bits each; u is above 0.
        mio_lanes u = __builtin_convertvector((mio_words)(words[pair] >> 8), mio_lanes) * 0x1p-24f + 0x1p-25f;
        mio_lanes v = __builtin_convertvector((mio_words)(words[pair + 1] >> 8), mio_lanes) * 0x1p-24f;
        mio_lanes sine, cosine, length = root(logarithms(u) * -2.0f);
        turns(v, &sine, &cosine);
        words[pair] = (mio_counts)(length * cosine);
        words[pair + 1] = (mio_counts)(length * sine);
    }
}

MIO_INLINE void noise(
    bool multiplies, const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t elements,
    float deviation, const float *x, float *y, bool adds) {
    for (int64_t sample = 0; sample < samples; sample++, x += elements, y += elements) {
        mio_counts block = (mio_counts)mio_lane_numbers();
        for (int64_t i = 0; i < elements; i += 64, block += 16) {
            mio_counts none = {0};
            mio_counts words[4] = {
                none + (uint32_t)step, none + (uint32_t)(step >> 32), block,
                none + (first_sample + (uint32_t)sample)};
            philox(words, key[0], key[1]);
            normals(words);
            interleave(words);
            for (int64_t part = 0, at = i; part < 4 && at < elements; part++, at += 16) {
                int64_t count = elements - at < 16 ? elements - at : 16;
                mio_lanes n = (mio_lanes)words[part] * deviation, v = load_some(x + at, count);
                v = multiplies ? v * (n + 1.0f) : v + n;
                store_some(y + at, adds ? v + load_some(y + at, count) : v, count);
            }
        }
    }
}

MIO_CLONES void mio_add_noise(
    const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t count, float deviation,
    const float *x, float *y) {
    noise(false, key, step, first_sample, samples, count, deviation, x, y, false);
}

MIO_CLONES void mio_multiply_noise(
    const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t count, float deviation,
    const float *x, float *y, bool adds) {
    noise(true, key, step, first_sample, samples, count, deviation, x, y, adds);
}
