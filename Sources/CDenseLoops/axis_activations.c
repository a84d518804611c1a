#include "exponential.h"

// Activations whose elements meet along an axis.

MIO_INLINE int64_t part_of(int64_t width, int64_t at) { return width - at < 16 ? width - at : 16; }

MIO_INLINE void log_softmax_rows(float *y, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, y += width) {
        float largest = mio_largest_of_row(y, width, width);
        mio_lanes sums = {0};
        for (int64_t i = 0; i < width; i += 16) {
            int64_t count = part_of(width, i);
            sums += mio_select(mio_mask(count), exponentials(load_some(y + i, count) - largest));
        }
        float shift = largest + logf(mio_sum(sums));
        for (int64_t i = 0; i < width; i++) y[i] -= shift;
    }
}

MIO_INLINE void log_softmax_gradient(
    const float *y, const float *dy, float *dx, int64_t rows, int64_t width, bool adds) {
    for (int64_t row = 0; row < rows; row++, y += width, dy += width, dx += width) {
        mio_lanes sums = {0};
        for (int64_t i = 0; i < width; i += 16) sums += load_some(dy + i, part_of(width, i));
        float sum = mio_sum(sums);
        for (int64_t i = 0; i < width; i += 16) {
            int64_t count = part_of(width, i);
            // No logarithm of a share is above 0 but by rounding.
            mio_lanes value = load_some(y + i, count);
            value = mio_blend((mio_words)(value > 0.0f), mio_splat(0.0f), value);
            mio_lanes g = load_some(dy + i, count) - exponentials(value) * sum;
            store_some(dx + i, adds ? g + load_some(dx + i, count) : g, count);
        }
    }
}

// MIOGraph's sparsemaxThreshold: elements leave the sum until all that are in it are above the threshold.
MIO_INLINE void sparsemax_rows(float *y, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, y += width) {
        float threshold = -INFINITY;
        for (float support = -1.0f;;) {
            mio_lanes sums = {0}, counts = {0};
            for (int64_t i = 0; i < width; i += 16) {
                int64_t part = part_of(width, i);
                mio_lanes value = load_some(y + i, part);
                mio_words in = mio_mask(part) & ~(mio_words)(value <= threshold);
                sums += mio_select(in, value);
                counts += mio_select(in, mio_splat(1.0f));
            }
            float count = mio_sum(counts);
            if (count == support || count == 0.0f) break;
            support = count;
            threshold = (mio_sum(sums) - 1.0f) / count;
        }
        for (int64_t i = 0; i < width; i++) y[i] = y[i] <= threshold ? 0.0f : y[i] - threshold;
    }
}

MIO_INLINE void sparsemax_gradient(
    const float *y, const float *dy, float *dx, int64_t rows, int64_t width, bool adds) {
    for (int64_t row = 0; row < rows; row++, y += width, dy += width, dx += width) {
        mio_lanes sums = {0}, counts = {0};
        for (int64_t i = 0; i < width; i += 16) {
            int64_t part = part_of(width, i);
            mio_words in = (mio_words)(load_some(y + i, part) > 0.0f);
            sums += mio_select(in, load_some(dy + i, part));
            counts += mio_select(in, mio_splat(1.0f));
        }
        float mean = mio_sum(sums) / mio_sum(counts);
        for (int64_t i = 0; i < width; i += 16) {
            int64_t part = part_of(width, i);
            mio_lanes g = mio_select((mio_words)(load_some(y + i, part) > 0.0f), load_some(dy + i, part) - mean);
            store_some(dx + i, adds ? g + load_some(dx + i, part) : g, part);
        }
    }
}

// Up to sixteen columns of (count, inner).
MIO_INLINE void softmax_of_columns(float *y, int64_t count, int64_t inner, int64_t part) {
    mio_lanes largest = mio_splat(-INFINITY), sums = {0};
    for (int64_t row = 0; row < count; row++) {
        mio_lanes value = load_some(y + row * inner, part);
        largest = mio_blend((mio_words)(value > largest), value, largest);
    }
    mio_words none = (mio_words)(largest == -INFINITY);
    largest = mio_blend(none, mio_splat(0.0f), largest);
    for (int64_t row = 0; row < count; row++) {
        mio_lanes e = exponentials(load_some(y + row * inner, part) - largest);
        sums += e;
        store_some(y + row * inner, e, part);
    }
    mio_lanes factor = 1.0f / mio_blend((mio_words)(sums == 0.0f), mio_splat(1.0f), sums);
    for (int64_t row = 0; row < count; row++)
        store_some(y + row * inner, load_some(y + row * inner, part) * factor, part);
}

