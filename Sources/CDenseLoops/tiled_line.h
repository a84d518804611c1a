// How the images of a convolution on tiles lie when they are multiplied: in one line of pixels.
//
// Images lie in planes of sixteen channels: sample, plane, row, column, channel. A bundle of rows that fits the
// second-level cache is rounded, with the zeros around it, into one line of pixels. From any pixel to that which a
// place of the window reads it is the same way everywhere, so sixteen pixels of the line are the lines of a tile
// wherever a row ends. What is computed for pixels that the output does not have is dropped.
#ifndef MIO_TILED_LINE_H
#define MIO_TILED_LINE_H
#include "region.h"

enum { tile_floats = 256 };

MIO_INLINE int64_t planes_of(struct mio_image image) { return (image.channels + 15) / 16; }
MIO_INLINE int64_t plane_floats(struct mio_image image) { return image.height * image.width * 16; }
MIO_INLINE int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

// The channels of a plane.
MIO_INLINE int64_t lanes_of(struct mio_image image, int64_t plane) { return lesser(image.channels - plane * 16, 16); }

// One of the two ways through the filters: an image, that which comes out, and the zeros before the first.
struct way { struct mio_image from, to; int64_t top, left; };

MIO_INLINE struct way way_forward(const struct mio_tiled *t) {
    return (struct way){t->input, t->output, t->top, t->left};
}

MIO_INLINE struct way way_backward(const struct mio_tiled *t) {
    return (struct way){t->output, t->input, t->height - 1 - t->top, t->width - 1 - t->left};
}

// How rows lie in the line of pixels: `pitch` pixels each, an even count; `slots` of a sample, of which the last ones
// are read by windows only; `all` of them; and how many pixels behind its first one a window `reach`es.
struct line { int64_t pitch, slots, all, reach; };

MIO_INLINE struct line line_of(const struct mio_tiled *t, struct way way) {
    int64_t pitch = way.to.width + t->width - 1, slots = way.to.height + t->height - 1;
    pitch += pitch & 1;
    return (struct line){pitch, slots, t->samples * slots, (t->height - 1) * pitch + t->width - 1};
}

// The rows that are taken at once of what may have `cached` bytes, where a row takes `bytes` and those of the window
// come with them.
MIO_INLINE int64_t rows_of_bundle(const struct mio_tiled *t, struct line line, int64_t cached, int64_t bytes) {
    int64_t rows = cached / bytes - (t->height - 1);
    return lesser(rows < t->height + 1 ? t->height + 1 : rows, line.all);
}

// The pixels of a bundle's line, and so many behind it that a tile which begins in it ends there.
MIO_INLINE int64_t pixels_of_bundle(const struct mio_tiled *t, struct line line, int64_t rows) {
    return ((rows + t->height - 1) * line.pitch + t->width + 63) / 64 * 64;
}

// The pixels of an image's row that a slot holds, or NULL for zeros.
MIO_INLINE const float *row_of(
    const float *image, struct mio_image shape, struct line line, int64_t slot, int64_t top, int64_t plane) {
    int64_t row = slot % line.slots - top;
    if (slot >= line.all || row < 0 || row >= shape.height) return NULL;
    return image + (slot / line.slots * planes_of(shape) + plane) * plane_floats(shape) + row * shape.width * 16;
}

MIO_INLINE mio_lanes pixel_of(const float *row, struct mio_image shape, int64_t column) {
    return row && column >= 0 && column < shape.width ? mio_load(row + column * 16) : (mio_lanes){0};
}

// The rows of `count` slots in some planes of an image. What lies in a second sample is left out: such images are
// small.
MIO_INLINE struct mio_region region_of_slots(
    const float *image, struct mio_image shape, struct line line, int64_t slot, int64_t count, int64_t top,
    int64_t plane, int64_t planes) {
    struct mio_region region = {.image = image};
    if (slot >= line.all) return region;
    int64_t first = slot % line.slots - top;
    region.planes = planes;
    region.plane_elements = plane_floats(shape);
    region.row_elements = shape.width * 16;
    region.image += (slot / line.slots * planes_of(shape) + plane) * region.plane_elements;
    region.row = region.top = first > 0 ? first : 0;
    region.bottom = lesser(first + count, shape.height);
    region.right = shape.width;
    return region;
}

// So many lines of a region, asked for in equal parts while something is computed.
struct request { const float *lines; int64_t step, part; };

MIO_INLINE struct request request_of(struct mio_region *region, int64_t count, int64_t parts) {
    struct request request = {.part = (count + parts - 1) / parts};
    request.lines = next_lines(region, request.part * parts, &request.step);
    return request;
}

MIO_INLINE void ask_to_read(struct request *request) {
    for (int64_t i = 0; i < request->part; i++, request->lines += request->step) {
        __builtin_prefetch(request->lines, 0, 2);
    }
}

MIO_INLINE void ask_to_write(struct request *request) {
    for (int64_t i = 0; i < request->part; i++, request->lines += request->step) {
        __builtin_prefetch(request->lines, 1, 3);
    }
}

#endif
