// Activations, by themselves and along with the sums of a layer.
#ifndef MIO_ACTIVATIONS_H
#define MIO_ACTIVATIONS_H

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

#endif
