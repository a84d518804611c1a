#include "exponential.h"
#include "labels.h"
#include "logarithm.h"

// The loss of sixteen elements, its derivative by the prediction, and the prediction's probability where it is a logit.
struct elements { mio_lanes losses, derivatives, probabilities; };

// max(x, 0) − x · z + ln(1 + e^−|x|), sigmoid(x) − z and sigmoid(x).
MIO_INLINE struct elements answers(mio_lanes x, mio_lanes z) {
    mio_lanes none = {0}, one = none + 1.0f;
    mio_words positive = (mio_words)(x >= 0.0f);
    mio_lanes decay = exponentials(mio_blend(positive, -x, x)), sum = 1.0f + decay;
    // What is lost where 1 + e^−|x| is rounded, is made up for: Kahan's ln(1 + y).
    mio_lanes rest = sum - 1.0f;
    mio_words whole = (mio_words)(rest != 0.0f);
    mio_lanes logarithm = mio_blend(whole, logarithms(sum) * (decay / mio_blend(whole, rest, one)), decay);
    mio_lanes largest = mio_blend((mio_words)(x < 0.0f), none, x);
    mio_lanes probability = mio_blend(positive, one, decay) / sum;
    return (struct elements){largest - x * z + logarithm, probability - z, probability};
}

MIO_INLINE struct elements elements_of(
    const struct mio_elementwise_loss *loss, mio_lanes prediction, mio_lanes target) {
    mio_lanes none = {0}, error = prediction - target;
    mio_lanes size = (mio_lanes)((mio_words)error & 0x7fffffff);
    switch (loss->kind) {
    case mio_squared_error: return (struct elements){error * error, 2.0f * error, none};
    case mio_absolute_error: {
        mio_lanes up = mio_select((mio_words)(error > 0.0f), none + 1.0f);
        return (struct elements){size, mio_blend((mio_words)(error < 0.0f), none - 1.0f, up), none};
    }
    case mio_huber: {
        float delta = loss->delta;
        mio_words near = (mio_words)(size <= delta);
        mio_lanes slope = mio_blend((mio_words)(error > 0.0f), none + delta, none - delta);
        return (struct elements){
            mio_blend(near, 0.5f * (error * error), delta * size - 0.5f * (delta * delta)),
            mio_blend(near, error, slope), none};
    }
    case mio_binary_crossentropy: return answers(prediction, target * loss->smoothing.keep + loss->smoothing.shift);
    }
    __builtin_unreachable();
}

// Where they go, if the predictions are logits.
MIO_INLINE float *probabilities_of(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    return loss->kind == mio_binary_crossentropy ? call->probabilities : 0;
}

// A position a lane.
MIO_INLINE void single_elements(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    float *probabilities = probabilities_of(loss, call);
    for (int64_t first = 0; first < call->positions; first += 16) {
        int64_t count = call->positions - first < 16 ? call->positions - first : 16;
        struct labels labels = labels_of(call->targets + first, call->labelled + first, count);
        struct elements elements = elements_of(loss, load_some(call->predictions + first, count), labels.targets);
        store_some(call->losses + first, mio_select(labels.labelled, elements.losses), count);
        if (probabilities) store_some(probabilities + first, elements.probabilities, count);
        if (!call->gradient) continue;
        mio_lanes scaled = elements.derivatives * load_some(call->scales + first, count);
        store_some(call->gradient + first, mio_select(labels.labelled, scaled), count);
    }
}

// All bits of a lane whose target is a label.
MIO_INLINE mio_words present_of(mio_lanes targets, float missing) {
    return (mio_words)(targets == targets) & (mio_words)(targets != missing);
}

// The sum of the losses over one position's labelled elements, and their gradient.
MIO_INLINE double row_of_elements(
    const struct mio_elementwise_loss *loss, const struct mio_loss_call *call, int64_t i, bool in_part,
    float factor) {
    int64_t width = call->width, last_whole = call->positions * width - 16;
    float *probabilities = probabilities_of(loss, call);
    double sum = 0;
    mio_words is_labelled = (mio_words){0} - (call->labelled[i] != mio_unlabelled);
    for (int64_t start = 0; start < width; start += elements_a_sum) {
        int64_t end = width - start < elements_a_sum ? width : start + elements_a_sum;
        // As many additions one after the other in 32 bits as there are vectors in a stretch.
        mio_lanes part = {0};
        for (int64_t j = start; j < end; j += 16) {
            // The next row overwrites what is written beyond this one, unless it came before: a part's own elements only.
            int64_t at = i * width + j, count = !in_part && at <= last_whole ? 16 : end - j < 16 ? end - j : 16;
            mio_lanes targets = load_some(call->targets + at, count);
            mio_words mask = mio_mask(end - j) & is_labelled;
            if (in_part) mask &= present_of(targets, call->missing);
            struct elements elements = elements_of(
                loss, load_some(call->predictions + at, count), mio_select(mask, targets));
            part += mio_select(mask, elements.losses);
            if (probabilities) store_some(probabilities + at, elements.probabilities, count);
            if (call->gradient)
                store_some(call->gradient + at, mio_select(mask, elements.derivatives * factor), count);
        }
        sum += mio_sum(part);
    }
    return sum;
}

// How many elements of a position have a label.
MIO_INLINE int64_t labelled_elements(const struct mio_loss_call *call, int64_t i) {
    const float *targets = call->targets + i * call->width;
    int64_t count = 0;
    for (int64_t j = 0; j < call->width; j++) count += targets[j] == targets[j] && targets[j] != call->missing;
    return count;
}

// The mean of a row a position: first of the rows that have all their labels or none, which are all in most calls.
MIO_INLINE void rows_of_elements(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    float width = (float)call->width;
    bool has_parts = false;
    for (int64_t i = 0; i < call->positions; i++) {
        if (call->labelled[i] == mio_labelled_in_part) {
            has_parts = true;
            continue;
        }
        float factor = call->gradient ? call->scales[i] / width : 0.0f;
        call->losses[i] = (float)row_of_elements(loss, call, i, false, factor) / width;
    }
    for (int64_t i = 0; has_parts && i < call->positions; i++) {
        if (call->labelled[i] != mio_labelled_in_part) continue;
        float count = (float)labelled_elements(call, i);
        float factor = call->gradient ? call->scales[i] / count : 0.0f;
        call->losses[i] = (float)row_of_elements(loss, call, i, true, factor) / count;
    }
}

MIO_INLINE void elementwise(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    if (call->width == 1) single_elements(loss, call);
    else rows_of_elements(loss, call);
}

MIO_CLONES void mio_elementwise_losses(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    // The kind is a constant in each copy.
    struct mio_elementwise_loss known = *loss;
#define MIO_KIND(name) case name: known.kind = name; elementwise(&known, call); break;
    switch (loss->kind) {
        MIO_KIND(mio_squared_error) MIO_KIND(mio_absolute_error) MIO_KIND(mio_huber) MIO_KIND(mio_binary_crossentropy)
    }
#undef MIO_KIND
}
