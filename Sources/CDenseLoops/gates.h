#include "activations.h"

// Of one element by itself: what a gate can have.
MIO_INLINE void activate_row(enum mio_activation activation, float *y, const float *bias, int64_t width) {
    if (bias) for (int64_t i = 0; i < width; i++) y[i] += bias[i];
    switch (activation) {
    case mio_activation_relu: for (int64_t i = 0; i < width; i++) y[i] = rectified(y[i]); break;
    case mio_activation_sigmoid: for (int64_t i = 0; i < width; i++) y[i] = sigmoid(y[i]); break;
    case mio_activation_tanh: for (int64_t i = 0; i < width; i++) y[i] = hyperbolic_tangent(y[i]); break;
    default: break;
    }
}

// f′ from f.
MIO_INLINE float slope(enum mio_activation activation, float y) {
    switch (activation) {
    case mio_activation_relu: return y > 0.0f ? 1.0f : 0.0f;
    case mio_activation_sigmoid: return y * (1.0f - y);
    case mio_activation_tanh: return 1.0f - y * y;
    default: return 1.0f;
    }
}
