#include "CDenseLoops.h"
#include <math.h>
#include <string.h>

// All of this file is for 512-bit registers: where there are none, oneDNN's convolutions are no slower.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#endif

#include "winograd_points.h"
#include "winograd_product.h"

// Images lie in planes of 16 channels: sample, plane, row, column, channel. Tiles are taken in their order in memory, as
// many at a time as fit the second-level cache with the filters; each goes from the image to the points and, after
// 36 products, back.

#define MIO_POINTS_2 (MIO_POINTS * MIO_POINTS)

// What the image and the products at the points may take of the cache, in floats.
enum { cached_elements = 128 * 1024, tile = 4, patch = 6 };

MIO_INLINE int64_t vectors(struct mio_image image) { return (image.channels + 15) / 16; }
MIO_INLINE int64_t tiles_across(struct mio_image image) { return (image.width + tile - 1) / tile; }
MIO_INLINE int64_t tiles_down(struct mio_image image) { return (image.height + tile - 1) / tile; }
MIO_INLINE int64_t plane_elements(struct mio_image image) { return image.height * image.width * 16; }

// Tiles that are done together: of some whole rows of tiles, or equal parts of one.
struct batch { int64_t rows, parts, tiles; };

MIO_INLINE struct batch batch_of(const struct mio_winograd *w, struct mio_image tiled) {
    int64_t most = cached_elements / (MIO_POINTS_2 * 16 * (vectors(w->input) + vectors(w->output)));
    if (most < 24) most = 24;
    int64_t across = tiles_across(tiled), rows = w->samples * tiles_down(tiled);
    if (across > most) {
        int64_t parts = (across + most - 1) / most;
        return (struct batch){1, parts, (across + parts - 1) / parts};
    }
    int64_t whole = most / across < rows ? most / across : rows;
    return (struct batch){whole, 1, whole * across};
}

// From one point's matrix of `planes` planes to the next: an odd count of cache lines, for a tile's 36 would otherwise
// compete for a few sets of the first-level cache.
MIO_INLINE int64_t stride_of(int64_t tiles, int64_t planes) { return (tiles * planes | 1) * 16; }

MIO_INLINE int64_t filter_points(const struct mio_winograd *w) {
    return MIO_POINTS_2 * vectors(w->input) * vectors(w->output) * 256;
}

int64_t mio_winograd_scratch(const struct mio_winograd *w) {
    int64_t forward = batch_of(w, w->output).tiles, backward = batch_of(w, w->input).tiles;
    int64_t tiles = forward > backward ? forward : backward;
    return filter_points(w)
        + MIO_POINTS_2 * (stride_of(tiles, vectors(w->input)) + stride_of(tiles, vectors(w->output)));
}

// The tiles [first, end) of all samples' in their order, and where they lie: rows of tiles of one image, if they are of
// one, and columns of them.
struct part { int64_t first, end; };

MIO_INLINE struct part part_of(const struct mio_winograd *w, struct mio_image tiled, struct batch batch, int64_t index) {
    int64_t across = tiles_across(tiled), row = index / batch.parts * batch.rows, part = index % batch.parts;
    int64_t rows = w->samples * tiles_down(tiled), end = row + batch.rows < rows ? row + batch.rows : rows;
    if (row >= rows) return (struct part){0, 0};
    if (batch.parts == 1) return (struct part){row * across, end * across};
    return (struct part){row * across + across * part / batch.parts, row * across + across * (part + 1) / batch.parts};
}

// Where a tile lies: its sample, and its first pixel.
struct place { int64_t sample, row, column; };

MIO_INLINE struct place place_of(int64_t index, struct mio_image tiled) {
    int64_t across = tiles_across(tiled), down = tiles_down(tiled);
    return (struct place){index / (across * down), index / across % down * tile, index % across * tile};
}

// The lines of a part's tiles in `image`, whose pixels are (down, right) from those of the tiled one. What lies in a
// second sample is left out: such images are small.
MIO_INLINE struct mio_region region_of(
    struct part part, struct mio_image tiled, const float *elements, struct mio_image image, int64_t down,
    int64_t right) {
    struct mio_region region = {.image = elements};
    if (part.first >= part.end) return region;
    struct place first = place_of(part.first, tiled), last = place_of(part.end - 1, tiled);
    region.planes = vectors(image);
    region.plane_elements = plane_elements(image);
    region.row_elements = image.width * 16;
    region.image += first.sample * region.planes * region.plane_elements;
    int64_t top = first.row + down, left = first.column + right, end = last.column + right + tile;
    int64_t bottom = (last.sample == first.sample ? last.row + tile : tiled.height) + down;
    region.row = region.top = top > 0 ? top : 0;
    region.bottom = bottom < image.height ? bottom : image.height;
    region.column = region.left = left > 0 ? left : 0;
    region.right = end < image.width ? end : image.width;
    return region;
}

