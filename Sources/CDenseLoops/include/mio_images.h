// Windows, means and interpolation over images, and their layouts.
#ifndef MIO_IMAGES_H
#define MIO_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
