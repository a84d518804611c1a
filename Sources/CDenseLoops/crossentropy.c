#include "exponential.h"

// Of one row, up to sixteen logits wide: the exponentials of their distances to the largest.
struct narrow { mio_lanes exponentials; float largest, sum; };

MIO_INLINE struct narrow narrow_row(const float *logits, int64_t width, bool readable) {
    mio_words mask = mio_mask(width);
    mio_lanes values = readable ? mio_load(logits) : load_part(logits, width);
    // Lanes beyond the row must not be the largest, nor be counted.
    values = (mio_lanes)(((mio_words)values & mask) | ((mio_words)((mio_lanes){0} - INFINITY) & ~mask));
    struct narrow row = {.largest = mio_largest(values)};
    row.exponentials = mio_select(mask, exponentials(values - row.largest));
    row.sum = mio_sum(row.exponentials);
    return row;
}

MIO_INLINE int64_t class_of(float target, int64_t width) {
    // The targets were checked when the batch was read: anything else is a bug, and must not become an address.
    if (!(target >= 0.0f && target < (float)width)) __builtin_trap();
    return (int64_t)target;
}

MIO_INLINE void narrow_rows(
    const float *logits, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *scales, float *losses, float *gradient, float *probabilities) {
    // Logarithms come last: a call amid vectors would have to save them.
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = i * width;
        // A whole vector may be read and written where it ends within the rows: the next row comes later.
        bool whole = at + 16 <= rows * width;
        struct narrow row = narrow_row(logits + at, width, whole);
        mio_lanes shares = row.exponentials * (1.0f / row.sum);
        if (probabilities) {
            if (whole) mio_store(probabilities + at, shares);
            else store_part(probabilities + at, shares, width);
        }
        float scale = labelled[i] && gradient ? scales[i] : 0.0f;
        if (gradient) {
            mio_lanes values = labelled[i] ? shares * scale : (mio_lanes){0};
            if (whole) mio_store(gradient + at, values);
            else store_part(gradient + at, values, width);
        }
        losses[i] = labelled[i] ? row.sum : 1.0f;
        if (!labelled[i] || !gradient) continue;
        float share[16];
        mio_store(share, shares);
        int64_t class = class_of(targets[i], width);
        gradient[at + class] = (share[class] - 1.0f) * scale;
    }
    for (int64_t i = 0; i < rows; i++) {
        losses[i] = logf(losses[i]);
        if (!labelled[i]) continue;
        const float *row = logits + i * width;
        float largest = row[0];
        for (int64_t j = 1; j < width; j++) largest = row[j] > largest ? row[j] : largest;
        losses[i] = largest + losses[i] - row[class_of(targets[i], width)];
    }
}

MIO_INLINE void wide_rows(
    const float *logits, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *scales, float *losses, float *gradient, float *probabilities) {
    for (int64_t i = 0; i < rows; i++, logits += width) {
        float largest = logits[0];
        for (int64_t j = 1; j < width; j++) largest = logits[j] > largest ? logits[j] : largest;
        mio_lanes sums = {0};
        for (int64_t j = 0; j < width; j += 16) {
            int64_t count = width - j < 16 ? width - j : 16;
            mio_lanes distances = load_part(logits + j, count) - largest;
            mio_lanes values = mio_select(mio_mask(count), exponentials(distances));
            sums += values;
            if (probabilities) store_part(probabilities + i * width + j, values, count);
            if (gradient) store_part(gradient + i * width + j, values, count);
        }
        float sum = mio_sum(sums), factor = 1.0f / sum;
        for (int64_t j = 0; probabilities && j < width; j++) probabilities[i * width + j] *= factor;
        losses[i] = 0.0f;
        if (!labelled[i]) {
            if (gradient) memset(gradient + i * width, 0, (size_t)width * sizeof(float));
            continue;
        }
        int64_t class = class_of(targets[i], width);
        losses[i] = largest + logf(sum) - logits[class];
        if (gradient) {
            float *row = gradient + i * width, share = row[class] * factor;
            for (int64_t j = 0; j < width; j++) row[j] = row[j] * factor * scales[i];
            row[class] = (share - 1.0f) * scales[i];
        }
    }
}

MIO_CLONES void mio_sparse_crossentropy(
    const float *logits, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *scales, float *losses, float *gradient, float *probabilities) {
    if (width <= 16) narrow_rows(logits, rows, width, targets, labelled, scales, losses, gradient, probabilities);
    else wide_rows(logits, rows, width, targets, labelled, scales, losses, gradient, probabilities);
}
