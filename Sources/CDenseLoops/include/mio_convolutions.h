// Convolutions of our own.
#ifndef MIO_CONVOLUTIONS_H
#define MIO_CONVOLUTIONS_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
