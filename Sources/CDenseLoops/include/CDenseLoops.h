// The loops around and inside of layers that no library has: too small for one, or fused where a library would
// pass over an activation several times.
//
// They are C because Swift has no function multiversioning: each is compiled for three levels of x86-64 and picked
// when the program is loaded, so one binary runs anywhere and uses AVX-512 where there is some.
#ifndef MIO_DENSE_LOOPS_H
#define MIO_DENSE_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

/// The activations that kernels of layers compute along with their sums.
enum mio_activation {
    mio_activation_linear,
    mio_activation_relu,
    mio_activation_sigmoid,
    mio_activation_softmax,
    mio_activation_tanh,
};

/// y ← f(y + bias) over (rows, width), in place. `bias` (width,) may be NULL. Softmax normalizes each row.
void mio_bias_activation(
    enum mio_activation activation, float *y, const float *bias, int64_t rows, int64_t width);

/// dz ← f′ · dy from y = f(z), over (rows, width); rows of dz are `dz_stride` apart and padded with zeros. dz may be
/// dy if the stride is the width. `bias_gradient` (width,), if not NULL, receives the sum over the rows, or adds it.
void mio_activation_gradient(
    enum mio_activation activation, const float *y, const float *dy, int64_t rows, int64_t width, float *dz,
    int64_t dz_stride, float *bias_gradient, bool adds);

/// The same over images of [planes][pixels][lanes], in place, for relu or linear alone: what a convolution leaves.
/// `bias_gradient` (channels,), channels ≤ planes · lanes, is added to, in plane-major order; may be NULL.
void mio_image_relu_gradient(
    bool relu, const float *y, float *dy, int64_t samples, int64_t planes, int64_t pixels, int64_t lanes,
    int64_t channels, float *bias_gradient);

/// y ← x + y, and dx ← or += f′ · dy, over `count` elements; of softmax these are one row.
void mio_add(const float *x, float *y, int64_t count);
void mio_elementwise_gradient(
    enum mio_activation activation, const float *y, const float *dy, float *dx, int64_t count, bool adds);

/// The activations of each element by itself that only a pass of their own computes.
enum mio_pointwise {
    mio_pointwise_elu,
    mio_pointwise_exponential,
    mio_pointwise_gelu,
    mio_pointwise_hard_sigmoid,
    mio_pointwise_leaky_relu,
    mio_pointwise_mish,
    mio_pointwise_relu6,
    mio_pointwise_selu,
    mio_pointwise_silu,
    mio_pointwise_softplus,
    mio_pointwise_softsign,
    // With arguments, in this order: MIOGraph's ActivationForm.
    /// slope
    mio_pointwise_leaky,
    /// slope, most (infinity for any), threshold
    mio_pointwise_rectified,
    /// alpha
    mio_pointwise_scaled_elu,
    /// alpha
    mio_pointwise_celu,
    mio_pointwise_gelu_by_tanh,
    /// threshold
    mio_pointwise_hard_shrink,
    /// threshold
    mio_pointwise_soft_shrink,
    /// b
    mio_pointwise_squareplus,
    /// threshold, what is below it
    mio_pointwise_threshold,
    mio_pointwise_hard_silu,
    mio_pointwise_hard_tanh,
    mio_pointwise_log_sigmoid,
    mio_pointwise_sparse_plus,
    mio_pointwise_sparse_sigmoid,
    mio_pointwise_tanh_shrink,
    mio_pointwise_absolute,
    mio_pointwise_square,
    mio_pointwise_square_root,
    mio_pointwise_logarithm,
    /// exponent
    mio_pointwise_power,
    /// least, most
    mio_pointwise_clip,
    /// numerator
    mio_pointwise_reciprocal,
};

/// A function and its arguments, the first of them that it has.
struct mio_pointwise_function {
    enum mio_pointwise function;
    float arguments[3];
};

/// y ← f(x), and dx ← or += f′(x) · dy, over `count` elements.
void mio_pointwise_forward(const struct mio_pointwise_function *f, const float *x, float *y, int64_t count);
void mio_pointwise_gradient(
    const struct mio_pointwise_function *f, const float *x, const float *dy, float *dx, int64_t count, bool adds);

