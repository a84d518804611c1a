#include "activations.h"

// Of one element by itself: what a gate can have.
MIO_INLINE void activate_row(enum mio_gate activation, float *y, const float *bias, int64_t width) {
    if (bias) for (int64_t i = 0; i < width; i++) y[i] += bias[i];
    switch (activation) {
    case mio_gate_relu: for (int64_t i = 0; i < width; i++) y[i] = rectified(y[i]); break;
    case mio_gate_sigmoid: for (int64_t i = 0; i < width; i++) y[i] = sigmoid(y[i]); break;
    case mio_gate_tanh: for (int64_t i = 0; i < width; i++) y[i] = hyperbolic_tangent(y[i]); break;
    case mio_gate_hard_sigmoid:
        for (int64_t i = 0; i < width; i++) {
            float line = y[i] * (1.0f / 6) + 0.5f;
            line = line < 0.0f ? 0.0f : line;
            y[i] = line > 1.0f ? 1.0f : line;
        }
        break;
    case mio_gate_linear: break;
    }
}

// f′ from f.
MIO_INLINE float slope(enum mio_gate activation, float y) {
    switch (activation) {
    case mio_gate_relu: return y > 0.0f ? 1.0f : 0.0f;
    case mio_gate_sigmoid: return y * (1.0f - y);
    case mio_gate_tanh: return 1.0f - y * y;
    case mio_gate_hard_sigmoid: return y > 0.0f && y < 1.0f ? 1.0f / 6 : 0.0f;
    case mio_gate_linear: return 1.0f;
    }
}
