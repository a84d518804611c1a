// Layer and batch normalization.
#ifndef MIO_NORMALIZATION_H
#define MIO_NORMALIZATION_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