/// Activations of rows (rows, width), in place, and dx ← or += the gradient, from the results: log_softmax and sparsemax.
void mio_log_softmax(float *y, int64_t rows, int64_t width);
void mio_log_softmax_gradient(
    const float *y, const float *dy, float *dx, int64_t rows, int64_t width, bool adds);
void mio_sparsemax(float *y, int64_t rows, int64_t width);
void mio_sparsemax_gradient(const float *y, const float *dy, float *dx, int64_t rows, int64_t width, bool adds);

/// Softmax over the middle axis of (outer, count, inner), in place, and dx ← or += its gradient. Where all are −∞ the results
/// are 0.
void mio_softmax_columns(float *y, int64_t outer, int64_t count, int64_t inner);
void mio_softmax_columns_gradient(
    const float *y, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds);

/// y ← x · f over the middle axis of (outer, count, inner), f = min(1/√Σx², 1e12), and dx ← or += its gradient.
void mio_unit_normalization(const float *x, float *y, int64_t outer, int64_t count, int64_t inner);
void mio_unit_normalization_gradient(
    const float *x, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds);

/// y (outer, inner) ← the largest or the smallest over the middle axis of x (outer, count, inner), a NaN above all; dx ← or +=
/// its gradient, in equal parts to all that are it.
void mio_extremes(bool largest, const float *x, float *y, int64_t outer, int64_t count, int64_t inner);
void mio_extremes_gradient(
    const float *x, const float *y, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds);

/// y ← a · sigmoid(b) of the halves a and b of each row of x (outer, 2 · half_size), and dx ← or += its gradient.
void mio_gated_halves(const float *x, float *y, int64_t outer, int64_t half_size);
void mio_gated_halves_gradient(
    const float *x, const float *dy, float *dx, int64_t outer, int64_t half_size, bool adds);

/// The most axes of `mio_axes`.
enum { mio_most_axes = 8 };

/// The places of tensors that meet, element by element, in a whole one that is contiguous: `count` axes, outermost first. On
/// each a tensor has a distance of its own from one place to the next, on the last one 1 or 0: 0 where it is repeated.
struct mio_axes {
    int64_t count, sizes[mio_most_axes];
    int64_t a[mio_most_axes], b[mio_most_axes], c[mio_most_axes];
};

/// How an element is made of two.
enum mio_merge {
    /// a
    mio_merge_first,
    /// a · scale
    mio_merge_first_scaled,
    /// a + b · scale
    mio_merge_added_scaled,
    /// a + b
    mio_merge_sum,
    /// (a + b) · scale
    mio_merge_scaled_sum,
    mio_merge_difference,
    mio_merge_product,
    mio_merge_quotient,
    mio_merge_maximum,
    mio_merge_minimum,
    /// a where a ≥ 0, else a · b
    mio_merge_prelu,
    /// a where b > 0.5, else scale
    mio_merge_masked,
    /// a · b where b is not 0, else 0
    mio_merge_dropped,
};

/// y ← a ∘ b, all of it; y may be a or b where that is whole.
void mio_merge_tensors(
    enum mio_merge merge, const struct mio_axes *axes, const float *a, const float *b, float scale, float *y);

/// What is added to a tensor's gradient, of the result's gradient g and two tensors p and q.
enum mio_merge_gradient {
    /// g · scale
    mio_gradient_scaled,
    /// g · p
    mio_gradient_product,
    /// g · p where q is not 0, else 0
    mio_gradient_masked_product,
    /// g where p is at least (at most) q, and its opposite
    mio_gradient_where_largest,
    mio_gradient_where_not_largest,
    mio_gradient_where_smallest,
    mio_gradient_where_not_smallest,
    /// g where p = q, and its opposite
    mio_gradient_where_equal,
    mio_gradient_where_not_equal,
    /// g / p
    mio_gradient_quotient,
    /// −g · p / q²
    mio_gradient_divisor,
    /// Of the argument p where q is alpha, and of alpha
    mio_gradient_prelu,
    mio_gradient_prelu_alpha,
};

