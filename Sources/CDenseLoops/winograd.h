// Winograd's convolution in registers of 16 and of 8 lanes: what the header's functions are in either.
#include "CDenseLoops.h"

#define MIO_DECLARE_WINOGRAD(width) \
    int64_t mio_winograd_##width##_scratch(const struct mio_winograd *w); \
    void mio_winograd_##width##_forward( \
        const struct mio_winograd *w, const float *input, const float *filters, const float *bias, bool relu, \
        float *output, float *scratch); \
    void mio_winograd_##width##_input_gradient( \
        const struct mio_winograd *w, const float *output_gradient, const float *filters, bool passes_relu, \
        float *bias_gradient, float *input_gradient, float *scratch); \
    void mio_winograd_##width##_filter_gradient( \
        const struct mio_winograd *w, const float *input, const float *output_gradient, float *filter_gradient, \
        float *scratch);

MIO_DECLARE_WINOGRAD(16)
MIO_DECLARE_WINOGRAD(8)
