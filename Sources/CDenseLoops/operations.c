#include "clones.h"

// Operations on tensors that no activation and no merge is. Their functions are the C library's, element by element.

MIO_INLINE float element_value(enum mio_element_function function, float x) {
    switch (function) {
    case mio_element_negative: return -x;
    case mio_element_inverse_root: return 1.0f / sqrtf(x);
    case mio_element_exponential_minus_one: return expm1f(x);
    case mio_element_logarithm_of_one_plus: return log1pf(x);
    case mio_element_sine: return sinf(x);
    case mio_element_cosine: return cosf(x);
    case mio_element_sign: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
    }
    return x;
}

MIO_INLINE float element_slope(enum mio_element_function function, float x, float y) {
    switch (function) {
    case mio_element_negative: return -1.0f;
    case mio_element_inverse_root: return -0.5f * y * y * y;
    case mio_element_exponential_minus_one: return y + 1.0f;
    case mio_element_logarithm_of_one_plus: return 1.0f / (1.0f + x);
    case mio_element_sine: return cosf(x);
    case mio_element_cosine: return -sinf(x);
    case mio_element_sign: return 0.0f;
    }
    return 1.0f;
}

// A function at a time, so that the choice is made outside of the loop.
#define MIO_EACH_ELEMENT_FUNCTION(loop) \
    switch (function) { \
    loop(mio_element_negative) \
    loop(mio_element_inverse_root) \
    loop(mio_element_exponential_minus_one) \
    loop(mio_element_logarithm_of_one_plus) \
    loop(mio_element_sine) \
    loop(mio_element_cosine) \
    loop(mio_element_sign) \
    }

MIO_CLONES void mio_element_forward(enum mio_element_function function, const float *x, float *y, int64_t count) {
#define MIO_VALUES(kind) case kind: for (int64_t i = 0; i < count; i++) y[i] = element_value(kind, x[i]); break;
    MIO_EACH_ELEMENT_FUNCTION(MIO_VALUES)
#undef MIO_VALUES
}

MIO_CLONES void mio_element_gradient(
    enum mio_element_function function, const float *x, const float *y, const float *dy, float *dx, int64_t count,
    bool adds) {
#define MIO_SLOPES(kind) \
    case kind: \
        if (adds) for (int64_t i = 0; i < count; i++) dx[i] += dy[i] * element_slope(kind, x[i], y[i]); \
        else for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * element_slope(kind, x[i], y[i]); \
        break;
    MIO_EACH_ELEMENT_FUNCTION(MIO_SLOPES)
#undef MIO_SLOPES
}

// To the next row of the last axis; false behind the last one.
MIO_INLINE bool next_row(
    const struct mio_axes *axes, int64_t at[mio_most_axes], const float **a, const float **b, float **c) {
    for (int64_t axis = axes->count - 2; axis >= 0; axis--) {
        *a += axes->a[axis];
        *b += axes->b[axis];
        *c += axes->c[axis];
        if (++at[axis] < axes->sizes[axis]) return true;
        *a -= axes->a[axis] * axes->sizes[axis];
        *b -= axes->b[axis] * axes->sizes[axis];
        *c -= axes->c[axis] * axes->sizes[axis];
        at[axis] = 0;
    }
    return false;
}

// Of negative numbers too, to whole powers.
MIO_INLINE float power(float a, float b) { return b == 2.0f ? a * a : powf(a, b); }

void mio_power(const struct mio_axes *axes, const float *a, const float *b, float *y) {
    int64_t at[mio_most_axes] = {0}, last = axes->count - 1, width = axes->sizes[last];
    float *none = y;
    for (bool more = true; more; more = next_row(axes, at, &a, &b, &none), y += width)
        for (int64_t i = 0; i < width; i++) y[i] = power(a[i * axes->a[last]], b[i * axes->b[last]]);
}

void mio_power_gradient(
    const struct mio_axes *axes, bool of_exponent, const float *g, const float *a, const float *b, float *dx) {
    int64_t at[mio_most_axes] = {0}, last = axes->count - 1, width = axes->sizes[last];
    for (bool more = true; more; more = next_row(axes, at, &a, &b, &dx), g += width) {
        for (int64_t i = 0; i < width; i++) {
            float base = a[i * axes->a[last]], exponent = b[i * axes->b[last]], gradient;
            if (!of_exponent) gradient = g[i] * exponent * power(base, exponent - 1.0f);
            else gradient = base > 0.0f ? g[i] * power(base, exponent) * logf(base) : 0.0f;
            dx[i * axes->c[last]] += gradient;
        }
    }
}

MIO_INLINE void extremes(const struct mio_axes *axes, bool largest, const float *x, float *y) {
    int64_t at[mio_most_axes] = {0}, last = axes->count - 1, width = axes->sizes[last];
    bool joins = axes->c[last] == 0;
    const float *none = x;
    for (bool more = true; more; more = next_row(axes, at, &none, &none, &y), x += width) {
        if (joins) {
            float best = *y;
            // A NaN stays one.
            for (int64_t i = 0; i < width; i++)
                best = (largest ? x[i] > best : x[i] < best) || x[i] != x[i] ? x[i] : best;
            *y = best;
        } else {
            for (int64_t i = 0; i < width; i++)
                y[i] = (largest ? x[i] > y[i] : x[i] < y[i]) || x[i] != x[i] ? x[i] : y[i];
        }
    }
}

MIO_CLONES void mio_reduced_extremes(const struct mio_axes *axes, bool largest, const float *x, float *y) {
    if (largest) extremes(axes, true, x, y);
    else extremes(axes, false, x, y);
}

MIO_CLONES void mio_reduced_extremes_gradient(
    const struct mio_axes *axes, const float *x, const float *y, const float *dy, float *ties, float *dx, bool adds) {
    int64_t last = axes->count - 1, width = axes->sizes[last], step = axes->c[last];
    int64_t at[mio_most_axes] = {0};
    const float *row = x, *result = y, *none = x;
    float *count = ties;
    // The places of the results move as those of `axes->b` do, which are the same.
    for (bool more = true; more; more = next_row(axes, at, &none, &result, &count), row += width)
        for (int64_t i = 0; i < width; i++) count[i * step] += row[i] == result[i * step] ? 1.0f : 0.0f;
    count = ties;
    result = y;
    const float *gradient = dy;
    for (bool more = true; more; more = next_row(axes, at, &gradient, &result, &count), x += width, dx += width) {
        for (int64_t i = 0; i < width; i++) {
            float share = x[i] == result[i * step] ? gradient[i * step] / count[i * step] : 0.0f;
            dx[i] = adds ? dx[i] + share : share;
        }
    }
}
