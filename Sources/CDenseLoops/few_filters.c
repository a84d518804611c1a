#include "CDenseLoops.h"

// The same for each block of channels, from one source.
#define MIO_BLOCK(width) \
    void mio_few_filters_##width##_forward( \
        const struct mio_few_filters *f, const float *x, const float *filters, const float *bias, float *y); \
    void mio_few_filters_##width##_backward( \
        const struct mio_few_filters *f, const float *x, const float *filters, const float *dz, float *dw, \
        bool dw_adds, enum mio_few_filters_gradient kind, float *dx, float *bias_gradient);
MIO_BLOCK(8) MIO_BLOCK(16)
#undef MIO_BLOCK

void mio_few_filters_forward(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *bias, float *y) {
    (f->block == 8 ? mio_few_filters_8_forward : mio_few_filters_16_forward)(f, x, filters, bias, y);
}

void mio_few_filters_backward(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *dz, float *dw, bool dw_adds,
    enum mio_few_filters_gradient kind, float *dx, float *bias_gradient) {
    (f->block == 8 ? mio_few_filters_8_backward : mio_few_filters_16_backward)(
        f, x, filters, dz, dw, dw_adds, kind, dx, bias_gradient);
}
