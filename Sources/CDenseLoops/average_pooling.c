#include "clones.h"
#include "windows.h"

// The sum of a window's elements in up to sixteen lanes: row by row, so that few numbers meet a large sum.
MIO_INLINE mio_lanes sum_of_window(
    const struct mio_window *w, struct part rows, struct part columns, const float *x, int64_t lanes, int64_t count) {
    mio_lanes sum = {0};
    for (int64_t i = rows.begin; i < rows.end; i++) {
        const float *row = x + ((rows.start + i) * w->width + columns.start) * lanes;
        mio_lanes part = {0};
        for (int64_t j = columns.begin; j < columns.end; j++) part += load_some(row + j * lanes, count);
        sum += part;
    }
    return sum;
}

MIO_INLINE float share(struct part rows, struct part columns, bool divides) {
    return divides ? 1.0f / (float)((rows.end - rows.begin) * (columns.end - columns.begin)) : 1.0f;
}

MIO_INLINE void forward(
    const int64_t lanes, const struct mio_window *w, const float *x, float *y, int64_t samples, bool divides, bool adds) {
    for (int64_t plane = 0; plane < samples * w->planes; plane++, x += w->height * w->width * lanes) {
        for (int64_t row = 0; row < w->output_height; row++) {
            struct part rows = part_of(row, w->stride_height, w->before_height, w->window_height, w->height);
            for (int64_t column = 0; column < w->output_width; column++, y += lanes) {
                struct part columns = part_of(column, w->stride_width, w->before_width, w->window_width, w->width);
                float scale = share(rows, columns, divides);
                for (int64_t lane = 0; lane < lanes; lane += 16) {
                    int64_t count = lanes - lane < 16 ? lanes - lane : 16;
                    mio_lanes sum = sum_of_window(w, rows, columns, x + lane, lanes, count) * scale;
                    store_some(y + lane, adds ? load_some(y + lane, count) + sum : sum, count);
                }
            }
        }
    }
}

MIO_CLONES void mio_sum_pool_forward(
    const struct mio_window *w, const float *x, float *y, int64_t samples, bool divides, bool adds) {
    if (w->lanes == 16) forward(16, w, x, y, samples, divides, adds);
    else if (w->lanes == 8) forward(8, w, x, y, samples, divides, adds);
    else forward(w->lanes, w, x, y, samples, divides, adds);
}

MIO_INLINE void backward(
    const int64_t lanes, const struct mio_window *w, const float *dy, float *dx, bool divides, bool adds,
    int64_t samples) {
    bool writes = !adds && is_disjoint(w) && is_gapless(w);
    for (int64_t plane = 0; plane < samples * w->planes; plane++, dx += w->height * w->width * lanes) {
        if (!adds) clear_plane(w, lanes, dx);
        for (int64_t row = 0; row < w->output_height; row++) {
            struct part rows = part_of(row, w->stride_height, w->before_height, w->window_height, w->height);
            for (int64_t column = 0; column < w->output_width; column++, dy += lanes) {
                struct part columns = part_of(column, w->stride_width, w->before_width, w->window_width, w->width);
                float scale = share(rows, columns, divides);
                for (int64_t lane = 0; lane < lanes; lane += 16) {
                    int64_t count = lanes - lane < 16 ? lanes - lane : 16;
                    mio_lanes gradient = load_some(dy + lane, count) * scale;
                    for (int64_t i = rows.begin; i < rows.end; i++) {
                        float *target = dx + ((rows.start + i) * w->width + columns.start) * lanes + lane;
                        for (int64_t j = columns.begin; j < columns.end; j++) {
                            float *place = target + j * lanes;
                            store_some(place, writes ? gradient : load_some(place, count) + gradient, count);
                        }
                    }
                }
            }
        }
    }
}

MIO_CLONES void mio_sum_pool_backward(
    const struct mio_window *w, const float *dy, float *dx, int64_t samples, bool divides, bool adds) {
    if (w->lanes == 16) backward(16, w, dy, dx, divides, adds, samples);
    else if (w->lanes == 8) backward(8, w, dy, dx, divides, adds, samples);
    else backward(w->lanes, w, dy, dx, divides, adds, samples);
}
