#include "clones.h"

// Tensors that meet element by element, some of them repeated.

MIO_INLINE mio_lanes merged(enum mio_merge merge, mio_lanes a, mio_lanes b, float scale) {
    switch (merge) {
    case mio_merge_first: return a;
    case mio_merge_first_scaled: return a * scale;
    case mio_merge_added_scaled: return a + b * scale;
    case mio_merge_sum: return a + b;
    case mio_merge_scaled_sum: return (a + b) * scale;
    case mio_merge_difference: return a - b;
    case mio_merge_product: return a * b;
    case mio_merge_quotient: return a / b;
    // A NaN stays one: the run must see it.
    case mio_merge_maximum: return mio_blend((mio_words)(b > a) | (mio_words)(b != b), b, a);
    case mio_merge_minimum: return mio_blend((mio_words)(b < a) | (mio_words)(b != b), b, a);
    case mio_merge_prelu: return mio_blend((mio_words)(a < 0.0f), a * b, a);
    case mio_merge_masked: return mio_blend((mio_words)(b > 0.5f), a, mio_splat(scale));
    case mio_merge_dropped: return mio_select((mio_words)(b != 0.0f), a * b);
    case mio_merge_where_nonzero: return mio_select((mio_words)(a != 0.0f), b);
    }
    return a;
}

MIO_INLINE mio_lanes gradient(enum mio_merge_gradient kind, mio_lanes g, mio_lanes p, mio_lanes q, float scale) {
    mio_words larger = (mio_words)(q > p) | (mio_words)(q != q), smaller = (mio_words)(q < p) | (mio_words)(q != q);
    switch (kind) {
    case mio_gradient_scaled: return g * scale;
    case mio_gradient_product: return g * p;
    case mio_gradient_masked_product: return mio_select((mio_words)(q != 0.0f), g * p);
    case mio_gradient_where_largest: return mio_select(~larger, g);
    case mio_gradient_where_not_largest: return mio_select(larger, g);
    case mio_gradient_where_smallest: return mio_select(~smaller, g);
    case mio_gradient_where_not_smallest: return mio_select(smaller, g);
    case mio_gradient_where_equal: return mio_select((mio_words)(p == q), g);
    case mio_gradient_where_not_equal: return mio_select((mio_words)(p != q), g);
    case mio_gradient_where_nonzero: return mio_select((mio_words)(p != 0.0f), g);
    case mio_gradient_quotient: return g / p;
    case mio_gradient_divisor: return -g * p / (q * q);
    case mio_gradient_prelu:
        return mio_blend((mio_words)(p > 0.0f), g, mio_select((mio_words)(p < 0.0f), g * q));
    case mio_gradient_prelu_alpha: return mio_select((mio_words)(p < 0.0f), g * p);
    }
    return g;
}

// To the next row of the last axis; false behind the last one.
MIO_INLINE bool next_row(
    const struct mio_axes *axes, int64_t at[mio_most_axes], const float **a, const float **b, float **c) {
    for (int64_t axis = axes->count - 2; axis >= 0; axis--) {
        *a += axes->a[axis];
        *b += axes->b[axis];
        *c += axes->c[axis];
        if (++at[axis] < axes->sizes[axis]) return true;
        *a -= axes->a[axis] * axes->sizes[axis];
        *b -= axes->b[axis] * axes->sizes[axis];
        *c -= axes->c[axis] * axes->sizes[axis];
        at[axis] = 0;
    }
    return false;
}

MIO_INLINE mio_lanes load_or_repeat(bool repeats, const float *p, int64_t i, int64_t part) {
    return repeats ? mio_splat(*p) : load_some(p + i, part);
}

MIO_INLINE void merge_rows(
    enum mio_merge merge, const struct mio_axes *axes, const float *a, const float *b, float scale, float *y) {
    int64_t at[mio_most_axes] = {0}, last = axes->count - 1, width = axes->sizes[last];
    bool repeats_a = axes->a[last] == 0, repeats_b = axes->b[last] == 0;
    float *none = y;
    for (bool more = true; more; more = next_row(axes, at, &a, &b, &none), y += width) {
        for (int64_t i = 0; i < width; i += 16) {
            int64_t part = width - i < 16 ? width - i : 16;
            mio_lanes u = load_or_repeat(repeats_a, a, i, part), v = load_or_repeat(repeats_b, b, i, part);
            store_some(y + i, merged(merge, u, v, scale), part);
        }
    }
}

MIO_CLONES void mio_merge_tensors(
    enum mio_merge merge, const struct mio_axes *axes, const float *a, const float *b, float scale, float *y) {
#define MIO_MERGE(kind) case kind: merge_rows(kind, axes, a, b, scale, y); break;
    switch (merge) {
    MIO_MERGE(mio_merge_first)
    MIO_MERGE(mio_merge_first_scaled)
    MIO_MERGE(mio_merge_added_scaled)
    MIO_MERGE(mio_merge_sum)
    MIO_MERGE(mio_merge_scaled_sum)
    MIO_MERGE(mio_merge_difference)
    MIO_MERGE(mio_merge_product)
    MIO_MERGE(mio_merge_quotient)
    MIO_MERGE(mio_merge_maximum)
    MIO_MERGE(mio_merge_minimum)
    MIO_MERGE(mio_merge_prelu)
    MIO_MERGE(mio_merge_masked)
    MIO_MERGE(mio_merge_dropped)
    MIO_MERGE(mio_merge_where_nonzero)
    }
#undef MIO_MERGE
}