MIO_INLINE void softmax_of_row(float *y, int64_t width) {
    float largest = mio_largest_of_row(y, width, width);
    if (largest == -INFINITY) largest = 0.0f;
    mio_lanes sums = {0};
    for (int64_t i = 0; i < width; i += 16) {
        int64_t part = part_of(width, i);
        mio_lanes e = mio_select(mio_mask(part), exponentials(load_some(y + i, part) - largest));
        sums += e;
        store_some(y + i, e, part);
    }
    float sum = mio_sum(sums), factor = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (int64_t i = 0; i < width; i++) y[i] *= factor;
}

MIO_INLINE void softmax_columns(float *y, int64_t outer, int64_t count, int64_t inner) {
    for (int64_t index = 0; index < outer; index++, y += count * inner) {
        if (inner == 1) softmax_of_row(y, count);
        else
            for (int64_t column = 0; column < inner; column += 16)
                softmax_of_columns(y + column, count, inner, part_of(inner, column));
    }
}

MIO_INLINE void softmax_columns_gradient(
    const float *y, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds) {
    int64_t size = count * inner;
    for (int64_t index = 0; index < outer; index++, y += size, dy += size, dx += size) {
        if (inner == 1) {
            mio_lanes sums = {0};
            for (int64_t i = 0; i < count; i += 16) {
                int64_t part = part_of(count, i);
                sums += load_some(y + i, part) * load_some(dy + i, part);
            }
            float dot = mio_sum(sums);
            for (int64_t i = 0; i < count; i += 16) {
                int64_t part = part_of(count, i);
                mio_lanes g = load_some(y + i, part) * (load_some(dy + i, part) - dot);
                store_some(dx + i, adds ? g + load_some(dx + i, part) : g, part);
            }
            continue;
        }
        for (int64_t column = 0; column < inner; column += 16) {
            int64_t part = part_of(inner, column);
            mio_lanes dot = {0};
            for (int64_t row = 0; row < count; row++) {
                int64_t at = row * inner + column;
                dot += load_some(y + at, part) * load_some(dy + at, part);
            }
            for (int64_t row = 0; row < count; row++) {
                int64_t at = row * inner + column;
                mio_lanes g = load_some(y + at, part) * (load_some(dy + at, part) - dot);
                store_some(dx + at, adds ? g + load_some(dx + at, part) : g, part);
            }
        }
    }
}

MIO_CLONES void mio_log_softmax(float *y, int64_t rows, int64_t width) {
    log_softmax_rows(y, rows, width);
}

MIO_CLONES void mio_log_softmax_gradient(
    const float *y, const float *dy, float *dx, int64_t rows, int64_t width, bool adds) {
    log_softmax_gradient(y, dy, dx, rows, width, adds);
}

MIO_CLONES void mio_sparsemax(float *y, int64_t rows, int64_t width) {
    sparsemax_rows(y, rows, width);
}

MIO_CLONES void mio_sparsemax_gradient(
    const float *y, const float *dy, float *dx, int64_t rows, int64_t width, bool adds) {
    sparsemax_gradient(y, dy, dx, rows, width, adds);
}

MIO_CLONES void mio_softmax_columns(float *y, int64_t outer, int64_t count, int64_t inner) {
    softmax_columns(y, outer, count, inner);
}

MIO_CLONES void mio_softmax_columns_gradient(
    const float *y, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds) {
    softmax_columns_gradient(y, dy, dx, outer, count, inner, adds);
}

MIO_INLINE mio_lanes unit_factors(mio_lanes squares) {
    float values[16];
    mio_store(values, squares);
    for (int i = 0; i < 16; i++) {
        float inverse = 1.0f / sqrtf(values[i]);
        values[i] = inverse > 1e12f ? 1e12f : inverse;
    }
    return mio_load(values);
}

MIO_INLINE void unit_normalization(
    const float *x, float *y, int64_t outer, int64_t count, int64_t inner) {
    for (int64_t index = 0; index < outer; index++, x += count * inner, y += count * inner) {
        if (inner == 1) {
            mio_lanes sums = {0};
            for (int64_t i = 0; i < count; i += 16) {
                mio_lanes value = load_some(x + i, part_of(count, i));
                sums += value * value;
            }
            mio_lanes factor = unit_factors(mio_splat(mio_sum(sums)));
            for (int64_t i = 0; i < count; i += 16)
                store_some(y + i, load_some(x + i, part_of(count, i)) * factor, part_of(count, i));
            continue;
        }
        for (int64_t column = 0; column < inner; column += 16) {
            int64_t part = part_of(inner, column);
            mio_lanes sums = {0};
            for (int64_t row = 0; row < count; row++) {
                mio_lanes value = load_some(x + row * inner + column, part);
                sums += value * value;
            }
            mio_lanes factor = unit_factors(sums);
            for (int64_t row = 0; row < count; row++) {
                int64_t at = row * inner + column;
                store_some(y + at, load_some(x + at, part) * factor, part);
            }
        }
    }
}