/// Adds to the gradient dx, whose places are those of `axes->c`, what g, p (`a`) and q (`b`) give. Where dx is whole, and if
/// it does not add, it is overwritten.
void mio_merge_backward(
    enum mio_merge_gradient kind, const struct mio_axes *axes, const float *g, const float *p, const float *q,
    float scale, float *dx, bool adds);

/// y ← or += x, of axes as above but with any distances: those of x are `a`, those of y are `b`. Where y is repeated, it gets
/// the sum, and must be added to.
void mio_move_axes(const struct mio_axes *axes, const float *x, float *y, bool adds);

/// Functions of each element that no activation is.
enum mio_element_function {
    mio_element_negative,
    /// 1/√x
    mio_element_inverse_root,
    mio_element_exponential_minus_one,
    mio_element_logarithm_of_one_plus,
    mio_element_sine,
    mio_element_cosine,
    /// −1, 0 or 1; its slope is 0.
    mio_element_sign,
};

/// y ← f(x), and dx ← or += f′(x) · dy, over `count` elements.
void mio_element_forward(enum mio_element_function function, const float *x, float *y, int64_t count);
void mio_element_gradient(
    enum mio_element_function function, const float *x, const float *y, const float *dy, float *dx, int64_t count,
    bool adds);

/// y ← aᵇ, whose places are those of `mio_merge_tensors`.
void mio_power(const struct mio_axes *axes, const float *a, const float *b, float *y);
/// Adds to dx, whose places are `axes->c`, the gradient by a, or by b.
void mio_power_gradient(
    const struct mio_axes *axes, bool of_exponent, const float *g, const float *a, const float *b, float *dx);

/// y ← the largest, or smallest, of y and all elements of x that go to its place: x is whole, the places of y are `axes->c`.
void mio_reduced_extremes(const struct mio_axes *axes, bool largest, const float *x, float *y);
/// dx ← or += dy of the place that an element of x goes to, if the element is its result y; equal ones share it. The places
/// of y, dy and ties are `axes->a`, `b` and `c` alike; `ties` is zero before.
void mio_reduced_extremes_gradient(
    const struct mio_axes *axes, const float *x, const float *y, const float *dy, float *ties, float *dx, bool adds);

/// y ← (x − μ) · f · gamma + beta of each row of (rows, width), f = 1/√(σ² + epsilon); μ and f go to `means` and
/// `factors` (rows,). gamma and beta (width,) may be NULL: 1 and 0.
void mio_layer_normalization_forward(
    const float *x, const float *gamma, const float *beta, float epsilon, int64_t rows, int64_t width, float *y,
    float *means, float *factors);

/// dx ← or += the gradient by x, from what forward kept; dx may be NULL. `gamma_gradient` and `beta_gradient` (width,) are
/// added to; NULL where nobody needs them.
void mio_layer_normalization_backward(
    const float *x, const float *dy, const float *gamma, const float *means, const float *factors, int64_t rows,
    int64_t width, float *dx, bool adds, float *gamma_gradient, float *beta_gradient);

/// Adds Σ x and Σ x² of each column of (rows, width), whose rows are `stride` apart, to `sums` and `squares` (width,). Rows
/// whose mask is 0 are left out; `mask` may be NULL.
void mio_batch_normalization_sums(
    const float *x, const float *mask, int64_t rows, int64_t width, int64_t stride, double *sums, double *squares);

/// y ← (x − mean) · factor + offset of each column of (rows, width).
void mio_batch_normalization_forward(
    const float *x, const float *means, const float *factors, const float *offsets, int64_t rows, int64_t width, float *y);

/// Adds Σ dy and Σ dy · (x − mean) of each column to `sums` and `products` (width,).
void mio_batch_normalization_gradient_sums(
    const float *x, const float *dy, const float *means, int64_t rows, int64_t width, int64_t stride, double *sums,
    double *products);

/// dx ← or += dy · by_gradient + mask · ((x − mean) · by_distance + all) of each column of (rows, width). `mask` (rows,) may
/// be NULL: 1.
void mio_batch_normalization_backward(
    const float *x, const float *dy, const float *mask, const float *means, const float *by_gradient,
    const float *by_distance, const float *all, int64_t rows, int64_t width, float *dx, bool adds);

