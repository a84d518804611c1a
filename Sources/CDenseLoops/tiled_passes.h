// Convolutions on tiles: the body of tiles_amx.c and tiles_plain.c, where MIO_TILED(name) is the name of a function of
// theirs. A tile has sixteen lines of sixteen sums; a product adds to them that of sixteen lines of 32 factors, rounded
// to bfloat16, with 32 lines of sixteen.
#include "tiled_way.h"
#include "tiled_gradient.h"

int64_t MIO_TILED(scratch)(const struct mio_tiled *t) {
    int64_t floats[] = {
        scratch_of_way(t, way_forward(t)), scratch_of_way(t, way_backward(t)), scratch_of_factors(t)};
    int64_t most = 0;
    for (int i = 0; i < 3; i++) most = floats[i] > most ? floats[i] : most;
    return most;
}

void MIO_TILED(forward)(
    const struct mio_tiled *t, const float *input, const float *filters, const float *bias, bool relu, float *output,
    float *scratch) {
    convolve(t, way_forward(t), input, filters, false, bias, relu, false, NULL, output, scratch);
}

void MIO_TILED(input_gradient)(
    const struct mio_tiled *t, const float *output_gradient, const float *filters, bool passes_relu,
    float *bias_gradient, float *input_gradient, float *scratch) {
    convolve(
        t, way_backward(t), output_gradient, filters, true, NULL, false, passes_relu, bias_gradient, input_gradient,
        scratch);
}

void MIO_TILED(filter_gradient)(
    const struct mio_tiled *t, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch) {
    convolve_gradients(t, input, output_gradient, filter_gradient, scratch);
}
