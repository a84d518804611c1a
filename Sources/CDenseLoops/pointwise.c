#include "exponential.h"
#include "logarithm.h"

// Activations of each element by itself, in vectors of sixteen; an exponential's argument is never above 0 here.

MIO_INLINE mio_lanes magnitude(mio_lanes x) { return (mio_lanes)((mio_words)x & 0x7fffffff); }

MIO_INLINE mio_words is_negative(mio_lanes x) { return (mio_words)(x < 0.0f); }

// eˣ − 1 of x up to 0, and of NaN. Near 0 the difference would cancel: Taylor's polynomial, within 1e-8 there.
MIO_INLINE mio_lanes exponentials_minus_one(mio_lanes x) {
    mio_lanes p = mio_splat(1.0f / 40320);
    p = p * x + 1.0f / 5040;
    p = p * x + 1.0f / 720;
    p = p * x + 1.0f / 120;
    p = p * x + 1.0f / 24;
    p = p * x + 1.0f / 6;
    p = p * x + 1.0f / 2;
    p = p * x * x + x;
    return mio_blend((mio_words)(x > -0.5f), p, exponentials(x) - 1.0f);
}

// ln(1 + e) of e from 0 to 1. The quotient takes back what was lost when 1 + e was rounded.
MIO_INLINE mio_lanes logarithms_of_one_plus(mio_lanes e) {
    mio_lanes sum = e + 1.0f, rest = sum - 1.0f;
    return mio_blend((mio_words)(rest == 0.0f), e, logarithms(sum) * (e / rest));
}

MIO_INLINE mio_lanes sigmoids(mio_lanes x) {
    mio_lanes e = exponentials(-magnitude(x));
    return mio_blend(is_negative(x), e, mio_splat(1.0f)) / (e + 1.0f);
}

MIO_INLINE mio_lanes softpluses(mio_lanes x) {
    return mio_blend((mio_words)(x > 0.0f), x, mio_splat(0.0f)) + logarithms_of_one_plus(exponentials(-magnitude(x)));
}

// tanh(ln(1 + eˣ)) = (n² + 2n) / (n² + 2n + 2) with n = eˣ; divided by n² where that is above 1.
MIO_INLINE mio_lanes tanh_softpluses(mio_lanes x) {
    mio_lanes e = exponentials(-magnitude(x));
    mio_lanes of_negative = e * (e + 2.0f) / (e * (e + 2.0f) + 2.0f);
    mio_lanes of_positive = (e * 2.0f + 1.0f) / (e * 2.0f + 1.0f + e * e * 2.0f);
    return mio_blend(is_negative(x), of_negative, of_positive);
}

// Φ(x) = erfc(−x/√2) / 2. erfc(a) = exp(−a²) · t · P(t) with t = 1 / (1 + a/2): P is fitted on Chebyshev's nodes for a up
// to 10.4, within 4e-8; its sum is within 2.5e-7.
// `density_exponential` is exp(−x²/2).
MIO_INLINE mio_lanes normal_distributions(mio_lanes x, mio_lanes density_exponential) {
    mio_lanes t = 1.0f / (magnitude(x) * 0.353553390593273762f + 1.0f);
    mio_lanes p = mio_splat(0.0163683483f);
    p = p * t - 0.144045563f;
    p = p * t + 0.474305715f;
    p = p * t - 0.725542821f;
    p = p * t + 0.46306386f;
    p = p * t - 0.118293851f;
    p = p * t + 0.231578217f;
    p = p * t + 0.237537845f;
    p = p * t + 0.282968416f;
    p = p * t + 0.282059826f;
    mio_lanes tail = p * t * density_exponential * 0.5f;
    return mio_blend(is_negative(x), tail, 1.0f - tail);
}

static const float leaky_slope = 0.2f;
// λ and λα of <https://arxiv.org/abs/1706.02515>.
static const float selu_scale = 1.05070098735548049342f, selu_negative = 1.75809934084737685994f;

