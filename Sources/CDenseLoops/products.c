#include "clones.h"

MIO_INLINE mio_lanes load_part(const float *p, int64_t count) {
    float values[16] = {0};
    for (int64_t i = 0; i < count; i++) values[i] = p[i];
    return mio_load(values);
}

MIO_INLINE void store_part(float *p, mio_lanes v, int64_t count) {
    float values[16];
    mio_store(values, v);
    for (int64_t i = 0; i < count; i++) p[i] = values[i];
}

// `rows` × `vectors` · 16 elements of C, kept in registers over the whole of k. Both counts are constants after
// inlining.
MIO_INLINE void tile(
    const int rows, const int vectors, int64_t columns, int64_t k, const float *a, int64_t a_row, int64_t a_column,
    const float *b, int64_t b_stride, const float *initial, bool adds, float *c, int64_t c_stride) {
    mio_lanes sums[6][2];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) sums[i][v] = initial ? mio_load(initial + 16 * v) : (mio_lanes){0};
    for (int64_t l = 0; l < k; l++) {
        mio_lanes right[2];
        for (int v = 0; v < vectors; v++) right[v] = mio_load(b + l * b_stride + 16 * v);
        for (int i = 0; i < rows; i++) {
            float left = a[i * a_row + l * a_column];
            for (int v = 0; v < vectors; v++) sums[i][v] += left * right[v];
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            float *target = c + i * c_stride + 16 * v;
            int64_t count = columns - 16 * v;
            if (count >= 16) mio_store(target, adds ? mio_load(target) + sums[i][v] : sums[i][v]);
            else store_part(target, adds ? load_part(target, count) + sums[i][v] : sums[i][v], count);
        }
    }
}

MIO_CLONES void mio_small_product(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column, const float *b,
    int64_t b_stride, const float *initial, bool adds, float *c, int64_t c_stride) {
    for (int64_t j = 0; j < n; j += 32) {
        const float *start = initial ? initial + j : 0;
        int64_t columns = n - j;
        int64_t i = 0;
        if (columns > 16) {
            for (; i + 6 <= m; i += 6)
                tile(6, 2, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i + 2 <= m; i += 2)
                tile(2, 2, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i < m; i++)
                tile(1, 2, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
        } else {
            for (; i + 6 <= m; i += 6)
                tile(6, 1, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i + 2 <= m; i += 2)
                tile(2, 1, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i < m; i++)
                tile(1, 1, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
        }
    }
}

MIO_CLONES void mio_transpose(
    const float *source, int64_t rows, int64_t columns, int64_t stride, float *target, int64_t target_stride) {
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t i = 0; i < rows; i++) target[j * target_stride + i] = source[i * stride + j];
        for (int64_t i = rows; i < target_stride; i++) target[j * target_stride + i] = 0.0f;
    }
}

// A stretch of a vector that stays in the first-level cache while the samples pass by.
enum { stretch = 1024 };

MIO_INLINE float dot(const float *x, const float *w, int64_t count) {
    // Four sums hide the latency of the addition, and 64 partial sums lose less than one would.
    mio_lanes sums[4] = {{0}, {0}, {0}, {0}};
    int64_t i = 0;
    for (; i + 64 <= count; i += 64)
        for (int v = 0; v < 4; v++) sums[v] += mio_load(x + i + 16 * v) * mio_load(w + i + 16 * v);
    for (; i + 16 <= count; i += 16) sums[0] += mio_load(x + i) * mio_load(w + i);
    float parts[16];
    mio_store(parts, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    float sum = 0.0f;
    for (; i < count; i++) sum += x[i] * w[i];
    for (int lane = 0; lane < 16; lane++) sum += parts[lane];
    return sum;
}

MIO_CLONES void mio_few_units_forward(
    const float *x, const float *w, int64_t w_stride, float *y, int64_t samples, int64_t width, int64_t units) {
    // Stretch by stretch: w is read once for all samples; the sums of stretches are kept in 64 bits.
    enum { samples_at_once = 32 };
    for (int64_t first = 0; first < samples; first += samples_at_once) {
        int64_t count = samples - first < samples_at_once ? samples - first : samples_at_once;
        double sums[samples_at_once * mio_few_units] = {0};
        for (int64_t i = 0; i < width; i += stretch) {
            int64_t length = width - i < stretch ? width - i : stretch;
            for (int64_t sample = 0; sample < count; sample++)
                for (int64_t unit = 0; unit < units; unit++)
                    sums[sample * units + unit] +=
                        dot(x + (first + sample) * width + i, w + unit * w_stride + i, length);
        }
        for (int64_t i = 0; i < count * units; i++) y[first * units + i] += (float)sums[i];
    }
}

// One unit of one stretch of one sample: both gradients, or one of them.
MIO_INLINE void few_units_stretch(
    const float *x, const float *w, float dz, float *dw, float *dx, bool dx_adds, int64_t length) {
    if (dw && dx && dx_adds) {
        for (int64_t i = 0; i < length; i++) {
            dw[i] += x[i] * dz;
            dx[i] += w[i] * dz;
        }
    } else if (dw && dx) {
        for (int64_t i = 0; i < length; i++) {
            dw[i] += x[i] * dz;
            dx[i] = w[i] * dz;
        }
    } else if (dw) {
        for (int64_t i = 0; i < length; i++) dw[i] += x[i] * dz;
    } else if (dx_adds) {
        for (int64_t i = 0; i < length; i++) dx[i] += w[i] * dz;
    } else {
        for (int64_t i = 0; i < length; i++) dx[i] = w[i] * dz;
    }
}

MIO_CLONES void mio_few_units_backward(
    const float *x, const float *w, int64_t w_stride, const float *dz, float *dw, bool dw_adds, float *dx,
    bool dx_adds, int64_t samples, int64_t width, int64_t units) {
    if (!dw && !dx) return;
    float sums[mio_few_units][stretch];
    for (int64_t i = 0; i < width; i += stretch) {
        int64_t length = width - i < stretch ? width - i : stretch;
        if (dw) memset(sums, 0, sizeof sums);
        for (int64_t sample = 0; sample < samples; sample++)
            for (int64_t unit = 0; unit < units; unit++)
                few_units_stretch(
                    x + sample * width + i, w + unit * w_stride + i, dz[sample * units + unit],
                    dw ? sums[unit] : 0, dx ? dx + sample * width + i : 0, dx_adds || unit > 0, length);
        for (int64_t unit = 0; dw && unit < units; unit++) {
            float *target = dw + unit * w_stride + i;
            if (dw_adds) for (int64_t j = 0; j < length; j++) target[j] += sums[unit][j];
            else memcpy(target, sums[unit], (size_t)length * sizeof(float));
        }
    }
}
