// A convolution on tiles through its filters: forward, and the gradient of its input.
#include "tiled_line.h"

// What a bundle's pixels may take of the second-level cache, in bytes: those of the next one come there too.
enum { cached_image = 256 * 1024 };

// Tiles of filters: [plane that comes out][place of the window][pair of planes], of each sixteen pairs of channels for
// sixteen filters; turned round for the gradient of the input.
MIO_INLINE void pack_filters(
    const struct mio_tiled *t, struct way way, const float *filters, bool turned, mio_words *tiles) {
    int64_t places = t->height * t->width, channels = t->input.channels, count = t->output.channels;
    int64_t groups = (planes_of(way.from) + 1) / 2;
    for (int64_t plane = 0; plane < planes_of(way.to); plane++) {
        int64_t lanes = lanes_of(way.to, plane);
        for (int64_t place = 0; place < places; place++) {
            for (int64_t pair = 0; pair < groups * 16; pair++) {
                mio_lanes both[2] = {{0}, {0}};
                for (int64_t i = 0; i < 2 && 2 * pair + i < way.from.channels; i++) {
                    float values[16] = {0};
                    for (int64_t lane = 0; lane < lanes; lane++) {
                        int64_t from = 2 * pair + i, to = plane * 16 + lane;
                        values[lane] = turned ? filters[((places - 1 - place) * channels + to) * count + from]
                                              : filters[(place * channels + from) * count + to];
                    }
                    both[i] = mio_load(values);
                }
                *tiles++ = pairs_of(both[0], both[1]);
            }
        }
    }
}

// The line of a bundle from slot `first` on, rounded: [pair of planes][pixel][32 channels]. The first `kept` slots are
// those of the bundle before from its slot `moved` on.
MIO_INLINE void round_image(
    struct way way, struct line line, const float *image, int64_t first, int64_t rows, int64_t kept, int64_t moved,
    int64_t pixels, uint16_t *target) {
    int64_t planes = planes_of(way.from);
    for (int64_t plane = 0; plane < planes; plane += 2) {
        uint16_t *to = target + plane / 2 * pixels * 32;
        memmove(to, to + moved * line.pitch * 32, kept * line.pitch * 64);
        to += kept * line.pitch * 32;
        for (int64_t slot = first + kept; slot < first + rows; slot++) {
            const float *one = row_of(image, way.from, line, slot, way.top, plane), *other = NULL;
            if (plane + 1 < planes) other = row_of(image, way.from, line, slot, way.top, plane + 1);
            for (int64_t column = -way.left; column < line.pitch - way.left; column++, to += 32) {
                store_side_by_side(to, pixel_of(one, way.from, column), pixel_of(other, way.from, column));
            }
        }
    }
}

// What will be needed: of the next bundle's image, and of the places of the next pixels.
struct ahead { struct mio_region reads, writes[2]; int64_t lines; };

// The sums of 32 pixels from `pixel` on, of one or two planes, into `sums`: [half of the pixels][plane] tiles.
MIO_INLINE void multiply_pixels(
    const struct mio_tiled *t, struct line line, struct tiles *tiles, const uint16_t *pixel, int64_t pixels,
    const mio_words *filters, int64_t groups, bool two, struct ahead *ahead, float *sums) {
    (void)tiles;
    int64_t parts = t->height * t->width * groups;
    struct request reads = request_of(&ahead->reads, ahead->lines, parts);
    struct request writes[2] = {
        request_of(&ahead->writes[0], 32, parts), request_of(&ahead->writes[1], 32, parts)};
    int64_t places = t->height * t->width;
    const mio_words *others = filters + places * groups * 16;
    tile_zero(tiles, sum_00);
    tile_zero(tiles, sum_10);
    if (two) {
        tile_zero(tiles, sum_01);
        tile_zero(tiles, sum_11);
    }
    for (int64_t row = 0; row < t->height; row++) {
        for (int64_t column = 0; column < t->width; column++) {
            const uint16_t *read = pixel + (row * line.pitch + column) * 32;
            for (int64_t group = 0; group < groups; group++, read += pixels * 32, filters += 16, others += 16) {
                ask_to_read(&reads);
                ask_to_write(&writes[0]);
                tile_load(tiles, left_0, read, 64);
                tile_load(tiles, left_1, read + 16 * 32, 64);
                tile_load(tiles, right_0, filters, 64);
                tile_multiply(tiles, sum_00, left_0, right_0);
                tile_multiply(tiles, sum_10, left_1, right_0);
                if (two) {
                    ask_to_write(&writes[1]);
                    tile_load(tiles, right_1, others, 64);
                    tile_multiply(tiles, sum_01, left_0, right_1);
                    tile_multiply(tiles, sum_11, left_1, right_1);
                }
            }
        }
    }
    tile_store(tiles, sum_00, sums, 64);
    tile_store(tiles, sum_10, sums + 2 * tile_floats, 64);
    if (two) {
        tile_store(tiles, sum_01, sums + tile_floats, 64);
        tile_store(tiles, sum_11, sums + 3 * tile_floats, 64);
    }
}

// What is done to outputs before they are kept: the bias and relu of forward; or, of gradients, the way back through
// the relu that made what is in their place, and their sum.
struct finish { bool relu, passes_relu; mio_lanes bias, sum; };