/// The activations of recurrent layers: each of one element by itself, its slope a function of its result.
enum mio_gate {
    mio_gate_linear,
    mio_gate_relu,
    mio_gate_sigmoid,
    mio_gate_tanh,
    mio_gate_hard_sigmoid,
};

/// One step of a long short-term memory for `rows` samples.
struct mio_lstm {
    enum mio_gate activation, recurrent_activation;
    int64_t rows, units;
    /// For each row, this far apart, whether the step counts (not 0); NULL if all do.
    const float *counts;
    int64_t counts_stride;
};

/// z (rows, 4 · units) ← the gates i, f, g, o, from their arguments without `bias` (4 · units,), which may be NULL; the state
/// h, c (rows, units) goes to `next_h`, `next_c`; `activated` ← activation(next_c). A row that does not count keeps its state.
void mio_lstm_forward(
    const struct mio_lstm *lstm, float *z, const float *bias, const float *h, const float *c, float *next_h,
    float *next_c, float *activated);

/// From the gates z, the state c before the step, the gradients dy by the step's output and dh, dc by the state after it:
/// z ← dz; dc ← the gradient by c; dh ← 0, to which the caller adds dz · recurrent_kernelᵀ. A row that does not count has
/// dz = 0 and keeps dh and dc.
void mio_lstm_backward(
    const struct mio_lstm *lstm, float *z, const float *c, const float *activated, const float *dy, float *dh,
    float *dc);

/// One step of gated recurrent units (with the reset after the product) for `rows` samples, as `mio_lstm`.
///
/// z (rows, 3 · units) ← the gates z, r and the candidate, from the products of the sequence; `product` (rows, 3 · units) holds
/// those of the state, and its third part keeps what r multiplies. `bias` (2, 3 · units) may be NULL. The state h (rows, units)
/// goes to `next_h`. A row that does not count keeps its state.
void mio_gru_forward(
    const struct mio_lstm *gru, float *z, float *product, const float *bias, const float *h, float *next_h);

/// From the gates z and `product` of forward, the state h before the step, and the gradients dy by the step's output and dh by
/// the state after it: z ← the gradient by the sequence's products, `product` ← by the state's; dh ← what comes straight to h, to
/// which the caller adds product · recurrent_kernelᵀ. A row that does not count has zeros in both and keeps dh.
void mio_gru_backward(
    const struct mio_lstm *gru, float *z, float *product, const float *h, const float *dy, float *dh);

/// One step of a layer without gates: next_h ← activation(z + bias). `bias` (units,) may be NULL. A row that does not count
/// keeps its state h.
void mio_rnn_forward(
    const struct mio_lstm *rnn, const float *z, const float *bias, const float *h, float *next_h);

/// From the state `next_h` after the step and the gradients dy by the step's output and dh by the state after it: dz; dh ← 0, to
/// which the caller adds dz · recurrent_kernelᵀ. A row that does not count has dz = 0 and keeps dh.
void mio_rnn_backward(
    const struct mio_lstm *rnn, float *dz, const float *next_h, const float *dy, float *dh);

/// What queries may see of keys in attention: masks of (queries,) and (keys,), 0 for what is left out, each NULL if nothing is;
/// `causal`: a query sees the keys up to its own position alone.
struct mio_scores {
    int64_t queries, keys;
    const float *query_mask, *value_mask, *key_mask;
    bool causal;
};

/// Products of queries and keys (queries, keys) → shares of each query: the softmax of `scale` times them over the keys that it
/// sees, 0 for others. A query that sees none has equal shares of all.
void mio_attention_shares(const struct mio_scores *scores, float scale, float *products);

/// Gradients by the shares → those by the products, in place.
void mio_attention_gradient(
    const struct mio_scores *scores, float scale, const float *shares, float *gradients);

/// product ← a · b, element by element; it may be one of them.
void mio_multiply(const float *a, const float *b, int64_t count, float *product);

