#include "clones.h"

MIO_INLINE int64_t first_largest(const float *row, int64_t width) {
    // Nothing is larger than what is not a number.
    if (row[0] != row[0]) return 0;
    float largest = mio_largest_of_row(row, width, width);
    for (int64_t i = 0; i < width; i += 16) {
        mio_words equal = (mio_words)(mio_load_row(row, width, i, width) == largest) & mio_mask(width - i);
        if (mio_bits(equal)) return i + __builtin_ctz(mio_bits(equal));
    }
    __builtin_unreachable();
}

MIO_CLONES int64_t mio_first_largest(const float *row, int64_t width) { return first_largest(row, width); }

MIO_INLINE int64_t count_larger(const float *row, int64_t width, float value) {
    mio_words count = {0};
    for (int64_t i = 0; i < width; i += 16)
        count -= (mio_words)(mio_load_row(row, width, i, width) > value) & mio_mask(width - i);
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
