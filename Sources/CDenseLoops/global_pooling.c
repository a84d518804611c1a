#include "clones.h"

// Pixels whose sum is taken by itself: few numbers meet a large sum.
enum { run_of_pixels = 64 };

MIO_INLINE bool counts(const float *mask, int64_t pixel) { return !mask || mask[pixel] != 0; }

MIO_INLINE int64_t group_of(int64_t lane, int64_t lanes) { return lanes - lane < 16 ? lanes - lane : 16; }

// Of a plane's pixels, `lanes` apart, in up to sixteen lanes.
MIO_INLINE mio_lanes sum_of_pixels(const float *x, const float *mask, int64_t pixels, int64_t lanes, int64_t count) {
    mio_lanes sum = {0};
    for (int64_t first = 0; first < pixels; first += run_of_pixels) {
        int64_t end = pixels - first < run_of_pixels ? pixels : first + run_of_pixels;
        mio_lanes part = {0};
        for (int64_t pixel = first; pixel < end; pixel++)
            if (counts(mask, pixel)) part += load_some(x + pixel * lanes, count);
        sum += part;
    }
    return sum;
}

MIO_INLINE float share_of_pixel(const float *mask, int64_t pixels) {
    int64_t count = 0;
    for (int64_t pixel = 0; pixel < pixels; pixel++) count += counts(mask, pixel);
    return 1.0f / (float)count;
}

// Of each plane of one sample.
MIO_INLINE void mean_of_planes(const struct mio_pixels *p, const float *x, const float *mask, float *y) {
    // 0 · ∞ where nothing counts: no number, as 0 / 0.
    float share = share_of_pixel(mask, p->pixels);
    for (int64_t plane = 0; plane < p->planes; plane++, x += p->pixels * p->lanes, y += p->lanes) {
        for (int64_t lane = 0; lane < p->lanes; lane += 16) {
            int64_t count = group_of(lane, p->lanes);
            store_some(y + lane, sum_of_pixels(x + lane, mask, p->pixels, p->lanes, count) * share, count);
        }
    }
}

MIO_CLONES void mio_global_mean_forward(const struct mio_pixels *p, const float *x, const float *mask, float *y) {
    for (int64_t sample = 0; sample < p->samples; sample++) {
        mean_of_planes(
            p, x + sample * p->planes * p->pixels * p->lanes, mask ? mask + sample * p->pixels : 0,
            y + sample * p->planes * p->lanes);
    }
}

MIO_INLINE void gradient_of_planes(
    const struct mio_pixels *p, const float *dy, const float *mask, float *dx, bool adds) {
    float share = share_of_pixel(mask, p->pixels);
    for (int64_t plane = 0; plane < p->planes; plane++, dy += p->lanes) {
        for (int64_t pixel = 0; pixel < p->pixels; pixel++, dx += p->lanes) {
            float own = counts(mask, pixel) ? share : 0.0f;
            for (int64_t lane = 0; lane < p->lanes; lane += 16) {
                int64_t count = group_of(lane, p->lanes);
                mio_lanes gradient = load_some(dy + lane, count) * own;
                store_some(dx + lane, adds ? load_some(dx + lane, count) + gradient : gradient, count);
            }
        }
    }
}

MIO_CLONES void mio_global_mean_backward(
    const struct mio_pixels *p, const float *dy, const float *mask, float *dx, bool adds) {
    for (int64_t sample = 0; sample < p->samples; sample++) {
        gradient_of_planes(
            p, dy + sample * p->planes * p->lanes, mask ? mask + sample * p->pixels : 0,
            dx + sample * p->planes * p->pixels * p->lanes, adds);
    }
}

MIO_INLINE void largest_of_plane(const struct mio_pixels *p, const float *x, float *y) {
    for (int64_t lane = 0; lane < p->lanes; lane += 16) {
        int64_t count = group_of(lane, p->lanes);
        mio_lanes best = load_some(x + lane, count);
        for (int64_t pixel = 1; pixel < p->pixels; pixel++) {
            mio_lanes value = load_some(x + pixel * p->lanes + lane, count);
            // What is not a number stays.
            mio_words better = (mio_words)(value > best) | (mio_words)(value != value);
            best = mio_blend(better & (mio_words)(best == best), value, best);
        }
        store_some(y + lane, best, count);
    }
}

MIO_CLONES void mio_global_max_forward(const struct mio_pixels *p, const float *x, float *y) {
    for (int64_t plane = 0; plane < p->samples * p->planes; plane++)
        largest_of_plane(p, x + plane * p->pixels * p->lanes, y + plane * p->lanes);
}

MIO_INLINE void gradient_of_largest(
    const struct mio_pixels *p, const float *x, const float *y, const float *dy, float *dx, bool adds) {
    for (int64_t lane = 0; lane < p->lanes; lane += 16) {
        int64_t count = group_of(lane, p->lanes);
        mio_lanes best = load_some(y + lane, count), equals = {0};
        for (int64_t pixel = 0; pixel < p->pixels; pixel++)
            equals += mio_select(load_some(x + pixel * p->lanes + lane, count) == best, mio_splat(1.0f));
        mio_lanes gradient = load_some(dy + lane, count) / equals;
        for (int64_t pixel = 0; pixel < p->pixels; pixel++) {
            float *target = dx + pixel * p->lanes + lane;
            mio_lanes own = mio_select(load_some(x + pixel * p->lanes + lane, count) == best, gradient);
            store_some(target, adds ? load_some(target, count) + own : own, count);
        }
    }
}

MIO_CLONES void mio_global_max_backward(
    const struct mio_pixels *p, const float *x, const float *y, const float *dy, float *dx, bool adds) {
    for (int64_t plane = 0; plane < p->samples * p->planes; plane++) {
        int64_t image = plane * p->pixels * p->lanes, number = plane * p->lanes;
        gradient_of_largest(p, x + image, y + number, dy + number, dx + image, adds);
    }
}
