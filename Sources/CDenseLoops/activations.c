#include "activations.h"

// `readable` elements follow, at least the row's own.
MIO_INLINE void softmax(float *y, int64_t width, int64_t readable) {
    float largest = mio_largest_of_row(y, width, readable);
    mio_lanes sums = {0};
    for (int64_t i = 0; i < width; i += 16) {
        mio_words mask = mio_mask(width - i);
        mio_lanes distances = mio_select(mask, mio_load_row(y, width, i, readable) - largest);
        mio_lanes v = mio_select(mask, exponentials(distances));
        sums += v;
        store_some(y + i, v, width - i < 16 ? width - i : 16);
    }
    float sum = mio_sum(sums);
    for (int64_t i = 0; i < width; i++) y[i] /= sum;
}

MIO_CLONES void mio_bias_activation(
    enum mio_activation activation, float *y, const float *bias, int64_t rows, int64_t width) {
    if (!bias && activation != mio_activation_softmax) {
        width *= rows;
        rows = 1;
    }
    for (int64_t row = 0; row < rows; row++, y += width) {
        if (bias) for (int64_t i = 0; i < width; i++) y[i] += bias[i];
        switch (activation) {
        case mio_activation_linear: break;
        case mio_activation_relu: for (int64_t i = 0; i < width; i++) y[i] = rectified(y[i]); break;
        case mio_activation_sigmoid: for (int64_t i = 0; i < width; i++) y[i] = sigmoid(y[i]); break;
        case mio_activation_tanh: for (int64_t i = 0; i < width; i++) y[i] = hyperbolic_tangent(y[i]); break;
        case mio_activation_softmax: softmax(y, width, (rows - row) * width); break;
        }
    }
}

MIO_INLINE float product_of_row(const float *y, const float *dy, int64_t width) {
    mio_lanes sums = {0};
    int64_t i = 0;
    for (; i + 16 <= width; i += 16) sums += mio_load(y + i) * mio_load(dy + i);
    if (i < width) sums += load_part(y + i, width - i) * load_part(dy + i, width - i);
    return mio_sum(sums);
}

MIO_INLINE void gradient_row(
    enum mio_activation activation, const float *y, const float *dy, float *dz, int64_t width) {
    switch (activation) {
    case mio_activation_linear: if (dz != dy) memmove(dz, dy, (size_t)width * sizeof(float)); break;
    case mio_activation_relu: for (int64_t i = 0; i < width; i++) dz[i] = y[i] > 0.0f ? dy[i] : 0.0f; break;
    case mio_activation_sigmoid: for (int64_t i = 0; i < width; i++) dz[i] = dy[i] * y[i] * (1.0f - y[i]); break;
    case mio_activation_tanh: for (int64_t i = 0; i < width; i++) dz[i] = dy[i] * (1.0f - y[i] * y[i]); break;
    case mio_activation_softmax: {
        float dot = product_of_row(y, dy, width);
        for (int64_t i = 0; i < width; i++) dz[i] = y[i] * (dy[i] - dot);
        break;
    }
    }
}

MIO_INLINE mio_lanes gradient_lanes(enum mio_activation activation, mio_lanes value, mio_lanes g) {
    if (activation == mio_activation_relu) return mio_select((mio_words)(value > 0.0f), g);
    if (activation == mio_activation_sigmoid) return g * value * (1.0f - value);
    if (activation == mio_activation_tanh) return g * (1.0f - value * value);
    return g;
}

// So many whole vectors of columns of all rows; the bias' gradient stays in registers. Several are summed side by side:
// an addition waits for the one before it, not for its neighbor.
MIO_INLINE void gradient_of_whole_columns(
    const int vectors, enum mio_activation activation, const float *y, const float *dy, int64_t rows, int64_t width,
    float *dz, float *bias_gradient, bool adds) {
    enum { most_vectors = 4 };
    mio_lanes sums[most_vectors];
    MIO_UNROLLED for (int v = 0; v < vectors; v++) sums[v] = (mio_lanes){0};
    for (int64_t row = 0; row < rows; row++) {
        MIO_UNROLLED for (int v = 0; v < vectors; v++) {
            int64_t at = row * width + 16 * v;
            mio_lanes value = activation == mio_activation_linear ? (mio_lanes){0} : mio_load(y + at);
            mio_lanes g = gradient_lanes(activation, value, mio_load(dy + at));
            sums[v] += g;
            if (activation != mio_activation_linear || dz != dy) mio_store(dz + at, g);
        }
    }
    if (!bias_gradient) return;
    MIO_UNROLLED for (int v = 0; v < vectors; v++) {
        float *target = bias_gradient + 16 * v;
        mio_store(target, adds ? mio_load(target) + sums[v] : sums[v]);
    }
}