/// target (rows, width) ← the row in each; NULL for zeros.
void mio_broadcast_rows(const float *row, int64_t rows, int64_t width, float *target);

/// C (m, n) ← initial + A · B, or += A · B. A's element (i, l) lies at a[i · a_row + l · a_column]. Rows of B and of
/// C are `b_stride` and `c_stride` apart; B's and `initial`'s rows must be readable up to a multiple of 16.
/// `initial` (n,) may be NULL: zeros.
void mio_small_product(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column, const float *b,
    int64_t b_stride, const float *initial, bool adds, float *c, int64_t c_stride);

/// Transposes (rows, columns) with `stride` into (columns, rows) with `target_stride`, a multiple of 16; the padding
/// becomes zero. The source's rows must be readable up to a multiple of 16.
void mio_transpose(
    const float *source, int64_t rows, int64_t columns, int64_t stride, float *target, int64_t target_stride);

/// The largest number of units of the two below.
enum { mio_few_units = 4 };

/// y (samples, units) ← initial + x (samples, width) · wᵀ, or += x · wᵀ; rows of w, one a unit, lie `w_stride` apart.
/// `initial` (units,) may be NULL: zeros.
void mio_few_units_forward(
    const float *x, const float *w, int64_t w_stride, const float *initial, bool adds, float *y, int64_t samples,
    int64_t width, int64_t units);

/// dw ← or += dzᵀ · x and dx ← or += dz · w in one pass over x, w and both gradients; dw or dx may be NULL.
void mio_few_units_backward(
    const float *x, const float *w, int64_t w_stride, const float *dz, float *dw, bool dw_adds, float *dx,
    bool dx_adds, int64_t samples, int64_t width, int64_t units);

/// The same where x = relu(z) is an image of [planes][pixels][lanes], lanes 8 or 16, which nobody reads afterwards:
/// x ← [x > 0] · dz · w, the gradient before the relu, and its sum over the pixels is added to `bias_gradient`
/// (channels,), channels ≤ planes · lanes, which may be NULL.
void mio_few_units_relu_backward(
    float *x, const float *w, int64_t w_stride, const float *dz, float *dw, bool dw_adds, int64_t samples,
    int64_t width, int64_t units, int64_t pixels, int64_t lanes, float *bias_gradient, int64_t channels);

/// A 1×1 convolution of up to `mio_few_units` filters over images of [planes][pixels][block], block 8 or 16, zero in
/// channels that do not exist. Filters and their gradient are [filters][planes · block]; the output is (samples, pixels,
/// filters).
struct mio_few_filters { int64_t samples, pixels, planes, block, channels, filters; };

/// y ← x ⋆ filters + bias. `bias` (filters,) may be NULL.
void mio_few_filters_forward(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *bias, float *y);

/// What becomes of the input's gradient dz ⋆ filtersᵀ: it is not wanted; written to dx; added there; or dx is x = relu(z),
/// which nobody reads afterwards, and becomes the gradient before the relu.
enum mio_few_filters_gradient { mio_no_gradient, mio_gradient, mio_adds_gradient, mio_passes_relu };

/// dw ← or += x ⋆ dz, which may be NULL, and the input's gradient in one pass over x. Where that passes a relu, its sum over
/// the pixels is added to `bias_gradient` (channels,), which may be NULL.
void mio_few_filters_backward(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *dz, float *dw, bool dw_adds,
    enum mio_few_filters_gradient kind, float *dx, float *bias_gradient);

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

/// The place of the first of a row's largest elements. One that is not a number is passed over, but for the first, which
/// nothing is larger than.
int64_t mio_first_largest(const float *row, int64_t width);

/// How many elements of a row are larger than a value.
int64_t mio_count_larger(const float *row, int64_t width, float value);

/// How many elements of a row, at most 2³¹ of them, are above the threshold where the target is 1, and not where it is 0.
int64_t mio_count_answers(const float *row, const float *targets, int64_t width, float threshold);

/// A window that moves over images of [planes][height][width][lanes].
struct mio_window {
    int64_t planes, lanes;
    int64_t height, width, output_height, output_width;
    int64_t window_height, window_width, stride_height, stride_width, before_height, before_width;
};