MIO_INLINE void gradient_rows(
    enum mio_merge_gradient kind, const struct mio_axes *axes, const float *g, const float *p, const float *q,
    float scale, float *dx, bool adds) {
    int64_t at[mio_most_axes] = {0}, last = axes->count - 1, width = axes->sizes[last];
    bool repeats_p = axes->a[last] == 0, repeats_q = axes->b[last] == 0, sums = axes->c[last] == 0;
    for (bool more = true; more; more = next_row(axes, at, &p, &q, &dx), g += width) {
        mio_lanes sum = {0};
        for (int64_t i = 0; i < width; i += 16) {
            int64_t part = width - i < 16 ? width - i : 16;
            mio_lanes u = load_or_repeat(repeats_p, p, i, part), v = load_or_repeat(repeats_q, q, i, part);
            mio_lanes value = gradient(kind, load_some(g + i, part), u, v, scale);
            if (sums) sum += mio_select(mio_mask(part), value);
            else store_some(dx + i, adds ? value + load_some(dx + i, part) : value, part);
        }
        if (sums) *dx += mio_sum(sum);
    }
}

MIO_CLONES void mio_merge_backward(
    enum mio_merge_gradient kind, const struct mio_axes *axes, const float *g, const float *p, const float *q,
    float scale, float *dx, bool adds) {
#define MIO_GRADIENT(kind) case kind: gradient_rows(kind, axes, g, p, q, scale, dx, adds); break;
    switch (kind) {
    MIO_GRADIENT(mio_gradient_scaled)
    MIO_GRADIENT(mio_gradient_product)
    MIO_GRADIENT(mio_gradient_masked_product)
    MIO_GRADIENT(mio_gradient_where_largest)
    MIO_GRADIENT(mio_gradient_where_not_largest)
    MIO_GRADIENT(mio_gradient_where_smallest)
    MIO_GRADIENT(mio_gradient_where_not_smallest)
    MIO_GRADIENT(mio_gradient_where_equal)
    MIO_GRADIENT(mio_gradient_where_not_equal)
    MIO_GRADIENT(mio_gradient_where_nonzero)
    MIO_GRADIENT(mio_gradient_quotient)
    MIO_GRADIENT(mio_gradient_divisor)
    MIO_GRADIENT(mio_gradient_prelu)
    MIO_GRADIENT(mio_gradient_prelu_alpha)
    }
#undef MIO_GRADIENT
}

MIO_INLINE void move(const float *x, int64_t x_stride, float *y, int64_t y_stride, int64_t width, bool adds) {
    if (y_stride == 0) {
        float sum = 0.0f;
        for (int64_t i = 0; i < width; i++) sum += x[i * x_stride];
        *y += sum;
    } else if (x_stride == 1 && y_stride == 1) {
        if (adds) for (int64_t i = 0; i < width; i++) y[i] += x[i];
        else memcpy(y, x, (size_t)width * sizeof(float));
    } else if (adds) {
        for (int64_t i = 0; i < width; i++) y[i * y_stride] += x[i * x_stride];
    } else {
        for (int64_t i = 0; i < width; i++) y[i * y_stride] = x[i * x_stride];
    }
}

// The last two axes in tiles, so that a cache's line is used while it is there, in whichever order it lies.
MIO_INLINE void move_plane(
    const struct mio_axes *axes, int64_t outer, const float *x, float *y, bool adds) {
    enum { tile = 16 };
    int64_t last = axes->count - 1, rows = axes->sizes[outer], width = axes->sizes[last];
    for (int64_t row = 0; row < rows; row += tile) {
        for (int64_t column = 0; column < width; column += tile) {
            int64_t end = row + tile < rows ? row + tile : rows;
            int64_t count = column + tile < width ? tile : width - column;
            for (int64_t i = row; i < end; i++)
                move(
                    x + i * axes->a[outer] + column * axes->a[last], axes->a[last],
                    y + i * axes->b[outer] + column * axes->b[last], axes->b[last], count, adds);
        }
    }
}

MIO_CLONES void mio_move_axes(const struct mio_axes *axes, const float *x, float *y, bool adds) {
    int64_t at[mio_most_axes] = {0}, last = axes->count - 1;
    // The axis whose neighbors lie side by side in x or in y, if that is not the last: with it tiles are made.
    int64_t outer = -1;
    if (axes->a[last] != 1 || axes->b[last] != 1)
        for (int64_t axis = 0; axis < last; axis++)
            if ((axes->a[axis] == 1 && axes->b[axis] != 0) || axes->b[axis] == 1) outer = axis;
    for (;;) {
        if (outer < 0) move(x, axes->a[last], y, axes->b[last], axes->sizes[last], adds);
        else move_plane(axes, outer, x, y, adds);
        int64_t axis = last - 1;
        for (; axis >= 0; axis--) {
            if (axis == outer) continue;
            x += axes->a[axis];
            y += axes->b[axis];
            if (++at[axis] < axes->sizes[axis]) break;
            x -= axes->a[axis] * axes->sizes[axis];
            y -= axes->b[axis] * axes->sizes[axis];
            at[axis] = 0;
        }
        if (axis < 0) return;
    }
}