// (1 − e) / (1 + e) with e = exp(−2|x|); near 0 that would cancel: Cephes' polynomial.
MIO_INLINE mio_lanes tanhs(mio_lanes x) {
    mio_lanes m = magnitude(x), z = x * x, p = mio_splat(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    mio_lanes e = exponentials(m * -2.0f), large = (1.0f - e) / (1.0f + e);
    large = (mio_lanes)((mio_words)large | ((mio_words)x & INT32_MIN));
    return mio_blend((mio_words)(m < 0.625f), p * z * x + x, large);
}

MIO_INLINE mio_lanes roots(mio_lanes x) {
    float values[MIO_WIDTH];
    mio_store(values, x);
    for (int i = 0; i < MIO_WIDTH; i++) values[i] = sqrtf(values[i]);
    return mio_load(values);
}

// √(2/π) · (x + 0.044715 · x³)
MIO_INLINE mio_lanes gelu_argument(mio_lanes x) { return x * (x * x * 0.044715f + 1.0f) * 0.797884560802865356f; }

MIO_INLINE mio_lanes value(enum mio_pointwise function, const float *arguments, mio_lanes x) {
    const float first = arguments[0];
    mio_words negative = is_negative(x);
    mio_lanes below = mio_blend(negative, x, mio_splat(0.0f));
    switch (function) {
    case mio_pointwise_elu: return mio_blend(negative, exponentials_minus_one(below), x);
    case mio_pointwise_gelu: return x * normal_distributions(x, exponentials(x * x * -0.5f));
    case mio_pointwise_hard_sigmoid: {
        mio_lanes line = x * (1.0f / 6) + 0.5f;
        line = mio_blend((mio_words)(line < 0.0f), mio_splat(0.0f), line);
        return mio_blend((mio_words)(line > 1.0f), mio_splat(1.0f), line);
    }
    case mio_pointwise_leaky_relu: return mio_blend(negative, x * leaky_slope, x);
    case mio_pointwise_mish: return x * tanh_softpluses(x);
    case mio_pointwise_relu6: {
        mio_lanes rectified = mio_blend(negative, mio_splat(0.0f), x);
        return mio_blend((mio_words)(x > 6.0f), mio_splat(6.0f), rectified);
    }
    case mio_pointwise_selu:
        return mio_blend(negative, exponentials_minus_one(below) * selu_negative, x * selu_scale);
    case mio_pointwise_silu: return x * sigmoids(x);
    case mio_pointwise_softplus: return softpluses(x);
    case mio_pointwise_softsign: return x / (magnitude(x) + 1.0f);
    case mio_pointwise_leaky: return mio_blend(negative, x * first, x);
    case mio_pointwise_rectified: {
        mio_lanes low = first == 0.0f ? mio_splat(0.0f) : (x - arguments[2]) * first;
        mio_lanes high = mio_blend((mio_words)(x > arguments[1]), mio_splat(arguments[1]), x);
        return mio_blend((mio_words)(x <= arguments[2]), low, high);
    }
    case mio_pointwise_scaled_elu: return mio_blend(negative, exponentials_minus_one(below) * first, x);
    case mio_pointwise_celu: return mio_blend(negative, exponentials_minus_one(below / first) * first, x);
    case mio_pointwise_gelu_by_tanh: return x * 0.5f * (tanhs(gelu_argument(x)) + 1.0f);
    case mio_pointwise_hard_shrink:
        return mio_blend((mio_words)(magnitude(x) <= first), mio_splat(0.0f), x);
    case mio_pointwise_soft_shrink: {
        mio_lanes inside = mio_blend((mio_words)(x < -first), x + first, x - x);
        return mio_blend((mio_words)(x > first), x - first, inside);
    }
    case mio_pointwise_squareplus: return (x + roots(x * x + first)) * 0.5f;
    case mio_pointwise_threshold: return mio_blend((mio_words)(x <= first), mio_splat(arguments[1]), x);
    case mio_pointwise_hard_silu: {
        mio_lanes inside = mio_blend((mio_words)(x < 3.0f), x * (x + 3.0f) * (1.0f / 6), x);
        return mio_blend((mio_words)(x <= -3.0f), mio_splat(0.0f), inside);
    }
    case mio_pointwise_hard_tanh: {
        mio_lanes most = mio_blend((mio_words)(x > 1.0f), mio_splat(1.0f), x);
        return mio_blend((mio_words)(x < -1.0f), mio_splat(-1.0f), most);
    }
    case mio_pointwise_log_sigmoid: return -softpluses(-x);
    case mio_pointwise_sparse_plus: {
        mio_lanes inside = mio_blend((mio_words)(x < 1.0f), (x + 1.0f) * (x + 1.0f) * 0.25f, x);
        return mio_blend((mio_words)(x <= -1.0f), mio_splat(0.0f), inside);
    }
    case mio_pointwise_sparse_sigmoid: {
        mio_lanes line = mio_blend((mio_words)(x >= 1.0f), mio_splat(1.0f), (x + 1.0f) * 0.5f);
        return mio_blend((mio_words)(x <= -1.0f), mio_splat(0.0f), line);
    }
    case mio_pointwise_tanh_shrink: return x - tanhs(x);
    case mio_pointwise_absolute: return magnitude(x);
    case mio_pointwise_square: return x * x;
    case mio_pointwise_square_root: return roots(x);
    case mio_pointwise_clip: {
        mio_lanes most = mio_blend((mio_words)(x > arguments[1]), mio_splat(arguments[1]), x);
        return mio_blend((mio_words)(x < first), mio_splat(first), most);
    }
    case mio_pointwise_reciprocal: return first / x;
    case mio_pointwise_logarithm:
    case mio_pointwise_power:
    case mio_pointwise_exponential: break;
    }
    return x;
}

MIO_INLINE mio_lanes slope(enum mio_pointwise function, const float *arguments, mio_lanes x) {
    const float first = arguments[0];
    mio_words negative = is_negative(x);
    mio_lanes below = mio_blend(negative, x, mio_splat(0.0f)), one = mio_splat(1.0f);
    switch (function) {
    case mio_pointwise_elu: return mio_blend(negative, exponentials(below), one);
    case mio_pointwise_gelu: {
        mio_lanes e = exponentials(x * x * -0.5f);
        return normal_distributions(x, e) + x * e * 0.398942280401432678f;
    }
    case mio_pointwise_hard_sigmoid:
        return mio_select((mio_words)(magnitude(x) < 3.0f), mio_splat(1.0f / 6));
    case mio_pointwise_leaky_relu: return mio_blend((mio_words)(x > 0.0f), one, mio_splat(leaky_slope));
    case mio_pointwise_mish: {
        mio_lanes t = tanh_softpluses(x);
        return t + x * sigmoids(x) * (1.0f - t * t);
    }
    case mio_pointwise_relu6: return mio_select((mio_words)(x > 0.0f) & (mio_words)(x < 6.0f), one);
    case mio_pointwise_selu:
        return mio_blend(negative, exponentials(below) * selu_negative, mio_splat(selu_scale));
    case mio_pointwise_silu: {
        mio_lanes s = sigmoids(x);
        return s * (x * (1.0f - s) + 1.0f);
    }
    case mio_pointwise_softplus: return sigmoids(x);
    case mio_pointwise_softsign: {
        mio_lanes y = 1.0f / (magnitude(x) + 1.0f);
        return y * y;
    }
    case mio_pointwise_leaky: return mio_blend((mio_words)(x > 0.0f), one, mio_splat(first));
    case mio_pointwise_rectified: {
        mio_lanes high = mio_select((mio_words)(x > arguments[2]) & ~(mio_words)(x > arguments[1]), one);
        return mio_blend((mio_words)(x < arguments[2]), mio_splat(first), high);
    }
    case mio_pointwise_scaled_elu: return mio_blend(negative, exponentials(below) * first, one);
    case mio_pointwise_celu: return mio_blend(negative, exponentials(below / first), one);
    case mio_pointwise_gelu_by_tanh: {
        mio_lanes t = tanhs(gelu_argument(x)), inner = (x * x * (3 * 0.044715f) + 1.0f) * 0.797884560802865356f;
        return (t + 1.0f) * 0.5f + x * 0.5f * (1.0f - t * t) * inner;
    }
    case mio_pointwise_hard_shrink:
    case mio_pointwise_soft_shrink: return mio_select((mio_words)(magnitude(x) > first), one);
    case mio_pointwise_squareplus: return (x / roots(x * x + first) + 1.0f) * 0.5f;
    case mio_pointwise_threshold: return mio_select((mio_words)(x > first), one);
    case mio_pointwise_hard_silu: {
        mio_lanes inside = mio_blend((mio_words)(x < 3.0f), (x * 2.0f + 3.0f) * (1.0f / 6), one);
        return mio_blend((mio_words)(x <= -3.0f), mio_splat(0.0f), inside);
    }
    case mio_pointwise_hard_tanh:
        return mio_select((mio_words)(x >= -1.0f) & (mio_words)(x <= 1.0f), one);
    case mio_pointwise_log_sigmoid: return sigmoids(-x);
    case mio_pointwise_sparse_plus: {
        mio_lanes inside = mio_blend((mio_words)(x < 1.0f), (x + 1.0f) * 0.5f, one);
        return mio_blend((mio_words)(x <= -1.0f), mio_splat(0.0f), inside);
    }
    case mio_pointwise_sparse_sigmoid: return mio_select((mio_words)(magnitude(x) < 1.0f), mio_splat(0.5f));
    case mio_pointwise_tanh_shrink: {
        mio_lanes t = tanhs(x);
        return t * t;
    }
    case mio_pointwise_absolute:
        return mio_blend(negative, mio_splat(-1.0f), mio_select((mio_words)(x > 0.0f), one));
    case mio_pointwise_square: return x + x;
    case mio_pointwise_square_root: return 0.5f / roots(x);
    case mio_pointwise_clip: return mio_select((mio_words)(x >= first) & (mio_words)(x <= arguments[1]), one);
    case mio_pointwise_reciprocal: return -first / (x * x);
    case mio_pointwise_logarithm:
    case mio_pointwise_power:
    case mio_pointwise_exponential: break;
    }
    return one;
}

MIO_INLINE void values(
    enum mio_pointwise function, const float *arguments, const float *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i += 16) {
        int64_t part = count - i < 16 ? count - i : 16;
        store_some(y + i, value(function, arguments, load_some(x + i, part)), part);
    }
}