MIO_INLINE void keep_pixels(const float *sums, int64_t count, struct finish *finish, float *to) {
    for (int64_t i = 0; i < count; i++) {
        mio_lanes value = mio_load(sums + i * 16) + finish->bias;
        // A NaN stays one.
        if (finish->relu) value = (mio_lanes)((mio_words)value & ~(mio_words)(value < 0.0f));
        if (finish->passes_relu) {
            value = mio_select((mio_words)(mio_load(to + i * 16) > 0.0f), value);
            finish->sum += value;
        }
        mio_store(to + i * 16, value);
    }
}

// Those of 32 pixels from number `first` of the bundle on that the output has, of one plane.
MIO_INLINE void keep_plane(
    struct way way, struct line line, const float *sums, int64_t bundle, int64_t first, struct finish *finish,
    int64_t plane, float *image) {
    for (int64_t done = 0; done < 32;) {
        int64_t slot = bundle + (first + done) / line.pitch, column = (first + done) % line.pitch;
        int64_t row = slot % line.slots, rest = lesser(32 - done, line.pitch - column);
        if (slot < line.all && row < way.to.height && column < way.to.width) {
            float *to = image + (slot / line.slots * planes_of(way.to) + plane) * plane_floats(way.to)
                + (row * way.to.width + column) * 16;
            int64_t count = lesser(rest, way.to.width - column), half = done < 16 ? lesser(count, 16 - done) : 0;
            if (half > 0) keep_pixels(sums + done * 16, half, finish, to);
            if (count > half) {
                keep_pixels(
                    sums + 2 * tile_floats + (done + half - 16) * 16, count - half, finish, to + half * 16);
            }
        }
        done += rest;
    }
}

MIO_INLINE int64_t scratch_of_way(const struct mio_tiled *t, struct way way) {
    struct line line = line_of(t, way);
    int64_t groups = (planes_of(way.from) + 1) / 2;
    int64_t rows = rows_of_bundle(t, line, cached_image, line.pitch * groups * 64);
    return planes_of(way.to) * t->height * t->width * groups * tile_floats
        + pixels_of_bundle(t, line, rows) * groups * 16;
}

MIO_INLINE void convolve(
    const struct mio_tiled *t, struct way way, const float *source, const float *filters, bool turned,
    const float *bias, bool relu, bool passes_relu, float *bias_gradient, float *target, float *scratch) {
    struct line line = line_of(t, way);
    int64_t groups = (planes_of(way.from) + 1) / 2, places = t->height * t->width, targets = planes_of(way.to);
    int64_t bundle = rows_of_bundle(t, line, cached_image, line.pitch * groups * 64);
    int64_t pixels = pixels_of_bundle(t, line, bundle);
    mio_words *packed = (mio_words *)scratch;
    uint16_t *image = (uint16_t *)(scratch + targets * places * groups * tile_floats);
    pack_filters(t, way, filters, turned, packed);
    struct tiles tiles;
    tiles_begin(&tiles);
    for (int64_t first = 0; first < line.all; first += bundle) {
        int64_t rows = lesser(bundle, line.all - first);
        int64_t kept = first > 0 ? t->height - 1 : 0, next = first + rows;
        round_image(way, line, source, first, rows + t->height - 1, kept, bundle, pixels, image);
        struct ahead ahead = {.lines = (32 * planes_of(way.from) + (targets + 1) / 2 - 1) / ((targets + 1) / 2)};
        ahead.reads = region_of_slots(
            source, way.from, line, next + t->height - 1, bundle, way.top, 0, planes_of(way.from));
        for (int64_t plane = 0; plane < targets; plane += 2) {
            bool two = plane + 1 < targets;
            struct finish finish[2];
            for (int64_t i = 0; i <= two; i++) {
                finish[i] = (struct finish){.relu = relu, .passes_relu = passes_relu};
                if (bias) finish[i].bias = load_part(bias + (plane + i) * 16, lanes_of(way.to, plane + i));
            }
            for (int64_t i = 0; i < 2; i++) {
                ahead.writes[i] = region_of_slots(target, way.to, line, first, rows, 0, plane + i, i <= two);
                // What is written at once is not asked for.
                ahead.writes[i].column = 32;
            }
            for (int64_t pixel = 0; pixel < rows * line.pitch; pixel += 32) {
                float sums[4 * tile_floats];
                multiply_pixels(
                    t, line, &tiles, image + pixel * 32, pixels, packed + plane * places * groups * 16, groups, two,
                    &ahead, sums);
                keep_plane(way, line, sums, first, pixel, &finish[0], plane, target);
                if (two) keep_plane(way, line, sums + tile_floats, first, pixel, &finish[1], plane + 1, target);
            }
            // A bundle's sum is added to that of all: one by one half a million would lose three digits.
            for (int64_t i = 0; bias_gradient && i <= two; i++) {
                int64_t lanes = lanes_of(way.to, plane + i);
                float *sum = bias_gradient + (plane + i) * 16;
                store_part(sum, load_part(sum, lanes) + finish[i].sum, lanes);
            }
        }
    }
    tiles_end(&tiles);
}
