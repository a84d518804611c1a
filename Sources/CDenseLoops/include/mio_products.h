// Products of matrices that are too small or too narrow for a library.
#ifndef MIO_PRODUCTS_H
#define MIO_PRODUCTS_H

#include <stdbool.h>
#include <stdint.h>

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

/// a ← b + scale · c over `count` elements: STREAM's triad, the measure of a memory's bandwidth.
void mio_triad(int64_t count, const float *b, const float *c, float scale, float *a);

#endif
