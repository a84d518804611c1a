#include "exponential.h"
#include "labels.h"
#include "logarithm.h"

// The loss of sixteen elements, its derivative by the prediction, and the prediction's probability where it is a logit.
struct elements { mio_lanes losses, derivatives, probabilities; };

// ln x of any number: 0 and what is below the normal numbers is −∞, a negative number has none.
MIO_INLINE mio_lanes all_logarithms(mio_lanes x) {
    mio_lanes none = {0}, logarithm = logarithms(x);
    logarithm = mio_blend((mio_words)(x < 0x1p-126f), none - INFINITY, logarithm);
    logarithm = mio_blend((mio_words)(x < 0.0f), none + NAN, logarithm);
    return mio_blend((mio_words)(x == INFINITY), none + INFINITY, logarithm);
}

// ln(1 + y), y from 0 to 1. What is lost where 1 + y is rounded, is made up for: Kahan's.
MIO_INLINE mio_lanes logarithms_of_more(mio_lanes y) {
    mio_lanes one = (mio_lanes){0} + 1.0f, sum = one + y, rest = sum - 1.0f;
    mio_words whole = (mio_words)(rest != 0.0f);
    return mio_blend(whole, logarithms(sum) * (y / mio_blend(whole, rest, one)), y);
}

// Of logits x: e^−|x|, ln(1 + e^−|x|) and sigmoid(x).
struct logistic { mio_words positive; mio_lanes softplus, probability; };

MIO_INLINE struct logistic logistic_of(mio_lanes x) {
    mio_lanes one = (mio_lanes){0} + 1.0f;
    mio_words positive = (mio_words)(x >= 0.0f);
    mio_lanes decay = exponentials(mio_blend(positive, -x, x));
    return (struct logistic){positive, logarithms_of_more(decay), mio_blend(positive, one, decay) / (1.0f + decay)};
}

// max(x, 0) − x · z + ln(1 + e^−|x|), sigmoid(x) − z and sigmoid(x).
MIO_INLINE struct elements answers(mio_lanes x, mio_lanes z) {
    struct logistic logistic = logistic_of(x);
    mio_lanes none = {0}, largest = mio_blend((mio_words)(x < 0.0f), none, x);
    return (struct elements){
        largest - x * z + logistic.softplus, logistic.probability - z, logistic.probability};
}

// The same where positives count w times.
MIO_INLINE struct elements weighted_answers(mio_lanes x, mio_lanes z, mio_lanes w) {
    struct logistic logistic = logistic_of(x);
    mio_lanes none = {0}, least = mio_blend((mio_words)(x < 0.0f), -x, none), share = 1.0f + (w - 1.0f) * z;
    return (struct elements){
        (1.0f - z) * x + share * (logistic.softplus + least), (1.0f - z) - share + share * logistic.probability,
        logistic.probability};
}

// q^gamma and gamma · q^(gamma − 1), 0 ≤ q ≤ 1.
struct power { mio_lanes value, derivative; };

MIO_INLINE struct power power_of(mio_lanes q, float gamma) {
    mio_lanes none = {0};
    if (gamma == 2.0f) return (struct power){q * q, 2.0f * q};
    if (gamma == 1.0f) return (struct power){q, none + 1.0f};
    if (gamma == 0.0f) return (struct power){none + 1.0f, none};
    mio_words some = ~(mio_words)(q < 0x1p-126f);
    mio_lanes logarithm = logarithms(mio_blend(some, q, none + 1.0f));
    // A logarithm that is rounded upwards of 1 must stay one.
    logarithm = mio_blend((mio_words)(logarithm > 0.0f), none, logarithm);
    return (struct power){
        mio_select(some, exponentials(gamma * logarithm)),
        mio_select(some, gamma * exponentials((gamma - 1.0f) * logarithm))};
}

MIO_INLINE struct elements focal_answers(mio_lanes x, mio_lanes z, struct mio_focus focus) {
    struct elements plain = answers(x, z);
    mio_lanes p = plain.probabilities;
    mio_lanes balance = (mio_lanes){0} + 1.0f;
    if (focus.balances) balance = focus.alpha * z + (1.0f - focus.alpha) * (1.0f - z);
    struct power power = power_of(z * (1.0f - p) + (1.0f - z) * p, focus.gamma);
    return (struct elements){
        balance * power.value * plain.losses,
        balance * (power.value * plain.derivatives + power.derivative * plain.losses * (1.0f - 2.0f * z) * p * (1.0f - p)),
        p};
}

// Keras' epsilon.
static const float least = 1e-7f;

