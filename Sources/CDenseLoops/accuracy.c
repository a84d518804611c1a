#include "labels.h"

// The first of a row's largest scores is that of its class if none before it is as large, none behind it larger. A score
// that is not a number is passed over, except for the first, which nothing is larger than.

// Of up to sixteen rows, up to sixteen scores wide, a bit each: without a branch a row, for hits cannot be predicted.
MIO_INLINE uint32_t narrow_hits(
    const float *scores, int64_t width, const int32_t *class, int64_t count, int64_t last_whole) {
    typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));
    float head[16] = {0}, own[16] = {0};
    uint16_t larger[16] = {0}, equal[16] = {0};
    for (int64_t i = 0, at = 0; i < count; i++, at += width) {
        mio_lanes others = at <= last_whole ? mio_load(scores + at) : load_part(scores + at, width);
        head[i] = scores[at];
        own[i] = scores[at + class[i]];
        larger[i] = mio_bits(others > own[i]);
        equal[i] = mio_bits(others == own[i]);
    }
    mio_words classes = *(const mio_words *)class, one = (mio_words){0} + 1;
    mio_words before = __builtin_convertvector(*(const halves *)equal, mio_words) & ((one << classes) - 1);
    mio_words rivals = __builtin_convertvector(*(const halves *)larger, mio_words) | before;
    rivals &= (1 << width) - 1;
    return mio_bits((rivals == 0) & ((classes == 0) | (mio_load(head) < mio_load(own))));
}

MIO_INLINE void narrow_rows(
    const float *scores, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *weights, double *sum, double *count) {
    // A whole vector may be read where it ends within the rows.
    int64_t last_whole = rows * width - 16;
    for (int64_t first = 0; first < rows; first += 16) {
        int64_t some = rows - first < 16 ? rows - first : 16;
        struct labels labels = labels_of(targets + first, labelled + first, some);
        // No other target becomes an address.
        mio_words valid = (labels.targets >= 0.0f) & (labels.targets < (float)width);
        mio_words classes = __builtin_convertvector(mio_select(valid, labels.targets), mio_words);
        valid &= labels.labelled & (__builtin_convertvector(classes, mio_lanes) == labels.targets);
        int32_t class[16];
        *(mio_words *)class = classes;
        int64_t at = first * width;
        uint32_t hits = narrow_hits(scores + at, width, class, some, last_whole - at) & mio_bits(valid);
        uint32_t counted = mio_bits(labels.labelled);
        if (!weights) {
            *sum += __builtin_popcount(hits);
            *count += __builtin_popcount(counted);
        }
        for (int64_t i = 0; weights && i < some; i++) {
            double weight = weights[first + i];
            *sum += hits >> i & 1 ? weight : 0.0;
            *count += counted >> i & 1 ? weight : 0.0;
        }
    }
}

MIO_INLINE bool is_hit(const float *scores, int64_t width, int64_t class, bool readable) {
    if (class < 0 || class >= width || (class > 0 && !(scores[0] < scores[class]))) return false;
    mio_words lanes = mio_lane_numbers();
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

MIO_INLINE void wide_rows(
    const float *scores, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *weights, double *sum, double *count) {
    for (int64_t i = 0; i < rows; i++) {
        if (!labelled[i]) continue;
        double weight = weights ? weights[i] : 1.0;
        float target = targets[i];
        // No other target becomes an address.
        int64_t class = target >= 0.0f && target < (float)width ? (int64_t)target : -1;
        // Beyond the row lies the next one.
        bool readable = i * width + (width + 15) / 16 * 16 <= rows * width;
        *sum += weight * ((float)class == target && is_hit(scores + i * width, width, class, readable) ? 1.0 : 0.0);
        *count += weight;
    }
}

MIO_CLONES void mio_sparse_accuracy(
    const float *scores, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *weights, double *sum, double *count) {
    double hit = 0.0, all = 0.0;
    if (width <= 16) narrow_rows(scores, rows, width, targets, labelled, weights, &hit, &all);
    else wide_rows(scores, rows, width, targets, labelled, weights, &hit, &all);
    *sum = hit;
    *count = all;
}
