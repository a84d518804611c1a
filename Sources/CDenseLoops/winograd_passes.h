// Winograd's convolution by mio's own loops, in registers of MIO_WIDTH lanes: the body of winograd_avx512.c and
// winograd_avx2.c, where MIO_WINOGRAD(name) is the name of a function of theirs.
//
// Images lie in planes of MIO_WIDTH channels: sample, plane, row, column, channel. Tiles are taken in bundles that fit
// the second-level cache with the filters: their patches go to the points, where they are multiplied, and back.
#include "winograd_points.h"
#include "winograd_product.h"

#define MIO_POINTS_2 (MIO_POINTS * MIO_POINTS)
#define MIO_SQUARE (MIO_WIDTH * MIO_WIDTH)

// What the image and the products at the points may take of the cache, in floats.
enum { cached_elements = 128 * 1024, tile = 4, patch = 6 };

MIO_INLINE int64_t vectors(struct mio_image image) { return (image.channels + MIO_WIDTH - 1) / MIO_WIDTH; }
MIO_INLINE int64_t tiles_across(struct mio_image image) { return (image.width + tile - 1) / tile; }
MIO_INLINE int64_t tiles_down(struct mio_image image) { return (image.height + tile - 1) / tile; }
MIO_INLINE int64_t plane_elements(struct mio_image image) { return image.height * image.width * MIO_WIDTH; }

// The channels of a plane.
MIO_INLINE int64_t lanes_of(struct mio_image image, int64_t plane) {
    int64_t rest = image.channels - plane * MIO_WIDTH;
    return rest < MIO_WIDTH ? rest : MIO_WIDTH;
}

// Tiles that are done together: of some whole rows of tiles, or equal parts of one.
struct bundle { int64_t rows, parts, tiles; };

MIO_INLINE struct bundle bundle_of(const struct mio_winograd *w, struct mio_image tiled) {
    int64_t most = cached_elements / (MIO_POINTS_2 * MIO_WIDTH * (vectors(w->input) + vectors(w->output)));
    if (most < 24) most = 24;
    int64_t across = tiles_across(tiled), rows = w->samples * tiles_down(tiled);
    if (across > most) {
        int64_t parts = (across + most - 1) / most;
        return (struct bundle){1, parts, (across + parts - 1) / parts};
    }
    int64_t whole = most / across < rows ? most / across : rows;
    return (struct bundle){whole, 1, whole * across};
}

// From one point's matrix of `planes` planes to the next: an odd count of cache lines, for a tile's 36 would otherwise
// compete for a few sets of the first-level cache.
MIO_INLINE int64_t stride_of(int64_t tiles, int64_t planes) {
    int64_t lines = (tiles * planes * MIO_WIDTH + 15) / 16;
    return (lines | 1) * 16;
}

MIO_INLINE int64_t filter_points(const struct mio_winograd *w) {
    return MIO_POINTS_2 * vectors(w->input) * vectors(w->output) * MIO_SQUARE;
}

int64_t MIO_WINOGRAD(scratch)(const struct mio_winograd *w) {
    int64_t forward = bundle_of(w, w->output).tiles, backward = bundle_of(w, w->input).tiles;
    int64_t tiles = forward > backward ? forward : backward;
    return filter_points(w)
        + MIO_POINTS_2 * (stride_of(tiles, vectors(w->input)) + stride_of(tiles, vectors(w->output)));
}

// A bundle's tiles [first, end), counted through all samples; none behind the last bundle.
struct span { int64_t first, end; };

MIO_INLINE struct span span_of(
    const struct mio_winograd *w, struct mio_image tiled, struct bundle bundle, int64_t index) {
    int64_t across = tiles_across(tiled), row = index / bundle.parts * bundle.rows, part = index % bundle.parts;
    int64_t rows = w->samples * tiles_down(tiled), end = row + bundle.rows < rows ? row + bundle.rows : rows;
    if (row >= rows) return (struct span){0, 0};
    if (bundle.parts == 1) return (struct span){row * across, end * across};
    int64_t first = row * across;
    return (struct span){first + across * part / bundle.parts, first + across * (part + 1) / bundle.parts};
}

// Where a tile lies: its sample, and its first pixel.
struct place { int64_t sample, row, column; };

MIO_INLINE struct place place_of(int64_t index, struct mio_image tiled) {
    int64_t across = tiles_across(tiled), down = tiles_down(tiled);
    return (struct place){index / (across * down), index / across % down * tile, index % across * tile};
}

