#include "clones.h"

// Sums are in double precision: σ² is the difference of two of them. Columns are taken in groups whose sums stay in registers.

MIO_INLINE void sums_of_columns(
    const float *x, const float *mask, int64_t rows, int64_t width, int64_t stride, double *sums, double *squares) {
    double sum[16] = {0}, square[16] = {0};
    for (int64_t row = 0; row < rows; row++, x += stride) {
        if (mask && mask[row] == 0) continue;
        for (int64_t i = 0; i < width; i++) {
            double value = x[i];
            sum[i] += value;
            square[i] += value * value;
        }
    }
    for (int64_t i = 0; i < width; i++) {
        sums[i] += sum[i];
        squares[i] += square[i];
    }
}

// One column whose elements lie side by side: sixteen rows at a time have the sums of as many columns.
MIO_INLINE void sums_of_one_column(const float *x, int64_t rows, double *sums, double *squares) {
    double sum[16] = {0}, square[16] = {0};
    int64_t whole = rows / 16 * 16;
    sums_of_columns(x, 0, whole / 16, 16, 16, sum, square);
    sums_of_columns(x + whole, 0, 1, rows - whole, 1, sum, square);
    for (int64_t i = 0; i < 16; i++) {
        sums[0] += sum[i];
        squares[0] += square[i];
    }
}

MIO_CLONES void mio_batch_normalization_sums(
    const float *x, const float *mask, int64_t rows, int64_t width, int64_t stride, double *sums, double *squares) {
    if (width == 1 && stride == 1 && !mask) return sums_of_one_column(x, rows, sums, squares);
    int64_t at = 0;
    for (; at + 16 <= width; at += 16) sums_of_columns(x + at, mask, rows, 16, stride, sums + at, squares + at);
    for (; at + 8 <= width; at += 8) sums_of_columns(x + at, mask, rows, 8, stride, sums + at, squares + at);
    if (at < width) sums_of_columns(x + at, mask, rows, width - at, stride, sums + at, squares + at);
}

MIO_CLONES void mio_batch_normalization_forward(
    const float *restrict x, const float *restrict means, const float *restrict factors, const float *restrict offsets,
    int64_t rows, int64_t width, float *restrict y) {
    if (width == 1) {
        float mean = means[0], factor = factors[0], offset = offsets[0];
        for (int64_t row = 0; row < rows; row++) y[row] = (x[row] - mean) * factor + offset;
        return;
    }
    for (int64_t row = 0; row < rows; row++, x += width, y += width) {
        for (int64_t i = 0; i < width; i++) y[i] = (x[i] - means[i]) * factors[i] + offsets[i];
    }
}

MIO_INLINE void gradient_sums_of_columns(
    const float *x, const float *dy, const float *means, int64_t rows, int64_t width, int64_t stride, double *sums,
    double *products) {
    double sum[16] = {0}, product[16] = {0};
    float mean[16] = {0};
    for (int64_t i = 0; i < width; i++) mean[i] = means[i];
    for (int64_t row = 0; row < rows; row++, x += stride, dy += stride) {
        for (int64_t i = 0; i < width; i++) {
            double gradient = dy[i];
            sum[i] += gradient;
            product[i] += gradient * (double)(x[i] - mean[i]);
        }
    }
    for (int64_t i = 0; i < width; i++) {
        sums[i] += sum[i];
        products[i] += product[i];
    }
}

MIO_INLINE void gradient_sums_of_one_column(
    const float *x, const float *dy, float mean, int64_t rows, double *sums, double *products) {
    double sum[16] = {0}, product[16] = {0};
    float means[16];
    for (int64_t i = 0; i < 16; i++) means[i] = mean;
    int64_t whole = rows / 16 * 16;
    gradient_sums_of_columns(x, dy, means, whole / 16, 16, 16, sum, product);
    gradient_sums_of_columns(x + whole, dy + whole, means, 1, rows - whole, 1, sum, product);
    for (int64_t i = 0; i < 16; i++) {
        sums[0] += sum[i];
        products[0] += product[i];
    }
}

MIO_CLONES void mio_batch_normalization_gradient_sums(
    const float *x, const float *dy, const float *means, int64_t rows, int64_t width, int64_t stride, double *sums,
    double *products) {
    if (width == 1 && stride == 1) return gradient_sums_of_one_column(x, dy, means[0], rows, sums, products);
    int64_t at = 0;
    for (; at + 16 <= width; at += 16)
        gradient_sums_of_columns(x + at, dy + at, means + at, rows, 16, stride, sums + at, products + at);
    for (; at + 8 <= width; at += 8)
        gradient_sums_of_columns(x + at, dy + at, means + at, rows, 8, stride, sums + at, products + at);
    if (at < width)
        gradient_sums_of_columns(x + at, dy + at, means + at, rows, width - at, stride, sums + at, products + at);
}

MIO_INLINE void gradients_of_row(
    const float *restrict x, const float *restrict dy, const float *restrict means, const float *restrict by_gradient,
    const float *restrict by_distance, const float *restrict all, float counts, int64_t width, float *restrict dx,
    bool adds) {
    for (int64_t i = 0; i < width; i++) {
        float gradient = dy[i] * by_gradient[i] + counts * ((x[i] - means[i]) * by_distance[i] + all[i]);
        dx[i] = adds ? dx[i] + gradient : gradient;
    }
}

MIO_CLONES void mio_batch_normalization_backward(
    const float *x, const float *dy, const float *mask, const float *means, const float *by_gradient,
    const float *by_distance, const float *all, int64_t rows, int64_t width, float *dx, bool adds) {
    if (width == 1 && !mask) {
        float mean = means[0], a = by_gradient[0], b = by_distance[0], c = all[0];
        for (int64_t row = 0; row < rows; row++) {
            float gradient = dy[row] * a + (x[row] - mean) * b + c;
            dx[row] = adds ? dx[row] + gradient : gradient;
        }
        return;
    }
    for (int64_t row = 0; row < rows; row++, x += width, dy += width, dx += width) {
        float counts = mask ? mask[row] : 1;
        if (adds)
            gradients_of_row(x, dy, means, by_gradient, by_distance, all, counts, width, dx, true);
        else
            gradients_of_row(x, dy, means, by_gradient, by_distance, all, counts, width, dx, false);
    }
}
