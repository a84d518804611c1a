// 1×1 convolutions of a few filters, over images in planes of MIO_WIDTH channels: the body of few_filters_8.c and
// few_filters_16.c.
#include "folds.h"

enum { lanes = MIO_WIDTH, pixels_at_once = MIO_WIDTH, pixels_a_sum = 256 };

MIO_INLINE int64_t stride_of(const struct mio_few_filters *f) { return f->planes * lanes; }

// As many pixels' sums over all channels as there are lanes; where fewer are left, the last one is computed several times.
MIO_INLINE mio_lanes sums_of_pixels(
    const struct mio_few_filters *f, const float *x, const float *filter, int64_t first, int64_t count) {
    mio_lanes sums[pixels_at_once] = {0};
    for (int64_t plane = 0; plane < f->planes; plane++) {
        mio_lanes w = mio_load(filter + plane * lanes);
        const float *block = x + (plane * f->pixels + first) * lanes;
        MIO_UNROLLED for (int p = 0; p < pixels_at_once; p++)
            sums[p] += mio_load(block + (p < count ? p : count - 1) * lanes) * w;
    }
    return fold_rows(sum_of, sums);
}

MIO_INLINE void forward(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *bias, float *y) {
    for (int64_t sample = 0; sample < f->samples; sample++) {
        for (int64_t first = 0; first < f->pixels; first += pixels_at_once) {
            int64_t count = f->pixels - first < pixels_at_once ? f->pixels - first : pixels_at_once;
            for (int64_t filter = 0; filter < f->filters; filter++) {
                mio_lanes sums = sums_of_pixels(f, x, filters + filter * stride_of(f), first, count);
                if (bias) sums += bias[filter];
                float *target = y + first * f->filters + filter;
                if (f->filters == 1) {
                    store_some(target, sums, count);
                    continue;
                }
                float values[pixels_at_once];
                mio_store(values, sums);
                for (int64_t p = 0; p < count; p++) target[p * f->filters] = values[p];
            }
        }
        x += stride_of(f) * f->pixels;
        y += f->pixels * f->filters;
    }
}

MIO_CLONES void MIO_FEW_FILTERS(forward)(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *bias, float *y) {
    forward(f, x, filters, bias, y);
}

// What a plane of all samples adds up to: for each filter, and before the relu.
struct plane_sums { double filters[mio_few_units][lanes], relu[lanes]; };

MIO_INLINE void add_lanes(double *sums, mio_lanes v) {
    float values[lanes];
    mio_store(values, v);
    for (int lane = 0; lane < lanes; lane++) sums[lane] += values[lane];
}

// One plane of one sample. Sums over so many pixels are made in 32 bits, their sums in 64.
MIO_INLINE void plane_backward(
    const int filters, int64_t pixels, const float *x, const mio_lanes *w, const float *dz,
    enum mio_few_filters_gradient kind, float *dx, struct plane_sums *sums) {
    for (int64_t begin = 0; begin < pixels; begin += pixels_a_sum) {
        int64_t end = pixels - begin < pixels_a_sum ? pixels : begin + pixels_a_sum;
        mio_lanes products[mio_few_units], relu = {0};
        MIO_UNROLLED for (int filter = 0; filter < filters; filter++) products[filter] = (mio_lanes){0};
        for (int64_t pixel = begin; pixel < end; pixel++) {
            mio_lanes value = mio_load(x + pixel * lanes), gradient = {0};
            MIO_UNROLLED for (int filter = 0; filter < filters; filter++) {
                float scale = dz[pixel * filters + filter];
                products[filter] += value * scale;
                gradient += w[filter] * scale;
            }
            if (kind == mio_passes_relu) {
                gradient = mio_select((mio_words)(value > 0.0f), gradient);
                relu += gradient;
            }
            if (kind == mio_adds_gradient) gradient += mio_load(dx + pixel * lanes);
            if (kind != mio_no_gradient) mio_store(dx + pixel * lanes, gradient);
        }
        MIO_UNROLLED for (int filter = 0; filter < filters; filter++) add_lanes(sums->filters[filter], products[filter]);
        if (kind == mio_passes_relu) add_lanes(sums->relu, relu);
    }
}

MIO_INLINE void backward(
    const int filters, const struct mio_few_filters *f, const float *x, const float *weights, const float *dz,
    float *dw, bool dw_adds, enum mio_few_filters_gradient kind, float *dx, float *bias_gradient) {
    for (int64_t plane = 0; plane < f->planes; plane++) {
        struct plane_sums sums = {0};
        mio_lanes w[mio_few_units];
        for (int filter = 0; filter < filters; filter++)
            w[filter] = mio_load(weights + filter * stride_of(f) + plane * lanes);
        for (int64_t sample = 0; sample < f->samples; sample++) {
            int64_t at = (sample * f->planes + plane) * f->pixels * lanes;
            const float *errors = dz + sample * f->pixels * filters;
            float *target = kind == mio_no_gradient ? 0 : dx + at;
            // The kind is a constant in each copy.
#define MIO_KIND(name) case name: plane_backward(filters, f->pixels, x + at, w, errors, name, target, &sums); break;
            switch (kind) {
                MIO_KIND(mio_no_gradient) MIO_KIND(mio_gradient) MIO_KIND(mio_adds_gradient) MIO_KIND(mio_passes_relu)
            }
#undef MIO_KIND
        }
        for (int filter = 0; dw && filter < filters; filter++) {
            float *target = dw + filter * stride_of(f) + plane * lanes;
            for (int lane = 0; lane < lanes; lane++)
                target[lane] = (dw_adds ? target[lane] : 0.0f) + (float)sums.filters[filter][lane];
        }
        for (int64_t lane = 0; bias_gradient && lane < lanes && plane * lanes + lane < f->channels; lane++)
            bias_gradient[plane * lanes + lane] += (float)sums.relu[lane];
    }
}

MIO_CLONES void MIO_FEW_FILTERS(backward)(
    const struct mio_few_filters *f, const float *x, const float *filters, const float *dz, float *dw, bool dw_adds,
    enum mio_few_filters_gradient kind, float *dx, float *bias_gradient) {
    switch (f->filters) {
#define MIO_FILTERS(count) \
    case count: backward(count, f, x, filters, dz, dw, dw_adds, kind, dx, bias_gradient); break;
        MIO_FILTERS(1) MIO_FILTERS(2) MIO_FILTERS(3) MIO_FILTERS(4)
#undef MIO_FILTERS
    }
}
