// Losses and metrics.
#ifndef MIO_LOSSES_H
#define MIO_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

/// The arrays of one evaluation of a loss: LossCall<Float> of MIOObjectives, which says what they hold. Gradient and
/// probabilities may be NULL; scales are only read with a gradient.
struct mio_loss_call {
    int64_t positions, width;
    const float *predictions, *targets;
    const uint8_t *labelled;
    float missing;
    const float *scales;
    float *losses, *gradient, *probabilities;
};

/// LabelMark of MIOObjectives: what a position's byte of `labelled` says.
enum mio_label_mark { mio_unlabelled, mio_labelled, mio_labelled_in_part };

/// A target z counts as z · keep + shift: Keras' label smoothing.
struct mio_smoothing { float keep, shift; };

/// losses (positions,) ← log Σ exp(logit) − logit of the target's class; gradient ← scale · (softmax − [class]);
/// probabilities ← softmax. A target is a class' index.
void mio_sparse_crossentropy(const struct mio_loss_call *call);

/// losses (positions,) ← Σ z · (log Σ exp(logit) − logit); gradient ← scale · (softmax · Σz − z). A target z is a row of
/// shares.
void mio_categorical_crossentropy(const struct mio_loss_call *call, const struct mio_smoothing *smoothing);

/// What the mean is made of, of a prediction x and a target z, with e = x − z.
enum mio_elementwise_kind {
    mio_squared_error,
    mio_absolute_error,
    /// ½e² where |e| ≤ delta, delta · |e| − ½delta² elsewhere.
    mio_huber,
    /// max(x, 0) − x · z + ln(1 + e^−|x|) of a logit x: probabilities ← sigmoid(x).
    mio_binary_crossentropy,
    /// (1 − z) · x + (1 + (w − 1) · z) · (ln(1 + e^−|x|) + max(−x, 0)) of a logit x, w a factor: the same, with positives
    /// counting w times.
    mio_weighted_binary_crossentropy,
    /// The binary crossentropy of a logit x, multiplied by (z · (1 − p) + (1 − z) · p)^gamma, p = sigmoid(x), and if it
    /// balances by alpha · z + (1 − alpha) · (1 − z).
    mio_binary_focal_crossentropy,
    /// 100 · |e| ÷ max(|t|, ε), ε = 1e-7.
    mio_absolute_percentage_error,
    /// (ln(max(p, ε) + 1) − ln(max(t, ε) + 1))².
    mio_squared_logarithmic_error,
    /// ln cosh e.
    mio_log_cosh,
    /// p − t · ln(p + ε).
    mio_poisson,
    /// max(1 − t · p, 0), a target of 0 standing for −1; and its square.
    mio_hinge,
    mio_squared_hinge,
    /// max(q · (t − p), (q − 1) · (t − p)), q a factor.
    mio_pinball,
};

/// What a focal crossentropy does to a crossentropy; gamma is 0 or at least 1.
struct mio_focus { float gamma, alpha; bool balances; };

struct mio_elementwise_loss {
    enum mio_elementwise_kind kind;
    float delta;
    struct mio_smoothing smoothing;
    /// Of every place of a row, or (width + 16,): of each place.
    float factor;
    const float *factors;
    /// Whether targets are (positions,), one for a whole row.
    bool shares_target;
    struct mio_focus focus;
};

/// losses (positions,) ← the mean over each row; gradient ← scale ÷ width · the derivative. Both are 0 where a position is
/// not labelled. Of a position labelled in part, the mean is over the labelled elements, their number stands for the width,
/// and the gradient of the others is 0. Only of logits are probabilities written.
void mio_elementwise_losses(const struct mio_elementwise_loss *loss, const struct mio_loss_call *call);

/// Over the labelled rows: count ← Σ weight, and sum ← Σ weight where the first of the largest scores (rows, width) is
/// that of the target's class. `weights` may be NULL: ones.
void mio_sparse_accuracy(
    const float *scores, int64_t rows, int64_t width, const float *targets, const uint8_t *labelled,
    const float *weights, double *sum, double *count);

/// The place of the first of a row's largest elements. One that is not a number is passed over, except for the first, which
/// nothing is larger than.
int64_t mio_first_largest(const float *row, int64_t width);

/// How many elements of a row are larger than a value.
int64_t mio_count_larger(const float *row, int64_t width, float value);

/// How many elements of a row, at most 2³¹ of them, are above the threshold where the target is 1, and not where it is 0.
int64_t mio_count_answers(const float *row, const float *targets, int64_t width, float threshold);

#endif
