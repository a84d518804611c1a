#include "clones.h"

// Where a row's loops read whole vectors: nothing beyond the row.
#define MIO_FOR_VECTORS(j, width) for (int64_t j = 0; j < (width); j += 16)

MIO_INLINE mio_lanes vector_at(const float *row, int64_t width, int64_t j) {
    return load_some(row + j, width - j < 16 ? width - j : 16);
}

MIO_INLINE int64_t first_largest(const float *row, int64_t width) {
    mio_lanes most = mio_splat(row[0]);
    MIO_FOR_VECTORS(j, width) {
        mio_lanes v = vector_at(row, width, j);
        most = mio_blend(mio_mask(width - j) & (mio_words)(v > most), v, most);
    }
    float largest = mio_largest(most);
    MIO_FOR_VECTORS(j, width) {
        mio_words equal = (mio_words)(vector_at(row, width, j) == largest) & mio_mask(width - j);
        if (mio_bits(equal)) return j + __builtin_ctz(mio_bits(equal));
    }
    // The first is not a number: nothing is larger than that.
    return 0;
}

MIO_CLONES int64_t mio_first_largest(const float *row, int64_t width) { return first_largest(row, width); }

MIO_INLINE int64_t count_larger(const float *row, int64_t width, float value) {
    mio_words count = {0};
    MIO_FOR_VECTORS(j, width) count -= (mio_words)(vector_at(row, width, j) > value) & mio_mask(width - j);
    return __builtin_reduce_add(count);
}

MIO_CLONES int64_t mio_count_larger(const float *row, int64_t width, float value) {
    return count_larger(row, width, value);
}

MIO_CLONES int64_t mio_count_answers(const float *row, const float *targets, int64_t width, float threshold) {
    int32_t count = 0;
    for (int64_t j = 0; j < width; j++) count += (row[j] > threshold ? 1.0f : 0.0f) == targets[j];
    return count;
}