// (dy − y · Σ y · dy) · f; where f is its limit, dy · f.
MIO_INLINE void unit_gradient(
    const float *x, const float *dy, float *dx, int64_t count, int64_t stride, int64_t part, bool row, bool adds) {
    int64_t step = row ? 16 : 1;
    mio_lanes sums = {0}, dots = {0};
    for (int64_t i = 0; i < count; i += step) {
        int64_t some = row ? part_of(count, i) : part;
        mio_lanes value = load_some(x + i * stride, some);
        sums += value * value;
        dots += value * load_some(dy + i * stride, some);
    }
    if (row) {
        sums = mio_splat(mio_sum(sums));
        dots = mio_splat(mio_sum(dots));
    }
    mio_lanes factor = unit_factors(sums);
    dots = mio_select((mio_words)(factor < 1e12f), dots * factor * factor);
    for (int64_t i = 0; i < count; i += step) {
        int64_t some = row ? part_of(count, i) : part;
        mio_lanes g = (load_some(dy + i * stride, some) - load_some(x + i * stride, some) * dots) * factor;
        store_some(dx + i * stride, adds ? g + load_some(dx + i * stride, some) : g, some);
    }
}

MIO_INLINE void unit_gradients(
    const float *x, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds) {
    int64_t size = count * inner;
    for (int64_t index = 0; index < outer; index++, x += size, dy += size, dx += size) {
        if (inner == 1) unit_gradient(x, dy, dx, count, 1, 16, true, adds);
        else
            for (int64_t column = 0; column < inner; column += 16)
                unit_gradient(
                    x + column, dy + column, dx + column, count, inner, part_of(inner, column), false, adds);
    }
}

MIO_CLONES void mio_unit_normalization(const float *x, float *y, int64_t outer, int64_t count, int64_t inner) {
    unit_normalization(x, y, outer, count, inner);
}

MIO_CLONES void mio_unit_normalization_gradient(
    const float *x, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds) {
    unit_gradients(x, dy, dx, outer, count, inner, adds);
}

MIO_INLINE float more_extreme(bool largest, float a, float b) {
    return (largest ? b > a : b < a) || b != b ? b : a;
}

MIO_CLONES void mio_extremes(bool largest, const float *x, float *y, int64_t outer, int64_t count, int64_t inner) {
    for (int64_t index = 0; index < outer; index++, y += inner) {
        memcpy(y, x, (size_t)inner * sizeof(float));
        x += inner;
        for (int64_t row = 1; row < count; row++, x += inner)
            for (int64_t i = 0; i < inner; i++) y[i] = more_extreme(largest, y[i], x[i]);
    }
}

MIO_CLONES void mio_extremes_gradient(
    const float *x, const float *y, const float *dy, float *dx, int64_t outer, int64_t count, int64_t inner, bool adds) {
    for (int64_t index = 0; index < outer; index++, y += inner, dy += inner, x += count * inner, dx += count * inner) {
        for (int64_t i = 0; i < inner; i++) {
            float equal = 0.0f;
            for (int64_t row = 0; row < count; row++) equal += x[row * inner + i] == y[i] ? 1.0f : 0.0f;
            float share = dy[i] / equal;
            for (int64_t row = 0; row < count; row++) {
                float value = x[row * inner + i] == y[i] ? share : 0.0f;
                dx[row * inner + i] = adds ? dx[row * inner + i] + value : value;
            }
        }
    }
}

MIO_CLONES void mio_gated_halves(const float *x, float *y, int64_t outer, int64_t half_size) {
    for (int64_t row = 0; row < outer; row++, x += 2 * half_size, y += half_size)
        for (int64_t i = 0; i < half_size; i++) y[i] = x[i] / (1.0f + exponential(-x[half_size + i]));
}

MIO_CLONES void mio_gated_halves_gradient(
    const float *x, const float *dy, float *dx, int64_t outer, int64_t half_size, bool adds) {
    for (int64_t row = 0; row < outer; row++, x += 2 * half_size, dx += 2 * half_size, dy += half_size) {
        for (int64_t i = 0; i < half_size; i++) {
            float s = 1.0f / (1.0f + exponential(-x[half_size + i]));
            float a = dy[i] * s, b = dy[i] * x[i] * s * (1.0f - s);
            dx[i] = adds ? dx[i] + a : a;
            dx[half_size + i] = adds ? dx[half_size + i] + b : b;
        }
    }
}