/// y ← each window's largest element, the first of equals, a NaN above all; `places`, where it is in its window, or, if x is
/// a relu's result that is to pass its gradient, −1 where it is not above 0.
void mio_max_pool_forward(
    const struct mio_window *window, const float *x, float *y, int32_t *places, int64_t samples, bool before_relu);

/// dx ← or += dy in the places, 0 elsewhere. Its sum is added to `bias_gradient` (channels,) where the lanes are 8 or 16; it
/// may be NULL.
void mio_max_pool_backward(
    const struct mio_window *window, const float *dy, const int32_t *places, float *dx, bool adds, int64_t samples,
    float *bias_gradient, int64_t channels);

/// y ← or += each window's sum, or its mean (`divides`) over what lies in the image.
void mio_sum_pool_forward(
    const struct mio_window *window, const float *x, float *y, int64_t samples, bool divides, bool adds);

/// dx ← or += the gradient of each window's sum or mean, in all its elements.
void mio_sum_pool_backward(
    const struct mio_window *window, const float *dy, float *dx, int64_t samples, bool divides, bool adds);

/// Images of [samples][planes][pixels][lanes].
struct mio_pixels { int64_t samples, planes, pixels, lanes; };

/// y [samples][planes][lanes] ← each channel's mean over the pixels whose `mask` (samples, pixels) is not 0; it may be NULL.
void mio_global_mean_forward(const struct mio_pixels *p, const float *x, const float *mask, float *y);

/// dx ← or += the gradient of that mean.
void mio_global_mean_backward(const struct mio_pixels *p, const float *dy, const float *mask, float *dx, bool adds);

/// y [samples][planes][lanes] ← each channel's largest element, a NaN above all.
void mio_global_max_forward(const struct mio_pixels *p, const float *x, float *y);

/// dx ← or += dy, divided equally among the elements of x that are y.
void mio_global_max_backward(
    const struct mio_pixels *p, const float *x, const float *y, const float *dy, float *dx, bool adds);

/// What an element of a longer axis is made of: its two neighbours, with `share` of the upper one.
struct mio_neighbours { int32_t lower, upper; float share; };

/// Images of [planes][height][width][lanes] and larger ones, for each of whose rows and columns the neighbours are given.
struct mio_interpolation {
    int64_t height, width, output_height, output_width, lanes;
    const struct mio_neighbours *rows, *columns;
};

/// y ← the weighted mean of each element's four neighbours in x.
void mio_interpolate_forward(const struct mio_interpolation *interpolation, int64_t planes, const float *x, float *y);

/// dx ← or += the gradient of that mean.
void mio_interpolate_backward(
    const struct mio_interpolation *interpolation, int64_t planes, const float *dy, float *dx, bool adds);

/// y ← or += x: from [samples][planes][pixels][lanes] to (samples, channels, pixels), channels ≤ planes · lanes, or from there
/// back, with zeros in channels that do not exist.
void mio_move_channels(
    bool to_first, const struct mio_pixels *p, int64_t channels, const float *x, float *y, bool adds);

/// y (count, times) ← each of x (count,) that many times.
void mio_repeat_channels(int64_t count, int64_t times, const float *x, float *y);

/// y (count,) ← or += the sum of each row of x (count, times).
void mio_sum_channels(int64_t count, int64_t times, const float *x, float *y, bool adds);

/// y ← or += x: from (samples, pixels, channels) to [samples][planes][pixels][lanes], zero in channels that do not exist, or
/// from there back. At most 16 lanes.
void mio_move_blocks(
    bool to_blocks, int64_t samples, int64_t pixels, int64_t channels, int64_t lanes, const float *x, float *y,
    bool adds);

/// A sample of [planes][pixels][lanes], of which element (plane, pixel, lane) is number
/// pixel · channels + plane · lanes + lane in the order in which random numbers are drawn: MIOGraph's Dropout. Lanes and
/// channels are multiples of 4, or all of the sample is one pixel.
struct mio_drops {
    int64_t planes, pixels, lanes, channels;
    uint32_t key[2];
    /// Of 2³² words, those below it drop an element.
    uint64_t threshold;
    float scale;
    /// What is added to an element that stays, and what stands in the place of one that does not.
    float shift, dropped;
};

