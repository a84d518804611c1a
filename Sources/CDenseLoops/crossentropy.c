#include "exponential.h"
#include "folds.h"
#include "labels.h"
#include "logarithm.h"

MIO_INLINE void store_row(float *row, mio_lanes v, int64_t width, bool whole) {
    if (whole) mio_store(row, v);
    else store_part(row, v, width);
}

// Rows up to sixteen logits wide, sixteen at a time: a row is a vector where each logit counts, and a lane where there is
// one number a row.
MIO_INLINE void narrow_rows(
    const float *logits, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *scales, float *losses, float *gradient, float *probabilities) {
    mio_words lanes = mio_lane_numbers(), mask = mio_mask(width);
    // A whole vector may be read and written where it ends within the rows: the next row comes later.
    int64_t last_whole = rows * width - 16;
    mio_lanes values[16] = {0};
    for (int64_t first = 0; first < rows; first += 16) {
        int64_t count = rows - first < 16 ? rows - first : 16;
        for (int64_t i = 0, at = first * width; i < count; i++, at += width) {
            mio_lanes row = at <= last_whole ? mio_load(logits + at) : load_part(logits + at, width);
            // Lanes beyond the row must not be the largest.
            values[i] = mio_blend(mask, row, (mio_lanes){0} - INFINITY);
        }
        struct labels labels = labels_of(targets + first, labelled + first, count);
        // The targets were checked when the batch was read: anything else is a bug, and must not become an address.
        mio_words wrong = ~((labels.targets >= 0.0f) & (labels.targets < (float)width));
        if (mio_bits(wrong)) __builtin_trap();
        int32_t class[16], kept[16];
        *(mio_words *)class = __builtin_convertvector(labels.targets, mio_words);
        *(mio_words *)kept = labels.labelled;
        float own[16] = {0}, largest[16], factor[16];
        for (int64_t i = 0; i < count; i++) own[i] = logits[(first + i) * width + class[i]];

        mio_lanes most = fold_sixteen(largest_of, values);
        mio_store(largest, most);
        for (int64_t i = 0; i < count; i++)
            // Nor must they be counted, or have exponentials so small that they take long.
            values[i] = mio_select(mask, exponentials(mio_select(mask, values[i] - largest[i])));
        mio_lanes sums = fold_sixteen(sum_of, values);
        mio_store(factor, 1.0f / sums);
        mio_lanes loss = mio_select(labels.labelled, logarithms(sums) + (most - mio_load(own)));
        store_some(losses + first, loss, count);

        for (int64_t i = 0, at = first * width; i < count; i++, at += width) {
            mio_lanes shares = values[i] * factor[i];
            if (probabilities) store_row(probabilities + at, shares, width, at <= last_whole);
            if (!gradient) continue;
            mio_lanes errors = shares - mio_select(lanes == class[i], (mio_lanes){0} + 1.0f);
            errors = mio_select((mio_words){0} + kept[i], errors * scales[first + i]);
            store_row(gradient + at, errors, width, at <= last_whole);
        }
    }
}

MIO_INLINE int64_t class_of(float target, int64_t width) {
    // As above.
    if (!(target >= 0.0f && target < (float)width)) __builtin_trap();
    return (int64_t)target;
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
            mio_words mask = mio_mask(count);
            mio_lanes distances = mio_select(mask, load_part(logits + j, count) - largest);
            mio_lanes values = mio_select(mask, exponentials(distances));
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
        losses[i] = logf(sum) + (largest - logits[class]);
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
