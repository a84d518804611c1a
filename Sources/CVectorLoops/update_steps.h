// What every update of weights does to an element before its own rule.
#ifndef MIO_UPDATE_STEPS_H
#define MIO_UPDATE_STEPS_H
#include "CVectorLoops.h"
#include "clones.h"

#include <math.h>

// Contraction would round differently with and without FMA units.
#pragma STDC FP_CONTRACT OFF

// sqrtf may set errno, which keeps a loop from being vectorized; the builtin does not.
#if __has_builtin(__builtin_elementwise_sqrt)
#define SQUARE_ROOT(x) __builtin_elementwise_sqrt(x)
#else
#define SQUARE_ROOT(x) sqrtf(x)
#endif

// Comparisons in this order let a NaN through: the finite check must see it, clipping must not hide it.
INLINE float prepared_gradient(float gradient, mio_update_options options) {
    float scaled = gradient * options.gradient_scale;
    scaled = scaled < -options.limit ? -options.limit : scaled;
    return scaled > options.limit ? options.limit : scaled;
}

INLINE float decayed_weight(float weight, mio_update_options options) {
    return weight - weight * options.decay;
}

#endif
