#include "clones.h"

struct weights { float a, b, c, d; };

// Of the two rows' left and right neighbours.
MIO_INLINE struct weights weights_of(float down, float across) {
    return (struct weights){
        (1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across};
}

MIO_CLONES void mio_interpolate_forward(const struct mio_interpolation *t, int64_t planes, const float *x, float *y) {
    for (int64_t plane = 0; plane < planes; plane++, x += t->height * t->width * t->lanes) {
        for (int64_t row = 0; row < t->output_height; row++) {
            const float *upper = x + t->rows[row].lower * t->width * t->lanes;
            const float *lower = x + t->rows[row].upper * t->width * t->lanes;
            for (int64_t column = 0; column < t->output_width; column++, y += t->lanes) {
                struct mio_neighbours n = t->columns[column];
                struct weights w = weights_of(t->rows[row].share, n.share);
                int64_t left = n.lower * t->lanes, right = n.upper * t->lanes;
                for (int64_t lane = 0; lane < t->lanes; lane++)
                    y[lane] = w.a * upper[left + lane] + w.b * upper[right + lane] + w.c * lower[left + lane] +
                              w.d * lower[right + lane];
            }
        }
    }
}

MIO_CLONES void mio_interpolate_backward(
    const struct mio_interpolation *t, int64_t planes, const float *dy, float *dx, bool adds) {
    if (!adds) memset(dx, 0, (size_t)(planes * t->height * t->width * t->lanes) * sizeof(float));
    for (int64_t plane = 0; plane < planes; plane++, dx += t->height * t->width * t->lanes) {
        for (int64_t row = 0; row < t->output_height; row++) {
            float *upper = dx + t->rows[row].lower * t->width * t->lanes;
            float *lower = dx + t->rows[row].upper * t->width * t->lanes;
            for (int64_t column = 0; column < t->output_width; column++, dy += t->lanes) {
                struct mio_neighbours n = t->columns[column];
                struct weights w = weights_of(t->rows[row].share, n.share);
                int64_t left = n.lower * t->lanes, right = n.upper * t->lanes;
                // The neighbours may be one pixel: one after the other.
                for (int64_t lane = 0; lane < t->lanes; lane++) {
                    upper[left + lane] += w.a * dy[lane];
                    upper[right + lane] += w.b * dy[lane];
                    lower[left + lane] += w.c * dy[lane];
                    lower[right + lane] += w.d * dy[lane];
                }
            }
        }
    }
}
