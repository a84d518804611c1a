#include "clones.h"
#include "folds.h"

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

MIO_INLINE void wide_forward(
    const float *x, const float *w, int64_t w_stride, const float *initial, bool adds, float *y, int64_t samples,
    int64_t width, int64_t units) {
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
        for (int64_t i = 0; i < count * units; i++) {
            float *target = y + first * units + i;
            *target = (adds ? *target : initial ? initial[i % units] : 0.0f) + (float)sums[i];
        }
    }
}

// Vectors no longer than this are multiplied in whole registers, if they fill them.
enum { narrow = 256 };

static bool is_narrow(int64_t width) { return width <= narrow && width % 16 == 0; }

// Four elements of a vector for each of four units.
typedef float quarters __attribute__((vector_size(16), aligned(4)));

MIO_INLINE mio_lanes four_times(const float *p) {
    quarters v = *(const quarters *)p;
    return __builtin_shufflevector(v, v, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

MIO_INLINE mio_lanes side_by_side(quarters a, quarters b, quarters c, quarters d) {
    return __builtin_shufflevector(
        __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7), __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7),
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// A vector of w would have a lane in sixteen for each unit. Here four lanes are a unit's, and four products of a sample
// are added up side by side.
MIO_INLINE void narrow_forward(
    const float *x, const float *w, int64_t w_stride, const float *initial, bool adds, float *y, int64_t samples,
    int64_t width, int64_t units) {
    enum { at_once = 8, lanes_of_unit = 4 };
    const quarters none = {0};
    mio_lanes right[narrow / lanes_of_unit];
    for (int64_t i = 0; i < width; i += lanes_of_unit) {
#define MIO_UNIT(unit) unit < units ? *(const quarters *)(w + unit * w_stride + i) : none
        right[i / lanes_of_unit] = side_by_side(MIO_UNIT(0), MIO_UNIT(1), MIO_UNIT(2), MIO_UNIT(3));
#undef MIO_UNIT
    }
    for (int64_t first = 0; first < samples; first += at_once) {
        // Where fewer samples are left, the last one is computed several times.
        int64_t places[at_once];
        mio_lanes sums[at_once];
        MIO_UNROLLED for (int s = 0; s < at_once; s++) {
            places[s] = (first + s < samples ? first + s : samples - 1) * width;
            sums[s] = (mio_lanes){0};
        }
        for (int64_t i = 0; i < width; i += lanes_of_unit)
            MIO_UNROLLED for (int s = 0; s < at_once; s++)
                sums[s] += four_times(x + places[s] + i) * right[i / lanes_of_unit];
        MIO_UNROLLED for (int s = 0; s < at_once; s += 4) {
            mio_lanes by_unit = fold_neighbors(
                sum_of, fold_neighbors(sum_of, sums[s], sums[s + 1]), fold_neighbors(sum_of, sums[s + 2], sums[s + 3]));
            mio_lanes by_sample = __builtin_shufflevector(
                by_unit, by_unit, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            int64_t left = samples - first - s;
            if (units == mio_few_units && left >= 4) {
                float *target = y + (first + s) * units;
                mio_lanes before = adds ? mio_load(target) : initial ? four_times(initial) : (mio_lanes){0};
                mio_store(target, before + by_sample);
                continue;
            }
            float values[16];
            mio_store(values, by_sample);
            for (int64_t sample = 0; sample < 4 && sample < left; sample++) {
                float *target = y + (first + s + sample) * units;
                for (int64_t unit = 0; unit < units; unit++)
                    target[unit] = (adds ? target[unit] : initial ? initial[unit] : 0.0f)
                        + values[sample * mio_few_units + unit];
            }
        }
    }
}

MIO_CLONES void mio_few_units_forward(
    const float *x, const float *w, int64_t w_stride, const float *initial, bool adds, float *y, int64_t samples,
    int64_t width, int64_t units) {
    if (is_narrow(width)) narrow_forward(x, w, w_stride, initial, adds, y, samples, width, units);
    else wide_forward(x, w, w_stride, initial, adds, y, samples, width, units);
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
    if (is_narrow(width)) {
        if (dw) mio_small_product(units, width, samples, dz, 1, units, x, width, 0, dw_adds, dw, w_stride);
        if (dx) mio_small_product(samples, width, units, dz, units, 1, w, w_stride, 0, dx_adds, dx, width);
        return;
    }
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

// Sixteen elements of one sample: dw ← or += x · dz, x ← [x > 0] · Σ w · dz, which is returned.
MIO_INLINE mio_lanes relu_vector(
    const int units, float *x, const float *w, int64_t w_stride, const float *dz, float *dw, bool adds) {
    mio_lanes value = mio_load(x), gradient = {0};
    for (int unit = 0; unit < units; unit++) {
        gradient += mio_load(w + unit * w_stride) * dz[unit];
        float *target = dw + unit * w_stride;
        mio_lanes product = value * dz[unit];
        mio_store(target, adds ? mio_load(target) + product : product);
    }
    gradient = mio_select((mio_words)(value > 0.0f), gradient);
    mio_store(x, gradient);
    return gradient;
}

MIO_INLINE void relu_backward(
    const int units, float *x, const float *w, int64_t w_stride, const float *dz, float *dw, bool dw_adds,
    int64_t samples, int64_t width, int64_t pixels, int64_t lanes, float *bias_gradient, int64_t channels) {
    for (int64_t begin = 0; begin < width; begin += pixels * lanes) {
        double sums[16] = {0};
        for (int64_t i = 0; i < pixels * lanes; i += stretch) {
            int64_t length = pixels * lanes - i < stretch ? pixels * lanes - i : stretch, at = begin + i;
            for (int64_t sample = 0; sample < samples; sample++) {
                // The first sample's gradient is written, not added to zeros.
                bool adds = dw_adds || sample > 0;
                mio_lanes sum = {0};
                int64_t j = 0;
                float *image = x + sample * width + at;
                if (adds)
                    for (; j + 16 <= length; j += 16)
                        sum += relu_vector(units, image + j, w + at + j, w_stride, dz + sample * units, dw + at + j, true);
                else
                    for (; j + 16 <= length; j += 16)
                        sum += relu_vector(units, image + j, w + at + j, w_stride, dz + sample * units, dw + at + j, false);
                float parts[16];
                mio_store(parts, sum);
                for (int lane = 0; lane < 16; lane++) sums[lane % lanes] += parts[lane];
                // Half a vector, of eight lanes.
                for (; j < length; j++) {
                    float value = image[j], gradient = 0.0f;
                    for (int unit = 0; unit < units; unit++) {
                        float scale = dz[sample * units + unit];
                        gradient += w[unit * w_stride + at + j] * scale;
                        float *target = dw + unit * w_stride + at + j;
                        *target = adds ? *target + value * scale : value * scale;
                    }
                    image[j] = gradient = value > 0.0f ? gradient : 0.0f;
                    sums[j % lanes] += gradient;
                }
            }
        }
        int64_t channel = begin / pixels;
        for (int64_t lane = 0; bias_gradient && lane < lanes && channel + lane < channels; lane++)
            bias_gradient[channel + lane] += (float)sums[lane];
    }
}

MIO_CLONES void mio_few_units_relu_backward(
    float *x, const float *w, int64_t w_stride, const float *dz, float *dw, bool dw_adds, int64_t samples,
    int64_t width, int64_t units, int64_t pixels, int64_t lanes, float *bias_gradient, int64_t channels) {
#define MIO_UNITS(count) \
    case count: \
        relu_backward(count, x, w, w_stride, dz, dw, dw_adds, samples, width, pixels, lanes, bias_gradient, channels); \
        break;
    switch (units) { MIO_UNITS(1) MIO_UNITS(2) MIO_UNITS(3) MIO_UNITS(4) }
#undef MIO_UNITS
}