// The lines of a bundle's tiles in `image`, whose pixels are (down, right) of those of the tiled one. What lies in a
// second sample is left out: such images are small.
MIO_INLINE struct mio_region region_of(
    struct span span, struct mio_image tiled, const float *elements, struct mio_image image, int64_t down,
    int64_t right) {
    struct mio_region region = {.image = elements};
    if (span.first >= span.end) return region;
    struct place first = place_of(span.first, tiled), last = place_of(span.end - 1, tiled);
    region.planes = vectors(image);
    region.plane_elements = plane_elements(image);
    region.row_elements = image.width * MIO_WIDTH;
    region.image += first.sample * region.planes * region.plane_elements;
    int64_t top = first.row + down, left = first.column + right, end = last.column + right + tile;
    int64_t bottom = (last.sample == first.sample ? last.row + tile : tiled.height) + down;
    region.row = region.top = top > 0 ? top : 0;
    region.bottom = bottom < image.height ? bottom : image.height;
    region.column = region.left = left > 0 ? left : 0;
    region.right = end < image.width ? end : image.width;
    return region;
}

// MARK: Both axes

// `transform` of the columns, and then of the rows, of `from` by `from` vectors: `value` of (y, x). Of the `to` by `to`
// vectors that come out, `keep` takes `result`. A macro, because a function would have to copy them all first.
#define MIO_BOTH_AXES(transform, from, to, value, keep) do { \
        mio_lanes columns[to][from]; \
        for (int x = 0; x < from; x++) { \
            mio_lanes before[from], after[to]; \
            MIO_UNROLLED for (int y = 0; y < from; y++) before[y] = value; \
            transform(before, after); \
            MIO_UNROLLED for (int y = 0; y < to; y++) columns[y][x] = after[y]; \
        } \
        for (int y = 0; y < to; y++) { \
            mio_lanes after[to]; \
            transform(columns[y], after); \
            MIO_UNROLLED for (int x = 0; x < to; x++) { mio_lanes result = after[x]; keep; } \
        } \
    } while (false)

// A pixel of a plane, zero outside of the image.
MIO_INLINE mio_lanes pixel(const float *plane, struct mio_image image, int64_t row, int64_t column) {
    bool exists = row >= 0 && column >= 0 && row < image.height && column < image.width;
    return exists ? mio_load(plane + (row * image.width + column) * MIO_WIDTH) : (mio_lanes){0};
}

MIO_INLINE bool is_inside(struct mio_image image, int64_t row, int64_t column, int extent) {
    return row >= 0 && column >= 0 && row + extent <= image.height && column + extent <= image.width;
}

// The `extent` rows and columns from (row, column) at the points, each to its own matrix.
#define MIO_TO_POINTS(transform, extent) do { \
        const float *first = plane + (row * image.width + column) * MIO_WIDTH; \
        if (is_inside(image, row, column, extent)) { \
            MIO_BOTH_AXES( \
                transform, extent, MIO_POINTS, mio_load(first + (y * image.width + x) * MIO_WIDTH), \
                mio_store(points + (y * MIO_POINTS + x) * stride, result)); \
        } else { \
            MIO_BOTH_AXES( \
                transform, extent, MIO_POINTS, pixel(plane, image, row + y, column + x), \
                mio_store(points + (y * MIO_POINTS + x) * stride, result)); \
        } \
    } while (false)

MIO_INLINE void transform_image(
    const float *plane, struct mio_image image, int64_t row, int64_t column, float *points, int64_t stride) {
    MIO_TO_POINTS(image_to_points, patch);
}

MIO_INLINE void transform_gradient(
    const float *plane, struct mio_image image, int64_t row, int64_t column, float *points, int64_t stride) {
    MIO_TO_POINTS(gradients_to_points, tile);
}

// What is done to outputs before they are kept: the bias and relu of forward; or, of gradients, the way back through the
// relu that made what is in their place, and their sum.
struct finish { bool relu, passes_relu; mio_lanes bias, sum; };

MIO_INLINE void keep_output(
    mio_lanes value, struct finish *finish, float *plane, struct mio_image image, int64_t row, int64_t column) {
    if (row >= image.height || column >= image.width) return;
    float *place = plane + (row * image.width + column) * MIO_WIDTH;
    value += finish->bias;
    // A NaN stays one.
    if (finish->relu) value = (mio_lanes)((mio_words)value & ~(mio_words)(value < 0.0f));
    if (finish->passes_relu) {
        value = mio_select((mio_words)(mio_load(place) > 0.0f), value);
        finish->sum += value;
    }
    mio_store(place, value);
}

