#include "clones.h"

// The part of a window, along one axis, that hits the input.
struct part { int64_t start, begin, end; };

MIO_INLINE struct part part_of(int64_t position, int64_t stride, int64_t before, int64_t size, int64_t input) {
    int64_t start = position * stride - before;
    return (struct part){start, start < 0 ? -start : 0, input - start < size ? input - start : size};
}

MIO_CLONES void mio_max_pool_forward(
    const struct mio_window *w, const float *x, float *y, int32_t *index, int64_t samples) {
    int64_t lanes = w->lanes;
    for (int64_t plane = 0; plane < samples * w->planes; plane++, x += w->height * w->width * lanes) {
        for (int64_t row = 0; row < w->output_height; row++) {
            struct part rows = part_of(row, w->stride_height, w->before_height, w->window_height, w->height);
            for (int64_t column = 0; column < w->output_width; column++, y += lanes, index += lanes) {
                struct part columns =
                    part_of(column, w->stride_width, w->before_width, w->window_width, w->width);
                bool first = true;
                for (int64_t i = rows.begin; i < rows.end; i++) {
                    for (int64_t j = columns.begin; j < columns.end; j++) {
                        const float *v = x + ((rows.start + i) * w->width + columns.start + j) * lanes;
                        int32_t place = (int32_t)(i * w->window_width + j);
                        if (first) {
                            for (int64_t lane = 0; lane < lanes; lane++) {
                                y[lane] = v[lane];
                                index[lane] = place;
                            }
                            first = false;
                            continue;
                        }
                        for (int64_t lane = 0; lane < lanes; lane++) {
                            float best = y[lane], value = v[lane];
                            bool better = (value > best) | ((value != value) & (best == best));
                            y[lane] = better ? value : best;
                            index[lane] = better ? place : index[lane];
                        }
                    }
                }
            }
        }
    }
}

MIO_CLONES void mio_max_pool_backward(
    const struct mio_window *w, const float *dy, const int32_t *index, float *dx, int64_t samples) {
    int64_t lanes = w->lanes;
    for (int64_t plane = 0; plane < samples * w->planes; plane++, dx += w->height * w->width * lanes) {
        for (int64_t row = 0; row < w->output_height; row++) {
            struct part rows = part_of(row, w->stride_height, w->before_height, w->window_height, w->height);
            for (int64_t column = 0; column < w->output_width; column++, dy += lanes, index += lanes) {
                struct part columns =
                    part_of(column, w->stride_width, w->before_width, w->window_width, w->width);
                for (int64_t i = rows.begin; i < rows.end; i++) {
                    for (int64_t j = columns.begin; j < columns.end; j++) {
                        float *target = dx + ((rows.start + i) * w->width + columns.start + j) * lanes;
                        int32_t place = (int32_t)(i * w->window_width + j);
                        for (int64_t lane = 0; lane < lanes; lane++)
                            target[lane] += index[lane] == place ? dy[lane] : 0.0f;
                    }
                }
            }
        }
    }
}
