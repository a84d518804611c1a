// Convolutions on tiles, by the processor's instructions for them (AMX) and without: what the header's functions are in
// either.
#include "CDenseLoops.h"

#define MIO_DECLARE_TILED(name) \
    int64_t mio_tiled_##name##_scratch(const struct mio_tiled *t); \
    void mio_tiled_##name##_forward( \
        const struct mio_tiled *t, const float *input, const float *filters, const float *bias, bool relu, \
        float *output, float *scratch); \
    void mio_tiled_##name##_input_gradient( \
        const struct mio_tiled *t, const float *output_gradient, const float *filters, bool passes_relu, \
        float *bias_gradient, float *input_gradient, float *scratch); \
    void mio_tiled_##name##_filter_gradient( \
        const struct mio_tiled *t, const float *input, const float *output_gradient, float *filter_gradient, \
        float *scratch);

MIO_DECLARE_TILED(amx)
MIO_DECLARE_TILED(plain)
