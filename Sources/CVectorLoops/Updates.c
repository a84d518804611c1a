#include "clones.h"
#include "update_steps.h"

#include <stdbool.h>

// `has_m` and `has_mean` are constants after inlining: each kind vectorizes without a choice in its loop.
INLINE void rmsprop(const bool has_m, const bool has_mean, size_t count, float *restrict weights,
                    const float *restrict gradient, float *restrict v, float *restrict m, float *restrict mean,
                    mio_update_options options, float rate, float rho, float gain, float momentum,
                    float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float second = rho * v[i] + gain * (g * g);
        float square = second + epsilon;
        v[i] = second;
        if (has_mean) {
            float first = rho * mean[i] + gain * g;
            mean[i] = first;
            square = second - first * first + epsilon;
        }
        float step = rate * g / SQUARE_ROOT(square);
        if (has_m) {
            step = momentum * m[i] + step;
            m[i] = step;
        }
        weights[i] = decayed_weight(weights[i], options) - step;
    }
}

VECTOR_CLONES
void mio_rmsprop_update(size_t count, float *weights, const float *gradient, float *v, float *m, float *mean,
                        mio_update_options options, float rate, float rho, float gain, float momentum,
                        float epsilon) {
    if (m && mean)
        rmsprop(true, true, count, weights, gradient, v, m, mean, options, rate, rho, gain, momentum, epsilon);
    else if (m)
        rmsprop(true, false, count, weights, gradient, v, m, mean, options, rate, rho, gain, momentum, epsilon);
    else if (mean)
        rmsprop(false, true, count, weights, gradient, v, m, mean, options, rate, rho, gain, momentum, epsilon);
    else
        rmsprop(false, false, count, weights, gradient, v, m, mean, options, rate, rho, gain, momentum, epsilon);
}

VECTOR_CLONES
void mio_adagrad_update(size_t count, float *restrict weights, const float *restrict gradient,
                        float *restrict sum, mio_update_options options, float rate, float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float squares = sum[i] + g * g;
        sum[i] = squares;
        weights[i] = decayed_weight(weights[i], options) - rate * g / SQUARE_ROOT(squares + epsilon);
    }
}

VECTOR_CLONES
void mio_adadelta_update(size_t count, float *restrict weights, const float *restrict gradient,
                         float *restrict a, float *restrict d, mio_update_options options, float rate,
                         float rho, float gain, float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float squares = rho * a[i] + gain * (g * g);
        float step = SQUARE_ROOT(d[i] + epsilon) * g / SQUARE_ROOT(squares + epsilon);
        a[i] = squares;
        d[i] = rho * d[i] + gain * (step * step);
        weights[i] = decayed_weight(weights[i], options) - rate * step;
    }
}

VECTOR_CLONES
void mio_adamax_update(size_t count, float *restrict weights, const float *restrict gradient,
                       float *restrict m, float *restrict u, mio_update_options options, float step_size,
                       float gain, float beta_2, float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float first = m[i] + (g - m[i]) * gain;
        float before = beta_2 * u[i], size = __builtin_fabsf(g);
        // In this order a NaN stays.
        float norm = before > size ? before : size;
        m[i] = first;
        u[i] = norm;
        weights[i] = decayed_weight(weights[i], options) - first * step_size / (norm + epsilon);
    }
}

VECTOR_CLONES
void mio_nadam_update(size_t count, float *restrict weights, const float *restrict gradient,
                      float *restrict m, float *restrict v, mio_update_options options, float of_moment,
                      float of_gradient, float correction, float gain_1, float gain_2, float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float first = m[i] + (g - m[i]) * gain_1;
        float second = v[i] + (g * g - v[i]) * gain_2;
        m[i] = first;
        v[i] = second;
        weights[i] = decayed_weight(weights[i], options)
            - (first * of_moment + g * of_gradient) / (SQUARE_ROOT(second * correction) + epsilon);
    }
}

VECTOR_CLONES
void mio_lion_update(size_t count, float *restrict weights, const float *restrict gradient, float *restrict m,
                     mio_update_options options, float rate, float keep_1, float gain_1, float keep_2,
                     float gain_2) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float direction = m[i] * keep_1 + g * gain_1;
        float sign = direction > 0 ? 1.0f : direction < 0 ? -1.0f : direction;
        weights[i] = decayed_weight(weights[i], options) - rate * sign;
        m[i] = m[i] * keep_2 + g * gain_2;
    }
}

VECTOR_CLONES
void mio_ftrl_update(size_t count, float *restrict weights, const float *restrict gradient, float *restrict a,
                     float *restrict z, mio_update_options options, float rate, float first, float shrinkage,
                     float second) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float w = decayed_weight(weights[i], options);
        float sum = a[i] + g * g, before = SQUARE_ROOT(a[i]), after = SQUARE_ROOT(sum);
        float linear = z[i] + ((g + shrinkage * w) - (after - before) / rate * w);
        float low = linear < -first ? -first : linear;
        float clipped = low > first ? first : low;
        z[i] = linear;
        a[i] = sum;
        weights[i] = (clipped - linear) / (after / rate + second);
    }
}

VECTOR_CLONES
void mio_average_update(size_t count, float *restrict weights, float *restrict average, float keep, float gain,
                        int overwrites) {
    if (overwrites) {
        for (size_t i = 0; i < count; i++) weights[i] = average[i] = keep * average[i] + gain * weights[i];
    } else {
        for (size_t i = 0; i < count; i++) average[i] = keep * average[i] + gain * weights[i];
    }
}