// `extent` rows and columns of a plane from (row, column), zero outside of the image.
MIO_INLINE void load_patch(
    const float *plane, struct mio_image image, int64_t row, int64_t column, int extent, mio_lanes *values) {
    bool inside = row >= 0 && column >= 0 && row + extent <= image.height && column + extent <= image.width;
    for (int i = 0; i < extent; i++) {
        for (int j = 0; j < extent; j++) {
            int64_t y = row + i, x = column + j;
            bool exists = inside || (y >= 0 && x >= 0 && y < image.height && x < image.width);
            values[i * extent + j] = exists ? mio_load(plane + (y * image.width + x) * 16) : (mio_lanes){0};
        }
    }
}

// A tile's patch at the points, each to its own matrix.
MIO_INLINE void transform_image(
    const float *plane, struct mio_image image, int64_t row, int64_t column, float *points, int64_t stride) {
    mio_lanes columns[MIO_POINTS][patch];
    if (row >= 0 && column >= 0 && row + patch <= image.height && column + patch <= image.width) {
        const float *first = plane + (row * image.width + column) * 16;
        for (int x = 0; x < patch; x++) {
            mio_lanes values[patch], transformed[MIO_POINTS];
            MIO_UNROLLED for (int y = 0; y < patch; y++) values[y] = mio_load(first + (y * image.width + x) * 16);
            image_to_points(values, transformed);
            MIO_UNROLLED for (int y = 0; y < MIO_POINTS; y++) columns[y][x] = transformed[y];
        }
    } else {
        mio_lanes values[patch * patch];
        load_patch(plane, image, row, column, patch, values);
        for (int x = 0; x < patch; x++) {
            mio_lanes column_values[patch], transformed[MIO_POINTS];
            for (int y = 0; y < patch; y++) column_values[y] = values[y * patch + x];
            image_to_points(column_values, transformed);
            for (int y = 0; y < MIO_POINTS; y++) columns[y][x] = transformed[y];
        }
    }
    for (int y = 0; y < MIO_POINTS; y++) {
        mio_lanes transformed[MIO_POINTS];
        image_to_points(columns[y], transformed);
        MIO_UNROLLED for (int x = 0; x < MIO_POINTS; x++) mio_store(points + (y * MIO_POINTS + x) * stride, transformed[x]);
    }
}

MIO_INLINE void transform_gradient(
    const float *plane, struct mio_image image, int64_t row, int64_t column, float *points, int64_t stride) {
    mio_lanes values[tile * tile], columns[MIO_POINTS][tile];
    load_patch(plane, image, row, column, tile, values);
    for (int x = 0; x < tile; x++) {
        mio_lanes column_values[tile], transformed[MIO_POINTS];
        MIO_UNROLLED for (int y = 0; y < tile; y++) column_values[y] = values[y * tile + x];
        gradients_to_points(column_values, transformed);
        MIO_UNROLLED for (int y = 0; y < MIO_POINTS; y++) columns[y][x] = transformed[y];
    }
    for (int y = 0; y < MIO_POINTS; y++) {
        mio_lanes transformed[MIO_POINTS];
        gradients_to_points(columns[y], transformed);
        MIO_UNROLLED for (int x = 0; x < MIO_POINTS; x++) mio_store(points + (y * MIO_POINTS + x) * stride, transformed[x]);
    }
}

// A tile of outputs from its points, with the bias, if any, and relu.
MIO_INLINE void transform_outputs(
    const float *points, int64_t stride, mio_lanes bias, bool relu, float *plane, struct mio_image image, int64_t row,
    int64_t column) {
    mio_lanes columns[tile][MIO_POINTS];
    for (int x = 0; x < MIO_POINTS; x++) {
        mio_lanes values[MIO_POINTS], transformed[tile];
        MIO_UNROLLED for (int y = 0; y < MIO_POINTS; y++) values[y] = mio_load(points + (y * MIO_POINTS + x) * stride);
        points_to_outputs(values, transformed);
        MIO_UNROLLED for (int y = 0; y < tile; y++) columns[y][x] = transformed[y];
    }
    int64_t height = image.height - row, width = image.width - column;
    for (int y = 0; y < tile && y < height; y++) {
        mio_lanes transformed[tile];
        points_to_outputs(columns[y], transformed);
        float *target = plane + ((row + y) * image.width + column) * 16;
        for (int x = 0; x < tile && x < width; x++) {
            mio_lanes value = transformed[x] + bias;
            // A NaN stays one.
            if (relu) value = (mio_lanes)((mio_words)value & ~(mio_words)(value < 0.0f));
            mio_store(target + x * 16, value);
        }
    }
}

