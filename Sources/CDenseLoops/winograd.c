// Winograd's convolution, in registers as wide as the request's planes.
#include "winograd.h"

bool mio_has_winograd(int64_t lanes) {
#if defined(__x86_64__)
    return (lanes == 16 && __builtin_cpu_supports("x86-64-v4")) || (lanes == 8 && __builtin_cpu_supports("x86-64-v3"));
#else
    return false;
#endif
}

int64_t mio_winograd_scratch(const struct mio_winograd *w) {
    return w->lanes == 16 ? mio_winograd_16_scratch(w) : mio_winograd_8_scratch(w);
}

void mio_winograd_forward(
    const struct mio_winograd *w, const float *input, const float *filters, const float *bias, bool relu,
    float *output, float *scratch) {
    (w->lanes == 16 ? mio_winograd_16_forward : mio_winograd_8_forward)(
        w, input, filters, bias, relu, output, scratch);
}

void mio_winograd_input_gradient(
    const struct mio_winograd *w, const float *output_gradient, const float *filters, bool passes_relu,
    float *bias_gradient, float *input_gradient, float *scratch) {
    (w->lanes == 16 ? mio_winograd_16_input_gradient : mio_winograd_8_input_gradient)(
        w, output_gradient, filters, passes_relu, bias_gradient, input_gradient, scratch);
}

void mio_winograd_filter_gradient(
    const struct mio_winograd *w, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch) {
    (w->lanes == 16 ? mio_winograd_16_filter_gradient : mio_winograd_8_filter_gradient)(
        w, input, output_gradient, filter_gradient, scratch);
}