/// y (samples, planes, pixels, lanes) ← x · scale + shift, `dropped` where it is dropped; y += that if it adds. Four elements in that order
/// take the four words of a counter: the step, and above it the sample, from `first_sample` on, and the number of the four.
/// Source: Philox4x32-10, Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
void mio_dropout(
    const struct mio_drops *drops, uint64_t step, uint32_t first_sample, int64_t samples, const float *x,
    float *y, bool adds);

/// y ← x + n · deviation, or y ← or += x · (1 + n · deviation), over (samples, count): n are normal numbers (Box and Muller).
/// Four elements that follow each other take the four words of a counter, as above: two and two are a pair.
void mio_add_noise(
    const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t count, float deviation,
    const float *x, float *y);
void mio_multiply_noise(
    const uint32_t key[2], uint64_t step, uint32_t first_sample, int64_t samples, int64_t count, float deviation,
    const float *x, float *y, bool adds);

/// Images in planes of some channels, a register's lanes: [sample][plane][height][width][lanes], zero in channels that do
/// not exist.
struct mio_image { int64_t channels, height, width; };

/// A 3×3 convolution with stride 1 in Winograd's 4×4 tiles; `top` and `left` rows and columns of zeros, 0 to 2, stand
/// before the input. Filters and their gradient are [3][3][channels][filters]. Only for lanes that the processor has.
struct mio_winograd {
    int64_t lanes, samples;
    struct mio_image input, output;
    int64_t top, left;
};

/// Whether this processor has registers of 16 lanes (AVX-512), or of 8 (AVX2 and FMA).
bool mio_has_winograd(int64_t lanes);

/// The floats of scratch that any of the three passes needs.
int64_t mio_winograd_scratch(const struct mio_winograd *w);

/// output ← input ⋆ filters + bias, or its relu. `bias` (filters,) may be NULL.
void mio_winograd_forward(
    const struct mio_winograd *w, const float *input, const float *filters, const float *bias, bool relu,
    float *output, float *scratch);

/// input_gradient ← output_gradient ⋆ filters, turned round. If it `passes_relu`, input_gradient holds the input, a
/// relu's result, before: the gradient is 0 where that is, and is added up to bias_gradient (channels,), which may be
/// NULL.
void mio_winograd_input_gradient(
    const struct mio_winograd *w, const float *output_gradient, const float *filters, bool passes_relu,
    float *bias_gradient, float *input_gradient, float *scratch);

/// filter_gradient ← input ⋆ output_gradient.
void mio_winograd_filter_gradient(
    const struct mio_winograd *w, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch);

/// A convolution with stride 1 of factors rounded to bfloat16, on tiles; sums have 32 bits. Images lie in planes of 16
/// channels; `top` and `left` rows and columns of zeros stand before the input. Filters and their gradient are
/// [height][width][channels][filters].
struct mio_tiled {
    int64_t samples;
    struct mio_image input, output;
    int64_t height, width, top, left;
};

/// Whether this processor multiplies tiles (AMX) and the system lets this process do it. Without, the functions compute
/// the same slowly.
bool mio_has_tiles(void);

/// The floats of scratch that any of the three passes needs.
int64_t mio_tiled_scratch(const struct mio_tiled *t);

/// As mio_winograd_forward, mio_winograd_input_gradient and mio_winograd_filter_gradient.
void mio_tiled_forward(
    const struct mio_tiled *t, const float *input, const float *filters, const float *bias, bool relu, float *output,
    float *scratch);
void mio_tiled_input_gradient(
    const struct mio_tiled *t, const float *output_gradient, const float *filters, bool passes_relu,
    float *bias_gradient, float *input_gradient, float *scratch);
void mio_tiled_filter_gradient(
    const struct mio_tiled *t, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch);

/// a ← b + scale · c over `count` elements: STREAM's triad, the measure of a memory's bandwidth.
void mio_triad(int64_t count, const float *b, const float *c, float scale, float *a);

#endif
