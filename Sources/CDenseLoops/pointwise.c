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

MIO_INLINE mio_lanes value(enum mio_pointwise function, mio_lanes x) {
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
    case mio_pointwise_exponential: break;
    }
    return x;
}

MIO_INLINE mio_lanes slope(enum mio_pointwise function, mio_lanes x) {
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
    case mio_pointwise_leaky_relu: return mio_blend(negative, mio_splat(leaky_slope), one);
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
    case mio_pointwise_exponential: break;
    }
    return one;
}

MIO_INLINE void values(enum mio_pointwise function, const float *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i += 16) {
        int64_t part = count - i < 16 ? count - i : 16;
        store_some(y + i, value(function, load_some(x + i, part)), part);
    }
}

MIO_INLINE void slopes(
    enum mio_pointwise function, const float *x, const float *dy, float *dx, int64_t count, bool adds) {
    for (int64_t i = 0; i < count; i += 16) {
        int64_t part = count - i < 16 ? count - i : 16;
        mio_lanes gradient = load_some(dy + i, part) * slope(function, load_some(x + i, part));
        if (adds) gradient += load_some(dx + i, part);
        store_some(dx + i, gradient, part);
    }
}

// A function at a time, so that the choice is made outside of the loop.
#define MIO_EACH_POINTWISE(loop, ...) \
    switch (function) { \
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
    }

MIO_CLONES void mio_pointwise_forward(enum mio_pointwise function, const float *x, float *y, int64_t count) {
    if (function == mio_pointwise_exponential)
        for (int64_t i = 0; i < count; i++) y[i] = exponential(x[i]);
    MIO_EACH_POINTWISE(values, x, y, count)
}

MIO_CLONES void mio_pointwise_gradient(
    enum mio_pointwise function, const float *x, const float *dy, float *dx, int64_t count, bool adds) {
    if (function == mio_pointwise_exponential)
        for (int64_t i = 0; i < count; i++) dx[i] = (adds ? dx[i] : 0.0f) + dy[i] * exponential(x[i]);
    MIO_EACH_POINTWISE(slopes, x, dy, dx, count, adds)
}