MIO_INLINE struct elements elements_of(
    const struct mio_elementwise_loss *loss, mio_lanes prediction, mio_lanes target, mio_lanes factor) {
    mio_lanes none = {0}, one = none + 1.0f, error = prediction - target;
    mio_lanes size = (mio_lanes)((mio_words)error & 0x7fffffff);
    mio_lanes smoothed = target * loss->smoothing.keep + loss->smoothing.shift;
    mio_lanes sign = mio_blend((mio_words)(error < 0.0f), -one, mio_select((mio_words)(error > 0.0f), one));
    switch (loss->kind) {
    case mio_squared_error: return (struct elements){error * error, 2.0f * error, none};
    case mio_absolute_error: return (struct elements){size, sign, none};
    case mio_huber: {
        float delta = loss->delta;
        mio_words near = (mio_words)(size <= delta);
        mio_lanes slope = mio_blend((mio_words)(error > 0.0f), none + delta, none - delta);
        return (struct elements){
            mio_blend(near, 0.5f * (error * error), delta * size - 0.5f * (delta * delta)),
            mio_blend(near, error, slope), none};
    }
    case mio_binary_crossentropy: return answers(prediction, smoothed);
    case mio_weighted_binary_crossentropy: return weighted_answers(prediction, smoothed, factor);
    case mio_binary_focal_crossentropy: return focal_answers(prediction, smoothed, loss->focus);
    case mio_absolute_percentage_error: {
        mio_lanes extent = (mio_lanes)((mio_words)target & 0x7fffffff);
        extent = 100.0f / mio_blend((mio_words)(extent < least), none + least, extent);
        return (struct elements){size * extent, sign * extent, none};
    }
    case mio_squared_logarithmic_error: {
        mio_words low = (mio_words)(prediction < least);
        mio_lanes more = mio_blend(low, none + least, prediction) + 1.0f;
        mio_lanes wanted = mio_blend((mio_words)(target < least), none + least, target) + 1.0f;
        mio_lanes difference = all_logarithms(more) - all_logarithms(wanted);
        return (struct elements){
            difference * difference, mio_select(~low, 2.0f * difference / more), none};
    }
    case mio_log_cosh: {
        mio_lanes decay = exponentials(-2.0f * size);
        return (struct elements){
            size + logarithms_of_more(decay) - 0.693147180559945f, sign * ((1.0f - decay) / (1.0f + decay)), none};
    }
    case mio_poisson: {
        mio_lanes more = prediction + least;
        return (struct elements){prediction - target * all_logarithms(more), 1.0f - target / more, none};
    }
    case mio_hinge:
    case mio_squared_hinge: {
        mio_lanes side = mio_blend((mio_words)(target == 0.0f), -one, target), rest = 1.0f - side * prediction;
        // Not below 0; NaN stays.
        mio_words within = ~(mio_words)(rest < 0.0f);
        rest = mio_select(within, rest);
        return loss->kind == mio_hinge
            ? (struct elements){rest, mio_select(within, -side), none}
            : (struct elements){rest * rest, -2.0f * side * rest, none};
    }
    case mio_pinball: {
        mio_words over = (mio_words)(error > 0.0f), under = (mio_words)(error < 0.0f);
        mio_lanes slope = mio_blend(over, 1.0f - factor, -factor);
        return (struct elements){slope * error, mio_select(over | under, slope), none};
    }
    }
    __builtin_unreachable();
}

// Where they go, if the predictions are logits.
MIO_INLINE float *probabilities_of(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    return loss->kind == mio_binary_crossentropy || loss->kind == mio_weighted_binary_crossentropy
            || loss->kind == mio_binary_focal_crossentropy
        ? call->probabilities : 0;
}

// The factors of a row's places from one on.
MIO_INLINE mio_lanes factors_of(const struct mio_elementwise_loss *loss, int64_t place) {
    return loss->factors ? mio_load(loss->factors + place) : (mio_lanes){0} + loss->factor;
}

// A position a lane.
MIO_INLINE void single_elements(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call) {
    float *probabilities = probabilities_of(loss, call);
    for (int64_t first = 0; first < call->positions; first += 16) {
        int64_t count = call->positions - first < 16 ? call->positions - first : 16;
        struct labels labels = labels_of(call->targets + first, call->labelled + first, count);
        // One place a row: its factor is everybody's.
        struct elements elements = elements_of(
            loss, load_some(call->predictions + first, count), labels.targets, (mio_lanes){0} + loss->factor);
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
            mio_lanes targets =
                loss->shares_target ? (mio_lanes){0} + call->targets[i] : load_some(call->targets + at, count);
            mio_words mask = mio_mask(end - j) & is_labelled;
            if (in_part) mask &= present_of(targets, call->missing);
            struct elements elements = elements_of(
                loss, load_some(call->predictions + at, count), mio_select(mask, targets), factors_of(loss, j));
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
        MIO_KIND(mio_weighted_binary_crossentropy) MIO_KIND(mio_binary_focal_crossentropy)
        MIO_KIND(mio_absolute_percentage_error) MIO_KIND(mio_squared_logarithmic_error) MIO_KIND(mio_log_cosh)
        MIO_KIND(mio_poisson) MIO_KIND(mio_hinge) MIO_KIND(mio_squared_hinge) MIO_KIND(mio_pinball)
    }
#undef MIO_KIND
}