// A tile of outputs from its points.
MIO_INLINE void transform_outputs(
    const float *points, int64_t stride, struct finish *finish, float *plane, struct mio_image image, int64_t row,
    int64_t column) {
    MIO_BOTH_AXES(
        points_to_outputs, MIO_POINTS, tile, mio_load(points + (y * MIO_POINTS + x) * stride),
        keep_output(result, finish, plane, image, row + y, column + x));
}

// MARK: Filters

// Lanes of filters of one channel, or, turned round, of channels of one filter; those that do not exist are zero.
MIO_INLINE mio_lanes filter_lanes(
    const struct mio_winograd *w, const float *filters, int place, int64_t row, int64_t vector, bool turned) {
    int64_t channels = w->input.channels, count = w->output.channels;
    int64_t rows = turned ? count : channels, lanes = turned ? channels : count;
    if (row >= rows) return (mio_lanes){0};
    float values[MIO_WIDTH] = {0};
    for (int64_t lane = 0; lane < MIO_WIDTH && vector * MIO_WIDTH + lane < lanes; lane++) {
        int64_t other = vector * MIO_WIDTH + lane;
        values[lane] = turned ? filters[((8 - place) * channels + other) * count + row]
                              : filters[(place * channels + row) * count + other];
    }
    return mio_load(values);
}

// The filters at the points: [36][channels][filters], or turned round for the gradient of the input:
// [36][filters][channels].
MIO_INLINE void transform_filters(const struct mio_winograd *w, const float *filters, bool turned, float *points) {
    int64_t rows = MIO_WIDTH * vectors(turned ? w->output : w->input), width = vectors(turned ? w->input : w->output);
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t vector = 0; vector < width; vector++) {
            MIO_BOTH_AXES(
                filter_to_points, 3, MIO_POINTS, filter_lanes(w, filters, y * 3 + x, row, vector, turned),
                mio_store(points + (((y * MIO_POINTS + x) * rows + row) * width + vector) * MIO_WIDTH, result));
        }
    }
}

// MARK: Passes

// The patches of a bundle's tiles at the points; a patch begins (top, left) before its tile.
MIO_INLINE void transform_images(
    struct span span, struct mio_image tiled, const float *source, struct mio_image image, int64_t top, int64_t left,
    float *points, int64_t stride) {
    int64_t planes = vectors(image);
    for (int64_t t = span.first; t < span.end; t++) {
        struct place place = place_of(t, tiled);
        for (int64_t plane = 0; plane < planes; plane++, points += MIO_WIDTH) {
            transform_image(
                source + (place.sample * planes + plane) * plane_elements(image), image, place.row - top,
                place.column - left, points, stride);
        }
    }
}

// One of the two ways through the filters, which are at the points already: scratch begins with them.
MIO_INLINE void convolve(
    const struct mio_winograd *w, struct mio_image from, struct mio_image to, int64_t top, int64_t left,
    const float *source, const float *bias, bool relu, bool passes_relu, float *bias_gradient, float *target,
    float *scratch) {
    int64_t sources = vectors(from), targets = vectors(to);
    struct bundle bundle = bundle_of(w, to);
    int64_t from_stride = stride_of(bundle.tiles, sources), to_stride = stride_of(bundle.tiles, targets);
    const float *filters = scratch;
    float *image = scratch + filter_points(w), *products = image + MIO_POINTS_2 * from_stride;
    struct span span = span_of(w, to, bundle, 0), next;
    for (int64_t index = 1; span.first < span.end; span = next, index++) {
        next = span_of(w, to, bundle, index);
        struct mio_region reads = region_of(next, to, source, from, 2 - top, 2 - left);
        struct mio_region writes = region_of(span, to, target, to, 0, 0);
        transform_images(span, to, source, from, top, left, image, from_stride);
        for (int point = 0; point < MIO_POINTS_2; point++) {
            struct mio_product product = {
                .a = image + point * from_stride, .b = filters + point * sources * targets * MIO_SQUARE,
                .c = products + point * to_stride, .a_row = sources * MIO_WIDTH, .a_column = 1,
                .b_row = targets * MIO_WIDTH, .c_row = targets * MIO_WIDTH, .count = sources * MIO_WIDTH};
            multiply(span.end - span.first, targets, &product, &reads, &writes);
        }
        for (int64_t plane = 0; plane < targets; plane++) {
            int64_t lanes = lanes_of(to, plane);
            struct finish finish = {.relu = relu, .passes_relu = passes_relu};
            if (bias) finish.bias = load_part(bias + plane * MIO_WIDTH, lanes);
            for (int64_t t = span.first; t < span.end; t++) {
                struct place place = place_of(t, to);
                transform_outputs(
                    products + ((t - span.first) * targets + plane) * MIO_WIDTH, to_stride, &finish,
                    target + (place.sample * targets + plane) * plane_elements(to), to, place.row, place.column);
            }
            // Some hundred pixels' sum is added to that of all: one by one half a million would lose three digits.
            if (bias_gradient) {
                float *sum = bias_gradient + plane * MIO_WIDTH;
                store_part(sum, load_part(sum, lanes) + finish.sum, lanes);
            }
        }
    }
}

