#include "clones.h"

// Whether the first of a row's largest scores is that of `class`: none before it is as large, none behind it larger. A
// score that is not a number is passed over, but for the first, which nothing is larger than.
MIO_INLINE bool is_hit(const float *scores, int64_t width, int64_t class, bool readable) {
    if (class < 0 || class >= width || (class > 0 && !(scores[0] < scores[class]))) return false;
    mio_words lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    mio_lanes own = (mio_lanes){0} + scores[class];
    for (int64_t j = 0; j < width; j += 16) {
        int64_t count = width - j < 16 ? width - j : 16;
        mio_lanes others = readable || count == 16 ? mio_load(scores + j) : load_part(scores + j, count);
        mio_words places = lanes + (int32_t)j;
        mio_words larger = (mio_words)(others > own) | ((mio_words)(others == own) & (places < (int32_t)class));
        if (__builtin_reduce_or(larger & mio_mask(count))) return false;
    }
    return true;
}

MIO_CLONES void mio_sparse_accuracy(
    const float *scores, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *weights, double *sum, double *count) {
    double hit = 0.0, all = 0.0;
    for (int64_t i = 0; i < rows; i++) {
        if (!labelled[i]) continue;
        double weight = weights ? weights[i] : 1.0;
        float target = targets[i];
        // No other target becomes an address.
        int64_t class = target >= 0.0f && target < (float)width ? (int64_t)target : -1;
        // Beyond a narrow row lies the next one.
        bool readable = i * width + (width + 15) / 16 * 16 <= rows * width;
        hit += weight * ((float)class == target && is_hit(scores + i * width, width, class, readable) ? 1.0 : 0.0);
        all += weight;
    }
    *sum = hit;
    *count = all;
}