// Up to sixteen columns of all rows.
MIO_INLINE void gradient_columns(
    enum mio_activation activation, const float *y, const float *dy, int64_t rows, int64_t width, int64_t first,
    float *dz, int64_t dz_stride, float *bias_gradient, bool adds) {
    int64_t count = width - first < 16 ? width - first : 16;
    mio_words mask = mio_mask(count);
    mio_lanes sum = {0};
    int64_t row = 0;
    // Whole vectors except for the last rows, beyond whose narrow ends there is nothing.
    int64_t whole = dz_stride - first >= 16 ? rows - (16 - count + width - 1) / width : 0;
    for (; row < whole; row++) {
        int64_t at = row * width + first;
        mio_lanes value = activation == mio_activation_linear ? (mio_lanes){0} : mio_load(y + at);
        mio_lanes g = mio_select(mask, gradient_lanes(activation, value, mio_load(dy + at)));
        sum += g;
        if (activation != mio_activation_linear || dz != dy) mio_store(dz + row * dz_stride + first, g);
    }
    for (; row < rows; row++) {
        int64_t at = row * width + first;
        // Beyond a narrow row lies the next one.
        bool readable = at + 16 <= rows * width;
        mio_lanes g = readable ? mio_load(dy + at) : load_part(dy + at, count);
        if (activation != mio_activation_linear) {
            g = gradient_lanes(activation, readable ? mio_load(y + at) : load_part(y + at, count), g);
        }
        g = mio_select(mask, g);
        sum += g;
        float *target = dz + row * dz_stride + first;
        if (dz_stride - first >= 16) mio_store(target, g);
        else store_part(target, g, count);
    }
    if (!bias_gradient) return;
    if (adds) sum += load_part(bias_gradient + first, count);
    store_part(bias_gradient + first, sum, count);
}

// Rows of few elements, one after the other: several of them are a vector.
MIO_INLINE void gradient_of_narrow_rows(
    enum mio_activation activation, const float *y, const float *dy, int64_t rows, int64_t width, float *dz,
    float *bias_gradient, bool adds) {
    int64_t count = rows * width, i = 0;
    mio_lanes sum = {0};
    for (; i + 16 <= count; i += 16) {
        mio_lanes g = gradient_lanes(activation, mio_load(y + i), mio_load(dy + i));
        mio_store(dz + i, g);
        sum += g;
    }
    if (i < count) {
        mio_lanes g = gradient_lanes(activation, load_part(y + i, count - i), load_part(dy + i, count - i));
        store_part(dz + i, g, count - i);
        sum += mio_select(mio_mask(count - i), g);
    }
    if (!bias_gradient) return;
    if (!adds) memset(bias_gradient, 0, (size_t)width * sizeof(float));
    if (16 % width == 0) {
        float sums[16];
        mio_store(sums, sum);
        for (int64_t lane = 0; lane < 16; lane++) bias_gradient[lane % width] += sums[lane];
    } else {
        for (int64_t row = 0; row < rows; row++)
            for (int64_t j = 0; j < width; j++) bias_gradient[j] += dz[row * width + j];
    }
}

MIO_CLONES void mio_activation_gradient(
    enum mio_activation activation, const float *y, const float *dy, int64_t rows, int64_t width, float *dz,
    int64_t dz_stride, float *bias_gradient, bool adds) {
    // A row at a time: softmax' elements meet; a row of few elements, padded to a few more, is no vector.
    if (activation == mio_activation_softmax || (width < dz_stride && dz_stride < 16)) {
        if (bias_gradient && !adds) memset(bias_gradient, 0, (size_t)width * sizeof(float));
        for (int64_t row = 0; row < rows; row++, y += width, dy += width, dz += dz_stride) {
            gradient_row(activation, y, dy, dz, width);
            for (int64_t i = width; i < dz_stride; i++) dz[i] = 0.0f;
            if (bias_gradient) for (int64_t i = 0; i < width; i++) bias_gradient[i] += dz[i];
        }
        return;
    }
    int64_t first = 0;
#define MIO_WHOLE_COLUMNS(name, vectors) \
    for (; dz_stride == width && first + 16 * vectors <= width; first += 16 * vectors) \
        gradient_of_whole_columns( \
            vectors, name, y + first, dy + first, rows, width, dz + first, \
            bias_gradient ? bias_gradient + first : 0, adds);
#define MIO_COLUMNS(name) \
    case name: \
        if (width < 16 && dz_stride == width) { \
            gradient_of_narrow_rows(name, y, dy, rows, width, dz, bias_gradient, adds); \
            break; \
        } \
        MIO_WHOLE_COLUMNS(name, 4) \
        MIO_WHOLE_COLUMNS(name, 2) \
        MIO_WHOLE_COLUMNS(name, 1) \
        for (; first < width; first += 16) \
            gradient_columns(name, y, dy, rows, width, first, dz, dz_stride, bias_gradient, adds); \
        break;
    switch (activation) {
    MIO_COLUMNS(mio_activation_linear)
    MIO_COLUMNS(mio_activation_relu)
    MIO_COLUMNS(mio_activation_sigmoid)
    MIO_COLUMNS(mio_activation_tanh)
    case mio_activation_softmax: break;
    }
#undef MIO_COLUMNS
#undef MIO_WHOLE_COLUMNS
}