void MIO_WINOGRAD(forward)(
    const struct mio_winograd *w, const float *input, const float *filters, const float *bias, bool relu,
    float *output, float *scratch) {
    transform_filters(w, filters, false, scratch);
    convolve(
        w, w->input, w->output, w->top, w->left, input, bias, relu, false, NULL, output, scratch);
}

void MIO_WINOGRAD(input_gradient)(
    const struct mio_winograd *w, const float *output_gradient, const float *filters, bool passes_relu,
    float *bias_gradient, float *input_gradient, float *scratch) {
    transform_filters(w, filters, true, scratch);
    convolve(
        w, w->output, w->input, 2 - w->top, 2 - w->left, output_gradient, NULL, false, passes_relu, bias_gradient,
        input_gradient, scratch);
}

void MIO_WINOGRAD(filter_gradient)(
    const struct mio_winograd *w, const float *input, const float *output_gradient, float *filter_gradient,
    float *scratch) {
    int64_t channels = vectors(w->input), filters = vectors(w->output);
    struct bundle bundle = bundle_of(w, w->output);
    int64_t image_stride = stride_of(bundle.tiles, channels), gradient_stride = stride_of(bundle.tiles, filters);
    float *sums = scratch, *image = sums + filter_points(w), *gradient = image + MIO_POINTS_2 * image_stride;
    struct span span = span_of(w, w->output, bundle, 0), next;
    for (int64_t index = 1; span.first < span.end; span = next, index++) {
        next = span_of(w, w->output, bundle, index);
        struct mio_region images = region_of(next, w->output, input, w->input, 2 - w->top, 2 - w->left);
        struct mio_region gradients = region_of(next, w->output, output_gradient, w->output, 0, 0);
        transform_images(span, w->output, input, w->input, w->top, w->left, image, image_stride);
        for (int64_t t = span.first; t < span.end; t++) {
            struct place place = place_of(t, w->output);
            for (int64_t plane = 0; plane < filters; plane++) {
                transform_gradient(
                    output_gradient + (place.sample * filters + plane) * plane_elements(w->output), w->output,
                    place.row, place.column, gradient + ((t - span.first) * filters + plane) * MIO_WIDTH,
                    gradient_stride);
            }
        }
        for (int point = 0; point < MIO_POINTS_2; point++) {
            struct mio_product product = {
                .a = image + point * image_stride, .b = gradient + point * gradient_stride,
                .c = sums + point * channels * filters * MIO_SQUARE, .a_row = 1, .a_column = channels * MIO_WIDTH,
                .b_row = filters * MIO_WIDTH, .c_row = filters * MIO_WIDTH, .count = span.end - span.first,
                .adds = index > 1};
            multiply(channels * MIO_WIDTH, filters, &product, &images, &gradients);
        }
    }
    for (int64_t channel = 0; channel < w->input.channels; channel++) {
        for (int64_t plane = 0; plane < filters; plane++) {
            const float *points = sums + (channel * filters + plane) * MIO_WIDTH;
            float *target = filter_gradient + channel * w->output.channels + plane * MIO_WIDTH;
            int64_t lanes = lanes_of(w->output, plane), place = w->input.channels * w->output.channels;
            MIO_BOTH_AXES(
                points_to_filter, MIO_POINTS, 3,
                mio_load(points + (y * MIO_POINTS + x) * channels * filters * MIO_SQUARE),
                store_part(target + (y * 3 + x) * place, result, lanes));
        }
    }
}