// MARK: Filters

// Lanes of filters of one channel, or, turned round, of channels of one filter; those that do not exist are zero.
MIO_INLINE mio_lanes filter_lanes(
    const struct mio_winograd *w, const float *filters, int place, int64_t row, int64_t vector, bool turned) {
    int64_t channels = w->input.channels, count = w->output.channels;
    int64_t rows = turned ? count : channels, lanes = turned ? channels : count;
    if (row >= rows) return (mio_lanes){0};
    float values[16] = {0};
    for (int64_t lane = 0; lane < 16 && vector * 16 + lane < lanes; lane++) {
        int64_t other = vector * 16 + lane;
        values[lane] = turned ? filters[((8 - place) * channels + other) * count + row]
                              : filters[(place * channels + row) * count + other];
    }
    return mio_load(values);
}

// The filters at the points: [36][channels][filters], or turned round for the gradient of the input:
// [36][filters][channels].
MIO_INLINE void transform_filters(const struct mio_winograd *w, const float *filters, bool turned, float *points) {
    int64_t rows = 16 * vectors(turned ? w->output : w->input), width = vectors(turned ? w->input : w->output);
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t vector = 0; vector < width; vector++) {
            mio_lanes columns[MIO_POINTS][3];
            for (int x = 0; x < 3; x++) {
                mio_lanes values[3], transformed[MIO_POINTS];
                for (int y = 0; y < 3; y++) values[y] = filter_lanes(w, filters, y * 3 + x, row, vector, turned);
                filter_to_points(values, transformed);
                for (int y = 0; y < MIO_POINTS; y++) columns[y][x] = transformed[y];
            }
            for (int y = 0; y < MIO_POINTS; y++) {
                mio_lanes transformed[MIO_POINTS];
                filter_to_points(columns[y], transformed);
                for (int x = 0; x < MIO_POINTS; x++) {
                    mio_store(
                        points + (((y * MIO_POINTS + x) * rows + row) * width + vector) * 16, transformed[x]);
                }
            }
        }
    }
}

// MARK: Passes

// A part's patches at the points; `shift`: of a patch's first pixel against its tile's.
MIO_INLINE void transform_images(
    struct part part, struct mio_image tiled, const float *source, struct mio_image image, int64_t top, int64_t left,
    float *points, int64_t stride) {
    int64_t planes = vectors(image);
    for (int64_t t = part.first; t < part.end; t++) {
        struct place place = place_of(t, tiled);
        for (int64_t plane = 0; plane < planes; plane++, points += 16) {
            transform_image(
                source + (place.sample * planes + plane) * plane_elements(image), image, place.row - top,
                place.column - left, points, stride);
        }
    }
}

static void convolve(
    const struct mio_winograd *w, struct mio_image from, struct mio_image to, int64_t top, int64_t left,
    const float *source, const float *bias, bool relu, float *target, float *filters, float *scratch) {
    int64_t sources = vectors(from), targets = vectors(to);
    struct batch batch = batch_of(w, to);
    int64_t from_stride = stride_of(batch.tiles, sources), to_stride = stride_of(batch.tiles, targets);
    float *image = scratch, *products = scratch + MIO_POINTS_2 * from_stride;
    struct part part = part_of(w, to, batch, 0), next;
    for (int64_t index = 1; part.first < part.end; part = next, index++) {
        next = part_of(w, to, batch, index);
        struct mio_region reads = region_of(next, to, source, from, 2 - top, 2 - left);
        struct mio_region writes = region_of(part, to, target, to, 0, 0);
        transform_images(part, to, source, from, top, left, image, from_stride);
        for (int point = 0; point < MIO_POINTS_2; point++) {
            struct mio_product product = {
                .a = image + point * from_stride, .b = filters + point * sources * targets * 256,
                .c = products + point * to_stride, .a_row = sources * 16, .a_column = 1, .b_row = targets * 16,
                .c_row = targets * 16, .count = sources * 16};
            multiply(part.end - part.first, targets, &product, &reads, &writes);
        }
        for (int64_t plane = 0; plane < targets; plane++) {
            int64_t lanes = to.channels - plane * 16 < 16 ? to.channels - plane * 16 : 16;
            mio_lanes added = bias ? load_part(bias + plane * 16, lanes) : (mio_lanes){0};
            for (int64_t t = part.first; t < part.end; t++) {
                struct place place = place_of(t, to);
                transform_outputs(
                    products + ((t - part.first) * targets + plane) * 16, to_stride, added, relu,
                    target + (place.sample * targets + plane) * plane_elements(to), to, place.row, place.column);
            }
        }
    }
}

