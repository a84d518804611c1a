#include "exponential.h"
#include "folds.h"
#include "labels.h"
#include "logarithm.h"

// What the rows' targets are: a class each, or a probability for each class.
enum targets { classes, shares_of_classes };

MIO_INLINE mio_lanes smoothed(const struct mio_smoothing *smoothing, mio_lanes targets) {
    return targets * smoothing->keep + smoothing->shift;
}

// Rows up to sixteen logits wide, sixteen at a time: a row is a vector where each logit counts, and a lane where there is
// one number a row.
MIO_INLINE void narrow_rows(
    const enum targets kind, const struct mio_loss_call *call, const struct mio_smoothing *smoothing) {
    int64_t width = call->width;
    mio_words lanes = mio_lane_numbers(), mask = mio_mask(width);
    // A whole vector may be read and written where it ends within the rows: the next row comes later.
    int64_t last_whole = call->positions * width - 16;
    mio_lanes values[16] = {0}, wanted[16] = {0}, products[16] = {0};
    for (int64_t first = 0; first < call->positions; first += 16) {
        int64_t count = call->positions - first < 16 ? call->positions - first : 16;
        int32_t class[16], kept[16];
        float own[16] = {0}, largest[16], factor[16], total[16];
        mio_words marks = marks_of(call->labelled + first, count);
        *(mio_words *)kept = marks;
        for (int64_t i = 0, at = first * width; i < count; i++, at += width) {
            int64_t readable = at <= last_whole ? 16 : width;
            // Lanes beyond the row must not be the largest.
            values[i] = mio_blend(mask, load_some(call->predictions + at, readable), (mio_lanes){0} - INFINITY);
            if (kind == shares_of_classes)
                wanted[i] = mio_select(
                    mask & ((mio_words){0} + kept[i]), smoothed(smoothing, load_some(call->targets + at, readable)));
        }
        if (kind == classes) {
            struct labels labels = labels_of(call->targets + first, call->labelled + first, count);
            // The targets were checked when the batch was read: anything else is a bug, and must not become an address.
            mio_words wrong = ~((labels.targets >= 0.0f) & (labels.targets < (float)width));
            if (mio_bits(wrong)) __builtin_trap();
            *(mio_words *)class = __builtin_convertvector(labels.targets, mio_words);
            for (int64_t i = 0; i < count; i++) own[i] = call->predictions[(first + i) * width + class[i]];
        }

        mio_lanes most = fold_rows(largest_of, values);
        mio_store(largest, most);
        for (int64_t i = 0; i < count; i++) {
            // Nor must they be counted, or have exponentials so small that they take long.
            mio_lanes distances = mio_select(mask, values[i] - largest[i]);
            // A class that is ruled out (logit −∞) may have target 0: that is no loss, not 0 × ∞.
            if (kind == shares_of_classes)
                products[i] = mio_select((mio_words)(wanted[i] != 0.0f), wanted[i] * distances);
            values[i] = mio_select(mask, exponentials(distances));
        }
        mio_lanes sums = fold_rows(sum_of, values), loss = logarithms(sums);
        mio_store(factor, 1.0f / sums);
        if (kind == classes) {
            loss += most - mio_load(own);
        } else {
            mio_lanes totals = fold_rows(sum_of, wanted);
            mio_store(total, totals);
            loss = loss * totals - fold_rows(sum_of, products);
        }
        store_some(call->losses + first, mio_select(marks, loss), count);

        for (int64_t i = 0, at = first * width; i < count; i++, at += width) {
            int64_t writable = at <= last_whole ? 16 : width;
            mio_lanes shares = values[i] * factor[i];
            if (call->probabilities) store_some(call->probabilities + at, shares, writable);
            if (!call->gradient) continue;
            mio_lanes errors = kind == classes ? shares - mio_select(lanes == class[i], (mio_lanes){0} + 1.0f)
                                               : shares * total[i] - wanted[i];
            errors = mio_select((mio_words){0} + kept[i], errors * call->scales[first + i]);
            store_some(call->gradient + at, errors, writable);
        }
    }
}