MIO_CLONES void mio_elementwise_gradient(
    enum mio_activation activation, const float *y, const float *dy, float *dx, int64_t count, bool adds) {
    if (!adds) {
        gradient_row(activation, y, dy, dx, count);
        return;
    }
    if (activation == mio_activation_softmax) {
        float dot = product_of_row(y, dy, count);
        for (int64_t i = 0; i < count; i++) dx[i] += y[i] * (dy[i] - dot);
        return;
    }
    float part[256];
    for (int64_t i = 0; i < count; i += 256) {
        int64_t length = count - i < 256 ? count - i : 256;
        gradient_row(activation, y + i, dy + i, part, length);
        for (int64_t j = 0; j < length; j++) dx[i + j] += part[j];
    }
}

MIO_CLONES void mio_add(const float *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] += x[i];
}

// Sums over so many pixels are made in 32 bits; their sums in 64: a plain sum over half a million pixels would lose
// three digits.
enum { pixels_a_sum = 256 };

MIO_INLINE void lanes_gradient(bool relu, const float *y, float *dy, int64_t pixels, int64_t lanes, double *sums) {
    for (int64_t begin = 0; begin < pixels; begin += pixels_a_sum) {
        int64_t end = begin + pixels_a_sum < pixels ? begin + pixels_a_sum : pixels;
        // At most 16 lanes at a time, which stay in registers.
        for (int64_t first = 0; first < lanes; first += 16) {
            int64_t count = lanes - first < 16 ? lanes - first : 16;
            float part[16] = {0};
            if (count == 16) {
                mio_lanes sum = {0};
                for (int64_t pixel = begin; pixel < end; pixel++) {
                    int64_t at = pixel * lanes + first;
                    mio_lanes g = mio_load(dy + at);
                    if (relu) {
                        g = mio_select((mio_words)(mio_load(y + at) > 0.0f), g);
                        mio_store(dy + at, g);
                    }
                    sum += g;
                }
                mio_store(part, sum);
            } else {
                for (int64_t pixel = begin; pixel < end; pixel++) {
                    for (int64_t lane = 0; lane < count; lane++) {
                        int64_t at = pixel * lanes + first + lane;
                        float g = dy[at];
                        if (relu) dy[at] = g = y[at] > 0.0f ? g : 0.0f;
                        part[lane] += g;
                    }
                }
            }
            for (int64_t lane = 0; lane < count; lane++) sums[first + lane] += part[lane];
        }
    }
}

MIO_CLONES void mio_image_relu_gradient(
    bool relu, const float *y, float *dy, int64_t samples, int64_t planes, int64_t pixels, int64_t lanes,
    int64_t channels, float *bias_gradient) {
    if (!relu && !bias_gradient) return;
    enum { most_lanes = 64 };
    // Of one plane. Canonical images may be wider: those are summed in 32 bits, where the gradient goes.
    double sums[most_lanes];
    for (int64_t plane = 0; plane < planes; plane++) {
        if (lanes <= most_lanes) {
            memset(sums, 0, sizeof sums);
            for (int64_t sample = 0; sample < samples; sample++) {
                int64_t offset = (sample * planes + plane) * pixels * lanes;
                lanes_gradient(relu, y + offset, dy + offset, pixels, lanes, sums);
            }
            for (int64_t lane = 0; bias_gradient && lane < lanes && plane * lanes + lane < channels; lane++)
                bias_gradient[plane * lanes + lane] += (float)sums[lane];
        } else {
            for (int64_t pixel = 0; pixel < samples * pixels; pixel++) {
                int64_t at = (plane * samples * pixels + pixel) * lanes;
                for (int64_t lane = 0; lane < lanes; lane++) {
                    float g = dy[at + lane];
                    if (relu) dy[at + lane] = g = y[at + lane] > 0.0f ? g : 0.0f;
                    if (bias_gradient) bias_gradient[lane] += g;
                }
            }
        }
    }
}
