// Parts of images that the loops ask the memory for before they need them.
#ifndef MIO_REGION_H
#define MIO_REGION_H
#include "clones.h"

// The pixels of a plane that a cache line holds.
#define MIO_LINE_PIXELS (16 / MIO_WIDTH)

// A rectangle of an image's planes whose lines will be needed soon. They are asked for amid the products, a line at a
// time, since those leave the memory idle; all at once they would have to wait for each other.
struct mio_region {
    const float *image;
    int64_t planes, plane_elements, row_elements;
    int64_t top, bottom, left, right;
    // Where to go on.
    int64_t plane, row, column;
};

// The next `count` lines, or some that are there already.
MIO_INLINE const float *next_lines(struct mio_region *region, int64_t count, int64_t *step) {
    *step = 0;
    if (region->plane >= region->planes || region->top >= region->bottom || region->left >= region->right) {
        return region->image;
    }
    *step = 16;
    const float *lines = region->image + region->plane * region->plane_elements + region->row * region->row_elements
        + region->column * MIO_WIDTH;
    region->column += count * MIO_LINE_PIXELS;
    if (region->column < region->right) return lines;
    region->column = region->left;
    if (++region->row < region->bottom) return lines;
    region->row = region->top;
    region->plane++;
    return lines;
}

#endif
