#include "exponential.h"

MIO_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

MIO_INLINE float hyperbolic_tangent(float x) {
    float z = x * x;
    // Cephes: near 0 the difference of the other formula would cancel.
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float small = p * z * x + x;
    float large = 1.0f - 2.0f / (exponential(2.0f * fabsf(x)) + 1.0f);
    return fabsf(x) < 0.625f ? small : copysignf(large, x);
}

// A NaN stays one: the run must see it.
MIO_INLINE float rectified(float x) { return x < 0.0f ? 0.0f : x; }
