#include "exponential.h"
#include "labels.h"
#include "logarithm.h"

struct answers { mio_lanes losses, derivatives, probabilities; };

// Of sixteen logits and targets: max(x, 0) − x · z + ln(1 + e^−|x|), sigmoid(x) − z and sigmoid(x).
MIO_INLINE struct answers answers_of(mio_lanes x, mio_lanes z) {
    mio_lanes none = {0}, one = none + 1.0f;
    mio_words positive = (mio_words)(x >= 0.0f);
    mio_lanes decay = exponentials(mio_blend(positive, -x, x)), sum = 1.0f + decay;
    // What is lost where 1 + e^−|x| is rounded, is made up for: Kahan's ln(1 + y).
    mio_lanes rest = sum - 1.0f;
    mio_words whole = (mio_words)(rest != 0.0f);
    mio_lanes logarithm = mio_blend(whole, logarithms(sum) * (decay / mio_blend(whole, rest, one)), decay);
    mio_lanes largest = mio_blend((mio_words)(x < 0.0f), none, x);
    mio_lanes probability = mio_blend(positive, one, decay) / sum;
    return (struct answers){largest - x * z + logarithm, probability - z, probability};
}

// A position a lane.
MIO_INLINE void single_columns(
    const float *logits, int64_t positions, const float *targets, const uint8_t *labelled, const float *scales,
    float keep, float shift, float *losses, float *gradient, float *probabilities) {
    for (int64_t first = 0; first < positions; first += 16) {
        int64_t count = positions - first < 16 ? positions - first : 16;
        struct labels labels = labels_of(targets + first, labelled + first, count);
        struct answers answers = answers_of(load_some(logits + first, count), labels.targets * keep + shift);
        store_some(losses + first, mio_select(labels.labelled, answers.losses), count);
        if (probabilities) store_some(probabilities + first, answers.probabilities, count);
        if (!gradient) continue;
        mio_lanes scaled = answers.derivatives * load_some(scales + first, count);
        store_some(gradient + first, mio_select(labels.labelled, scaled), count);
    }
}

// The mean of a row a position.
MIO_INLINE void columns(
    const float *logits, int64_t positions, int64_t width, const float *targets, const uint8_t *labelled,
    const float *scales, float keep, float shift, float *losses, float *gradient, float *probabilities) {
    for (int64_t i = 0; i < positions; i++, logits += width, targets += width) {
        double sum = 0;
        mio_words is_labelled = (mio_words){0} - (labelled[i] != 0);
        float factor = gradient ? scales[i] / (float)width : 0.0f;
        for (int64_t start = 0; start < width; start += 1024) {
            int64_t end = width - start < 1024 ? width : start + 1024;
            // As many additions one after the other in 32 bits as there are vectors in a stretch.
            mio_lanes part = {0};
            for (int64_t j = start; j < end; j += 16) {
                int64_t count = end - j < 16 ? end - j : 16;
                mio_words mask = mio_mask(count) & is_labelled;
                mio_lanes z = mio_select(mask, load_some(targets + j, count)) * keep + shift;
                struct answers answers = answers_of(load_some(logits + j, count), z);
                part += mio_select(mask, answers.losses);
                int64_t at = i * width + j;
                if (probabilities) store_some(probabilities + at, answers.probabilities, count);
                if (gradient) store_some(gradient + at, mio_select(mask, answers.derivatives * factor), count);
            }
            sum += mio_sum(part);
        }
        losses[i] = (float)sum / (float)width;
    }
}

MIO_CLONES void mio_binary_crossentropy(
    const float *logits, int64_t positions, int64_t width, const float *targets, const uint8_t *labelled,
    const float *scales, float keep, float shift, float *losses, float *gradient, float *probabilities) {
    if (width == 1)
        single_columns(
            logits, positions, targets, labelled, scales, keep, shift, losses, gradient, probabilities);
    else
        columns(
            logits, positions, width, targets, labelled, scales, keep, shift, losses, gradient, probabilities);
}