MIO_INLINE int64_t class_of(float target, int64_t width) {
    // As above.
    if (!(target >= 0.0f && target < (float)width)) __builtin_trap();
    return (int64_t)target;
}

MIO_INLINE void wide_rows(
    const enum targets kind, const struct mio_loss_call *call, const struct mio_smoothing *smoothing) {
    int64_t width = call->width;
    // Exponentials are kept where one of the outputs has room for them.
    float *kept = call->probabilities ? call->probabilities : call->gradient;
    for (int64_t i = 0; i < call->positions; i++) {
        const float *logits = call->predictions + i * width;
        const float *targets = kind == classes ? 0 : call->targets + i * width;
        bool is_labelled = call->labelled[i] != 0;
        int64_t class = kind == classes && is_labelled ? class_of(call->targets[i], width) : -1;
        // Lanes of a vector that lie beyond the row are memory, where they are not beyond the last one.
        int64_t readable = (call->positions - i) * width;
#define MIO_COUNT(j) (readable - j < 16 ? width - j : 16)
        float largest = mio_largest_of_row(logits, width, readable);
        double sum = 0, total = 0, product = 0;
        for (int64_t start = 0; start < width; start += elements_a_sum) {
            int64_t end = width - start < elements_a_sum ? width : start + elements_a_sum;
            mio_lanes sums = {0}, totals = {0}, products = {0};
            for (int64_t j = start; j < end; j += 16) {
                int64_t count = MIO_COUNT(j);
                mio_words mask = mio_mask(width - j);
                mio_lanes distances = mio_select(mask, load_some(logits + j, count) - largest);
                mio_lanes values = mio_select(mask, exponentials(distances));
                sums += values;
                if (kept) store_some(kept + i * width + j, values, count);
                if (kind == classes || !is_labelled) continue;
                mio_lanes wanted = mio_select(mask, smoothed(smoothing, load_some(targets + j, count)));
                totals += wanted;
                products += mio_select((mio_words)(wanted != 0.0f), wanted * distances);
            }
            sum += mio_sum(sums);
            total += mio_sum(totals);
            product += mio_sum(products);
        }
        float logarithm = logf((float)sum), factor = 1.0f / (float)sum;
        call->losses[i] = !is_labelled      ? 0.0f
                          : kind == classes ? logarithm + (largest - logits[class])
                                            : (float)(logarithm * total - product);
        for (int64_t j = 0; kept && j < width; j += 16) {
            int64_t at = i * width + j, count = MIO_COUNT(j);
            mio_lanes shares = load_some(kept + at, count) * factor;
            if (call->probabilities) store_some(call->probabilities + at, shares, count);
            if (!call->gradient) continue;
            mio_lanes errors = {0};
            if (is_labelled && kind == classes)
                errors = shares * call->scales[i];
            else if (is_labelled)
                errors = (shares * (float)total - smoothed(smoothing, load_some(targets + j, count))) * call->scales[i];
            store_some(call->gradient + at, errors, count);
            if (class >= j && class < j + 16)
                call->gradient[i * width + class] = (shares[class - j] - 1.0f) * call->scales[i];
        }
#undef MIO_COUNT
    }
}

MIO_INLINE void crossentropy(
    const enum targets kind, const struct mio_loss_call *call, const struct mio_smoothing *smoothing) {
    if (call->width <= 16) narrow_rows(kind, call, smoothing);
    else wide_rows(kind, call, smoothing);
}

MIO_CLONES void mio_sparse_crossentropy(const struct mio_loss_call *call) { crossentropy(classes, call, 0); }

MIO_CLONES void mio_categorical_crossentropy(
    const struct mio_loss_call *call, const struct mio_smoothing *smoothing) {
    crossentropy(shares_of_classes, call, smoothing);
}
