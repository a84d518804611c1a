// The gradient of the filters of a convolution on tiles: a sum over the pixels of all samples.
#include "tiled_line.h"

// What a bundle's pixels may take of the second-level cache, in bytes: a sum of many is read and written less often.
enum { cached_factors = 512 * 1024 };

// The lines of a tile are filters, its columns channels, and 32 pixels of the line are multiplied at once, the blocks.
// Channels lie in pairs of pixels. A place of the window an odd count of pixels on needs other pairs.
struct factors {
    int64_t rows, pixels, blocks;
    // Of a plane, in pairs of sixteen channels or filters.
    int64_t channel_plane, filter_plane;
    float *sums;
    mio_words *channels[2], *filters;
};

// The floats of the sums, and of either pairs of channels.
MIO_INLINE int64_t floats_of_sums(const struct mio_tiled *t) {
    return t->height * t->width * planes_of(t->input) * planes_of(t->output) * tile_floats;
}

MIO_INLINE int64_t floats_of_pairs(const struct mio_tiled *t, const struct factors *factors) {
    return planes_of(t->input) * factors->channel_plane * 16;
}

MIO_INLINE struct factors factors_of(const struct mio_tiled *t, struct line line) {
    int64_t row_bytes = line.pitch * 32 * (planes_of(t->output) + 2 * planes_of(t->input));
    struct factors factors = {.rows = rows_of_bundle(t, line, cached_factors, row_bytes)};
    factors.blocks = (factors.rows * line.pitch + 31) / 32;
    factors.pixels = (factors.blocks * 32 + line.reach + 63) / 64 * 64;
    factors.channel_plane = factors.pixels / 2;
    factors.filter_plane = factors.blocks * 16;
    return factors;
}

MIO_INLINE int64_t scratch_of_factors(const struct mio_tiled *t) {
    struct factors factors = factors_of(t, line_of(t, way_forward(t)));
    return floats_of_sums(t) + 2 * floats_of_pairs(t, &factors) + planes_of(t->output) * factors.filter_plane * 16;
}

// The channels of a bundle in pairs of pixels: [plane][pair][channel].
MIO_INLINE void pair_channels(
    struct way way, struct line line, const float *image, int64_t first, const struct factors *factors) {
    for (int64_t plane = 0; plane < planes_of(way.from); plane++) {
        mio_words *even = factors->channels[0] + plane * factors->channel_plane;
        mio_words *odd = factors->channels[1] + plane * factors->channel_plane;
        for (int64_t pixel = 0, slot = first; pixel < factors->pixels; pixel += line.pitch, slot++) {
            const float *row = row_of(image, way.from, line, slot, way.top, plane);
            mio_lanes before = pixel_of(row, way.from, -way.left);
            int64_t end = lesser(line.pitch, factors->pixels - pixel);
            for (int64_t column = -way.left; column < end - way.left; column += 2) {
                mio_lanes middle = pixel_of(row, way.from, column + 1), after = {0};
                // Behind a row is nothing that a window of its pixels reads.
                if (column + 2 < line.pitch - way.left) after = pixel_of(row, way.from, column + 2);
                *even++ = pairs_of(before, middle);
                *odd++ = pairs_of(middle, after);
                before = after;
            }
        }
    }
}

#define MIO_EXCHANGE(rows, distance, first, second) do { \
        for (int i = 0; i < 16; i++) { \
            if (i & distance) continue; \
            mio_words a = rows[i], b = rows[i + distance]; \
            rows[i] = __builtin_shufflevector(a, b, MIO_LANES first); \
            rows[i + distance] = __builtin_shufflevector(a, b, MIO_LANES second); \
        } \
    } while (false)
#define MIO_LANES(...) __VA_ARGS__