void mio_winograd_forward(
    const struct mio_winograd *w, const float *input, const float *filters, const float *bias, bool relu,
    float *output, float *scratch) {
    transform_filters(w, filters, false, scratch);
    convolve(
        w, w->input, w->output, w->top, w->left, input, bias, relu, output, scratch, scratch + filter_points(w));
}

void mio_winograd_input_gradient(
    const struct mio_winograd *w, const float *output_gradient, const float *filters, float *input_gradient,
    float *scratch) {
    transform_filters(w, filters, true, scratch);
    convolve(
        w, w->output, w->input, 2 - w->top, 2 - w->left, output_gradient, NULL, false, input_gradient, scratch,
        scratch + filter_points(w));
}

void mio_winograd_filter_gradient(
    const struct mio_winograd *w, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch) {
    int64_t channels = vectors(w->input), filters = vectors(w->output);
    struct batch batch = batch_of(w, w->output);
    int64_t image_stride = stride_of(batch.tiles, channels), gradient_stride = stride_of(batch.tiles, filters);
    float *sums = scratch, *image = sums + filter_points(w), *gradient = image + MIO_POINTS_2 * image_stride;
    struct part part = part_of(w, w->output, batch, 0), next;
    for (int64_t index = 1; part.first < part.end; part = next, index++) {
        next = part_of(w, w->output, batch, index);
        struct mio_region images = region_of(next, w->output, input, w->input, 2 - w->top, 2 - w->left);
        struct mio_region gradients = region_of(next, w->output, output_gradient, w->output, 0, 0);
        transform_images(part, w->output, input, w->input, w->top, w->left, image, image_stride);
        for (int64_t t = part.first; t < part.end; t++) {
            struct place place = place_of(t, w->output);
            for (int64_t plane = 0; plane < filters; plane++) {
                transform_gradient(
                    output_gradient + (place.sample * filters + plane) * plane_elements(w->output), w->output,
                    place.row, place.column, gradient + ((t - part.first) * filters + plane) * 16, gradient_stride);
            }
        }
        for (int point = 0; point < MIO_POINTS_2; point++) {
            struct mio_product product = {
                .a = image + point * image_stride, .b = gradient + point * gradient_stride,
                .c = sums + point * channels * filters * 256, .a_row = 1, .a_column = channels * 16,
                .b_row = filters * 16, .c_row = filters * 16, .count = part.end - part.first, .adds = index > 1};
            multiply(channels * 16, filters, &product, &images, &gradients);
        }
    }
    for (int64_t channel = 0; channel < w->input.channels; channel++) {
        for (int64_t plane = 0; plane < filters; plane++) {
            mio_lanes columns[3][MIO_POINTS];
            const float *points = sums + (channel * filters + plane) * 16;
            for (int x = 0; x < MIO_POINTS; x++) {
                mio_lanes values[MIO_POINTS], transformed[3];
                for (int y = 0; y < MIO_POINTS; y++) {
                    values[y] = mio_load(points + (y * MIO_POINTS + x) * channels * filters * 256);
                }
                points_to_filter(values, transformed);
                for (int y = 0; y < 3; y++) columns[y][x] = transformed[y];
            }
            int64_t lanes = w->output.channels - plane * 16 < 16 ? w->output.channels - plane * 16 : 16;
            for (int y = 0; y < 3; y++) {
                mio_lanes transformed[3];
                points_to_filter(columns[y], transformed);
                for (int x = 0; x < 3; x++) {
                    store_part(
                        filter_gradient + ((y * 3 + x) * w->input.channels + channel) * w->output.channels + plane * 16,
                        transformed[x], lanes);
                }
            }
        }
    }
}

#if defined(__x86_64__)
#pragma clang attribute pop
#endif
