#include "clones.h"
#include "windows.h"

// Where nothing was larger than 0: such a place takes no gradient through a relu.
enum { no_place = -1 };

MIO_INLINE mio_words load_places(const int32_t *places, int64_t count) {
    if (count == 16) return *(const mio_words *)places;
    int32_t values[16] = {0};
    for (int64_t i = 0; i < count; i++) values[i] = places[i];
    return *(const mio_words *)values;
}

MIO_INLINE void store_places(int32_t *places, mio_words v, int64_t count) {
    if (count == 16) {
        *(mio_words *)places = v;
        return;
    }
    int32_t values[16];
    *(mio_words *)values = v;
    for (int64_t i = 0; i < count; i++) places[i] = values[i];
}

// The largest of a window's elements in up to sixteen lanes, from x on, whose pixels lie `lanes` apart.
MIO_INLINE void largest_of_window(
    const struct mio_window *w, struct part rows, struct part columns, const float *x, int64_t lanes, int64_t count,
    bool before_relu, float *y, int32_t *places) {
    mio_lanes best = {0};
    mio_words place = {0};
    for (int64_t i = rows.begin; i < rows.end; i++) {
        for (int64_t j = columns.begin; j < columns.end; j++) {
            mio_lanes value = load_some(x + ((rows.start + i) * w->width + columns.start + j) * lanes, count);
            mio_words here = (mio_words){0} + (int32_t)(i * w->window_width + j);
            if (i == rows.begin && j == columns.begin) {
                best = value;
                place = here;
                continue;
            }
            // The first of equals, and what is not a number above all.
            mio_words better = (mio_words)(value > best) | ((mio_words)(value != value) & (mio_words)(best == best));
            best = mio_blend(better, value, best);
            place = (here & better) | (place & ~better);
        }
    }
    store_some(y, best, count);
    if (before_relu) place |= ~(mio_words)(best > 0.0f);
    store_places(places, place, count);
}

MIO_INLINE void forward(
    const int64_t lanes, const struct mio_window *w, const float *x, float *y, int32_t *places, int64_t samples,
    bool before_relu) {
    for (int64_t plane = 0; plane < samples * w->planes; plane++, x += w->height * w->width * lanes) {
        for (int64_t row = 0; row < w->output_height; row++) {
            struct part rows = part_of(row, w->stride_height, w->before_height, w->window_height, w->height);
            for (int64_t column = 0; column < w->output_width; column++, y += lanes, places += lanes) {
                struct part columns = part_of(column, w->stride_width, w->before_width, w->window_width, w->width);
                for (int64_t lane = 0; lane < lanes; lane += 16)
                    largest_of_window(
                        w, rows, columns, x + lane, lanes, lanes - lane < 16 ? lanes - lane : 16, before_relu, y + lane,
                        places + lane);
            }
        }
    }
}

MIO_CLONES void mio_max_pool_forward(
    const struct mio_window *w, const float *x, float *y, int32_t *places, int64_t samples, bool before_relu) {
    if (w->lanes == 16) forward(16, w, x, y, places, samples, before_relu);
    else if (w->lanes == 8) forward(8, w, x, y, places, samples, before_relu);
    else forward(w->lanes, w, x, y, places, samples, before_relu);
}

// One row of windows, up to sixteen lanes of it: returns the sum of what has a place.
MIO_INLINE mio_lanes row_backward(
    const struct mio_window *w, struct part rows, const float *dy, const int32_t *places, int64_t lanes, int64_t count,
    bool writes, float *dx) {
    mio_lanes sum = {0};
    for (int64_t column = 0; column < w->output_width; column++, dy += lanes, places += lanes) {
        struct part columns = part_of(column, w->stride_width, w->before_width, w->window_width, w->width);
        mio_lanes gradient = load_some(dy, count);
        mio_words place = load_places(places, count);
        sum += mio_select(place != no_place, gradient);
        for (int64_t i = rows.begin; i < rows.end; i++) {
            for (int64_t j = columns.begin; j < columns.end; j++) {
                float *target = dx + ((rows.start + i) * w->width + columns.start + j) * lanes;
                mio_lanes own = mio_select(place == (int32_t)(i * w->window_width + j), gradient);
                store_some(target, writes ? own : load_some(target, count) + own, count);
            }
        }
    }
    return sum;
}

MIO_INLINE void backward(
    const int64_t lanes, const struct mio_window *w, const float *dy, const int32_t *places, float *dx, bool adds,
    int64_t samples, float *bias_gradient, int64_t channels) {
    bool writes = !adds && is_disjoint(w) && is_gapless(w);
    int64_t width = w->output_width * lanes, outputs = w->output_height * width;
    for (int64_t plane = 0; plane < w->planes; plane++) {
        // Of a row in 32 bits, of them all in 64.
        double sums[16] = {0};
        for (int64_t sample = 0; sample < samples; sample++) {
            int64_t at = sample * w->planes + plane;
            float *target = dx + at * w->height * w->width * lanes;
            if (!adds) clear_plane(w, lanes, target);
            for (int64_t row = 0; row < w->output_height; row++) {
                struct part rows = part_of(row, w->stride_height, w->before_height, w->window_height, w->height);
                for (int64_t lane = 0; lane < lanes; lane += 16) {
                    int64_t first = at * outputs + row * width + lane, count = lanes - lane < 16 ? lanes - lane : 16;
                    float parts[16];
                    mio_store(
                        parts, row_backward(w, rows, dy + first, places + first, lanes, count, writes, target + lane));
                    for (int64_t i = 0; bias_gradient && i < count; i++) sums[i] += parts[i];
                }
            }
        }
        for (int64_t lane = 0; bias_gradient && lane < lanes && plane * lanes + lane < channels; lane++)
            bias_gradient[plane * lanes + lane] += (float)sums[lane];
    }
}

MIO_CLONES void mio_max_pool_backward(
    const struct mio_window *w, const float *dy, const int32_t *places, float *dx, bool adds, int64_t samples,
    float *bias_gradient, int64_t channels) {
    if (w->lanes == 16) backward(16, w, dy, places, dx, adds, samples, bias_gradient, channels);
    else if (w->lanes == 8) backward(8, w, dy, places, dx, adds, samples, bias_gradient, channels);
    else backward(w->lanes, w, dy, places, dx, adds, samples, 0, channels);
}
