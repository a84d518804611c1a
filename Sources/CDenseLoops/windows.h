// How a window moves over an image: what the poolings share.
#ifndef MIO_WINDOWS_H
#define MIO_WINDOWS_H
#include "clones.h"

// The part of a window, along one axis, that hits the input.
struct part { int64_t start, begin, end; };

MIO_INLINE struct part part_of(int64_t position, int64_t stride, int64_t before, int64_t size, int64_t input) {
    int64_t start = position * stride - before;
    return (struct part){start, start < 0 ? -start : 0, input - start < size ? input - start : size};
}

// Each element is in one window at the most: a window's gradient can be written where it is.
MIO_INLINE bool is_disjoint(const struct mio_window *w) {
    return w->stride_height >= w->window_height && w->stride_width >= w->window_width;
}

// All elements are in some window, except for those beyond the last row and column of windows.
MIO_INLINE bool is_gapless(const struct mio_window *w) {
    return w->stride_height <= w->window_height && w->stride_width <= w->window_width;
}

MIO_INLINE void clear(float *x, int64_t count) { memset(x, 0, (size_t)(count > 0 ? count : 0) * sizeof(float)); }

// What no window will write, or everything if windows add.
MIO_INLINE void clear_plane(const struct mio_window *w, int64_t lanes, float *dx) {
    if (!is_disjoint(w) || !is_gapless(w)) return clear(dx, w->height * w->width * lanes);
    struct part rows =
        part_of(w->output_height - 1, w->stride_height, w->before_height, w->window_height, w->height);
    struct part columns = part_of(w->output_width - 1, w->stride_width, w->before_width, w->window_width, w->width);
    int64_t height = rows.start + rows.end, width = columns.start + columns.end;
    for (int64_t row = 0; row < height; row++)
        clear(dx + (row * w->width + width) * lanes, (w->width - width) * lanes);
    clear(dx + height * w->width * lanes, (w->height - height) * w->width * lanes);
}

#endif