MIO_INLINE void slopes(
    enum mio_pointwise function, const float *arguments, const float *x, const float *dy, float *dx, int64_t count,
    bool adds) {
    for (int64_t i = 0; i < count; i += 16) {
        int64_t part = count - i < 16 ? count - i : 16;
        mio_lanes gradient = load_some(dy + i, part) * slope(function, arguments, load_some(x + i, part));
        if (adds) gradient += load_some(dx + i, part);
        store_some(dx + i, gradient, part);
    }
}

// Powers, logarithms and roots of any numbers: element by element.
MIO_INLINE void powers(float exponent, bool slopes, const float *x, const float *dy, float *y, int64_t count, bool adds) {
    for (int64_t i = 0; i < count; i++) {
        float value = !slopes ? powf(x[i], exponent) : exponent == 0.0f ? 0.0f : dy[i] * exponent * powf(x[i], exponent - 1.0f);
        y[i] = adds ? y[i] + value : value;
    }
}

MIO_INLINE void logarithms_of_any(bool slopes, const float *x, const float *dy, float *y, int64_t count, bool adds) {
    for (int64_t i = 0; i < count; i++) {
        float value = slopes ? dy[i] / x[i] : logf(x[i]);
        y[i] = adds ? y[i] + value : value;
    }
}

