#include "clones.h"

MIO_INLINE int64_t part_of(int64_t width, int64_t at) { return width - at < 16 ? width - at : 16; }

// Σ over a row; the lanes behind its end are zero.
MIO_INLINE float sum_of_row(const float *x, int64_t width) {
    mio_lanes sums = {0};
    for (int64_t i = 0; i < width; i += 16) sums += load_some(x + i, part_of(width, i));
    return mio_sum(sums);
}

// Σ (x − mean)² over a row.
MIO_INLINE float squares_of_row(const float *x, float mean, int64_t width) {
    mio_lanes sums = {0};
    for (int64_t i = 0; i < width; i += 16) {
        int64_t count = part_of(width, i);
        mio_lanes distance = mio_select(mio_mask(count), load_some(x + i, count) - mean);
        sums += distance * distance;
    }
    return mio_sum(sums);
}

MIO_INLINE void normalize_row(
    const float *x, const float *gamma, const float *beta, float mean, float factor, float *y, int64_t width) {
    for (int64_t i = 0; i < width; i += 16) {
        int64_t count = part_of(width, i);
        mio_lanes value = (load_some(x + i, count) - mean) * factor;
        if (gamma) value *= load_some(gamma + i, count);
        if (beta) value += load_some(beta + i, count);
        store_some(y + i, value, count);
    }
}

MIO_CLONES void mio_layer_normalization_forward(
    const float *x, const float *gamma, const float *beta, float epsilon, int64_t rows, int64_t width, float *y,
    float *means, float *factors) {
    for (int64_t row = 0; row < rows; row++, x += width, y += width) {
        float mean = sum_of_row(x, width) / (float)width;
        float factor = 1.0f / sqrtf(squares_of_row(x, mean, width) / (float)width + epsilon);
        normalize_row(x, gamma, beta, mean, factor, y, width);
        means[row] = mean;
        factors[row] = factor;
    }
}

// With g = gamma · dy: Σ g and Σ g · x̂ of a row; adds the weights' gradients.
MIO_INLINE void sums_of_row(
    const float *x, const float *dy, const float *gamma, float mean, float factor, int64_t width, float *gamma_gradient,
    float *beta_gradient, float *sum, float *product) {
    mio_lanes sums = {0}, products = {0};
    for (int64_t i = 0; i < width; i += 16) {
        int64_t count = part_of(width, i);
        mio_lanes gradient = load_some(dy + i, count);
        mio_lanes normalized = (load_some(x + i, count) - mean) * factor;
        if (beta_gradient) store_some(beta_gradient + i, load_some(beta_gradient + i, count) + gradient, count);
        if (gamma_gradient)
            store_some(gamma_gradient + i, load_some(gamma_gradient + i, count) + gradient * normalized, count);
        if (gamma) gradient *= load_some(gamma + i, count);
        sums += gradient;
        // Behind the row's end the gradient is zero.
        products += gradient * normalized;
    }
    *sum = mio_sum(sums);
    *product = mio_sum(products);
}

MIO_INLINE void gradient_of_row(
    const float *x, const float *dy, const float *gamma, float mean, float factor, float sum, float product, float *dx,
    bool adds, int64_t width) {
    float mean_gradient = sum / (float)width, mean_product = product / (float)width;
    for (int64_t i = 0; i < width; i += 16) {
        int64_t count = part_of(width, i);
        mio_lanes gradient = load_some(dy + i, count);
        if (gamma) gradient *= load_some(gamma + i, count);
        mio_lanes normalized = (load_some(x + i, count) - mean) * factor;
        mio_lanes result = (gradient - mean_gradient - normalized * mean_product) * factor;
        if (adds) result += load_some(dx + i, count);
        store_some(dx + i, result, count);
    }
}

MIO_CLONES void mio_layer_normalization_backward(
    const float *x, const float *dy, const float *gamma, const float *means, const float *factors, int64_t rows,
    int64_t width, float *dx, bool adds, float *gamma_gradient, float *beta_gradient) {
    for (int64_t row = 0; row < rows; row++, x += width, dy += width) {
        float sum, product;
        sums_of_row(
            x, dy, gamma, means[row], factors[row], width, gamma_gradient, beta_gradient, &sum, &product);
        if (!dx) continue;
        gradient_of_row(x, dy, gamma, means[row], factors[row], sum, product, dx, adds, width);
        dx += width;
    }
}