// Sixteen rows of sixteen pairs become columns.
MIO_INLINE void transpose(mio_words rows[16]) {
    MIO_UNROLLED MIO_EXCHANGE(
        rows, 8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
        (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
    MIO_EXCHANGE(
        rows, 4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
        (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31));
    MIO_EXCHANGE(
        rows, 2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
    MIO_EXCHANGE(
        rows, 1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
        (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31));
}

// The filters' gradients of a bundle, zero where the output has no pixel: [plane][32 pixels][filter][pixel].
MIO_INLINE void line_up_filters(
    struct way way, struct line line, const float *gradient, int64_t first, int64_t rows,
    const struct factors *factors) {
    for (int64_t plane = 0; plane < planes_of(way.to); plane++) {
        mio_words *to = factors->filters + plane * factors->filter_plane, pairs[16];
        int64_t count = 0;
        for (int64_t pixel = 0, slot = first; pixel < factors->blocks * 32; pixel += line.pitch, slot++) {
            const float *row = slot < first + rows ? row_of(gradient, way.to, line, slot, 0, plane) : NULL;
            int64_t end = lesser(line.pitch, factors->blocks * 32 - pixel);
            for (int64_t column = 0; column < end; column += 2) {
                pairs[count++] = pairs_of(pixel_of(row, way.to, column), pixel_of(row, way.to, column + 1));
                if (count < 16) continue;
                transpose(pairs);
                memcpy(to, pairs, sizeof pairs);
                to += 16;
                count = 0;
            }
        }
    }
}

// What the next bundle will need, and how many lines of it are asked for at each place of the window.
struct upcoming { struct mio_region images, gradients; int64_t image_lines, gradient_lines; };

MIO_INLINE struct upcoming upcoming_of(
    const struct mio_tiled *t, struct line line, const struct factors *factors, const float *input,
    const float *output_gradient, int64_t next) {
    int64_t channels = planes_of(t->input), filters = planes_of(t->output);
    int64_t products = (channels + 1) / 2 * ((filters + 1) / 2) * t->height * t->width;
    struct upcoming upcoming = {
        .image_lines = (factors->rows * t->input.width * channels + products - 1) / products,
        .gradient_lines = (factors->rows * t->output.width * filters + products - 1) / products};
    upcoming.images =
        region_of_slots(input, t->input, line, next + t->height - 1, factors->rows, t->top, 0, channels);
    upcoming.gradients = region_of_slots(output_gradient, t->output, line, next, factors->rows, 0, 0, filters);
    return upcoming;
}

// The sums of one or two planes of filters and of channels, at one place of the window; those of the second filters
// are `below` the first.
MIO_INLINE void multiply_factors(
    struct tiles *tiles, const struct factors *factors, const mio_words *filters, const mio_words *channels,
    bool two_filters, bool two_channels, bool adds, struct upcoming *upcoming, float *sums, float *below) {
    (void)tiles;
    struct request images = request_of(&upcoming->images, upcoming->image_lines, factors->blocks);
    struct request gradients = request_of(&upcoming->gradients, upcoming->gradient_lines, factors->blocks);
    if (adds) {
        tile_load(tiles, sum_00, sums, 64);
        if (two_channels) tile_load(tiles, sum_01, sums + tile_floats, 64);
        if (two_filters) tile_load(tiles, sum_10, below, 64);
        if (two_filters && two_channels) tile_load(tiles, sum_11, below + tile_floats, 64);
    } else {
        tile_zero(tiles, sum_00);
        tile_zero(tiles, sum_01);
        tile_zero(tiles, sum_10);
        tile_zero(tiles, sum_11);
    }
    for (int64_t block = 0; block < factors->blocks; block++, filters += 16, channels += 16) {
        ask_to_read(&images);
        ask_to_read(&gradients);
        tile_load(tiles, left_0, filters, 64);
        tile_load(tiles, right_0, channels, 64);
        tile_multiply(tiles, sum_00, left_0, right_0);
        if (two_filters) {
            tile_load(tiles, left_1, filters + factors->filter_plane, 64);
            tile_multiply(tiles, sum_10, left_1, right_0);
        }
        if (two_channels) {
            tile_load(tiles, right_1, channels + factors->channel_plane, 64);
            tile_multiply(tiles, sum_01, left_0, right_1);
            if (two_filters) tile_multiply(tiles, sum_11, left_1, right_1);
        }
    }
    tile_store(tiles, sum_00, sums, 64);
    if (two_channels) tile_store(tiles, sum_01, sums + tile_floats, 64);
    if (two_filters) tile_store(tiles, sum_10, below, 64);
    if (two_filters && two_channels) tile_store(tiles, sum_11, below + tile_floats, 64);
}

// One or two planes of filters from `filter` on, and of channels, at every place of the window.
MIO_INLINE void multiply_planes(
    const struct mio_tiled *t, struct line line, struct tiles *tiles, const struct factors *factors, int64_t filter,
    int64_t channel, bool adds, struct upcoming *upcoming) {
    int64_t channels = planes_of(t->input), filters = planes_of(t->output);
    bool two_filters = filter + 1 < filters, two_channels = channel + 1 < channels;
    const mio_words *lines = factors->filters + filter * factors->filter_plane;
    for (int64_t place = 0; place < t->height * t->width; place++) {
        int64_t column = place % t->width, pixel = place / t->width * line.pitch + column;
        const mio_words *pairs = factors->channels[column & 1] + channel * factors->channel_plane + pixel / 2;
        float *sums = factors->sums + ((place * filters + filter) * channels + channel) * tile_floats;
        float *below = sums + channels * tile_floats;
        // Each a loop of its own.
        if (two_filters && two_channels) {
            multiply_factors(tiles, factors, lines, pairs, true, true, adds, upcoming, sums, below);
        } else if (two_filters) {
            multiply_factors(tiles, factors, lines, pairs, true, false, adds, upcoming, sums, below);
        } else if (two_channels) {
            multiply_factors(tiles, factors, lines, pairs, false, true, adds, upcoming, sums, below);
        } else {
            multiply_factors(tiles, factors, lines, pairs, false, false, adds, upcoming, sums, below);
        }
    }
}

// As Keras has it: [height][width][channels][filters].
MIO_INLINE void store_filters(const struct mio_tiled *t, const float *sums, float *filter_gradient) {
    int64_t channels = planes_of(t->input), filters = planes_of(t->output);
    for (int64_t place = 0; place < t->height * t->width; place++) {
        for (int64_t channel = 0; channel < t->input.channels; channel++) {
            for (int64_t filter = 0; filter < t->output.channels; filter++) {
                int64_t tile = (place * filters + filter / 16) * channels + channel / 16;
                *filter_gradient++ = sums[tile * tile_floats + filter % 16 * 16 + channel % 16];
            }
        }
    }
}

MIO_INLINE void convolve_gradients(
    const struct mio_tiled *t, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch) {
    struct way way = way_forward(t);
    struct line line = line_of(t, way);
    struct factors factors = factors_of(t, line);
    factors.sums = scratch;
    factors.channels[0] = (mio_words *)(scratch + floats_of_sums(t));
    factors.channels[1] = factors.channels[0] + floats_of_pairs(t, &factors) / 16;
    factors.filters = factors.channels[1] + floats_of_pairs(t, &factors) / 16;
    struct tiles tiles;
    tiles_begin(&tiles);
    for (int64_t first = 0; first < line.all; first += factors.rows) {
        int64_t rows = lesser(factors.rows, line.all - first);
        pair_channels(way, line, input, first, &factors);
        line_up_filters(way, line, output_gradient, first, rows, &factors);
        struct upcoming upcoming = upcoming_of(t, line, &factors, input, output_gradient, first + rows);
        for (int64_t filter = 0; filter < planes_of(t->output); filter += 2) {
            for (int64_t channel = 0; channel < planes_of(t->input); channel += 2) {
                multiply_planes(t, line, &tiles, &factors, filter, channel, first > 0, &upcoming);
            }
        }
    }
    tiles_end(&tiles);
    store_filters(t, factors.sums, filter_gradient);
}