// A function at a time, so that the choice is made outside of the loop.
#define MIO_EACH_POINTWISE(loop, ...) \
    switch (f->function) { \
    case mio_pointwise_elu: loop(mio_pointwise_elu, __VA_ARGS__); break; \
    case mio_pointwise_exponential: break; \
    case mio_pointwise_gelu: loop(mio_pointwise_gelu, __VA_ARGS__); break; \
    case mio_pointwise_hard_sigmoid: loop(mio_pointwise_hard_sigmoid, __VA_ARGS__); break; \
    case mio_pointwise_leaky_relu: loop(mio_pointwise_leaky_relu, __VA_ARGS__); break; \
    case mio_pointwise_mish: loop(mio_pointwise_mish, __VA_ARGS__); break; \
    case mio_pointwise_relu6: loop(mio_pointwise_relu6, __VA_ARGS__); break; \
    case mio_pointwise_selu: loop(mio_pointwise_selu, __VA_ARGS__); break; \
    case mio_pointwise_silu: loop(mio_pointwise_silu, __VA_ARGS__); break; \
    case mio_pointwise_softplus: loop(mio_pointwise_softplus, __VA_ARGS__); break; \
    case mio_pointwise_softsign: loop(mio_pointwise_softsign, __VA_ARGS__); break; \
    case mio_pointwise_leaky: loop(mio_pointwise_leaky, __VA_ARGS__); break; \
    case mio_pointwise_rectified: loop(mio_pointwise_rectified, __VA_ARGS__); break; \
    case mio_pointwise_scaled_elu: loop(mio_pointwise_scaled_elu, __VA_ARGS__); break; \
    case mio_pointwise_celu: loop(mio_pointwise_celu, __VA_ARGS__); break; \
    case mio_pointwise_gelu_by_tanh: loop(mio_pointwise_gelu_by_tanh, __VA_ARGS__); break; \
    case mio_pointwise_hard_shrink: loop(mio_pointwise_hard_shrink, __VA_ARGS__); break; \
    case mio_pointwise_soft_shrink: loop(mio_pointwise_soft_shrink, __VA_ARGS__); break; \
    case mio_pointwise_squareplus: loop(mio_pointwise_squareplus, __VA_ARGS__); break; \
    case mio_pointwise_threshold: loop(mio_pointwise_threshold, __VA_ARGS__); break; \
    case mio_pointwise_hard_silu: loop(mio_pointwise_hard_silu, __VA_ARGS__); break; \
    case mio_pointwise_hard_tanh: loop(mio_pointwise_hard_tanh, __VA_ARGS__); break; \
    case mio_pointwise_log_sigmoid: loop(mio_pointwise_log_sigmoid, __VA_ARGS__); break; \
    case mio_pointwise_sparse_plus: loop(mio_pointwise_sparse_plus, __VA_ARGS__); break; \
    case mio_pointwise_sparse_sigmoid: loop(mio_pointwise_sparse_sigmoid, __VA_ARGS__); break; \
    case mio_pointwise_tanh_shrink: loop(mio_pointwise_tanh_shrink, __VA_ARGS__); break; \
    case mio_pointwise_absolute: loop(mio_pointwise_absolute, __VA_ARGS__); break; \
    case mio_pointwise_square: loop(mio_pointwise_square, __VA_ARGS__); break; \
    case mio_pointwise_square_root: loop(mio_pointwise_square_root, __VA_ARGS__); break; \
    case mio_pointwise_clip: loop(mio_pointwise_clip, __VA_ARGS__); break; \
    case mio_pointwise_reciprocal: loop(mio_pointwise_reciprocal, __VA_ARGS__); break; \
    case mio_pointwise_logarithm: \
    case mio_pointwise_power: break; \
    }

MIO_CLONES void mio_pointwise_forward(
    const struct mio_pointwise_function *f, const float *x, float *y, int64_t count) {
    if (f->function == mio_pointwise_exponential)
        for (int64_t i = 0; i < count; i++) y[i] = exponential(x[i]);
    if (f->function == mio_pointwise_power) powers(f->arguments[0], false, x, x, y, count, false);
    if (f->function == mio_pointwise_logarithm) logarithms_of_any(false, x, x, y, count, false);
    MIO_EACH_POINTWISE(values, f->arguments, x, y, count)
}

MIO_CLONES void mio_pointwise_gradient(
    const struct mio_pointwise_function *f, const float *x, const float *dy, float *dx, int64_t count, bool adds) {
    if (f->function == mio_pointwise_exponential)
        for (int64_t i = 0; i < count; i++) dx[i] = (adds ? dx[i] : 0.0f) + dy[i] * exponential(x[i]);
    if (f->function == mio_pointwise_power) powers(f->arguments[0], true, x, dy, dx, count, adds);
    if (f->function == mio_pointwise_logarithm) logarithms_of_any(true, x, dy, dx, count, adds);
    MIO_EACH_POINTWISE(slopes, f->arguments, x, dy, dx, count, adds)
}
