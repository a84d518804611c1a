#include "clones.h"

MIO_INLINE mio_lanes load_part(const float *p, int64_t count) {
    float values[16] = {0};
    for (int64_t i = 0; i < count; i++) values[i] = p[i];
    return mio_load(values);
}

MIO_INLINE void store_part(float *p, mio_lanes v, int64_t count) {
    float values[16];
    mio_store(values, v);
    for (int64_t i = 0; i < count; i++) p[i] = values[i];
}

// `rows` × `vectors` · 16 elements of C, kept in registers over the whole of k. Both counts are constants after
// inlining.
MIO_INLINE void tile(
    const int rows, const int vectors, int64_t columns, int64_t k, const float *a, int64_t a_row, int64_t a_column,
    const float *b, int64_t b_stride, const float *initial, bool adds, float *c, int64_t c_stride) {
    mio_lanes sums[6][2];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) sums[i][v] = initial ? mio_load(initial + 16 * v) : (mio_lanes){0};
    for (int64_t l = 0; l < k; l++) {
        mio_lanes right[2];
        for (int v = 0; v < vectors; v++) right[v] = mio_load(b + l * b_stride + 16 * v);
        for (int i = 0; i < rows; i++) {
            float left = a[i * a_row + l * a_column];
            for (int v = 0; v < vectors; v++) sums[i][v] += left * right[v];
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            float *target = c + i * c_stride + 16 * v;
            int64_t count = columns - 16 * v;
            if (count >= 16) mio_store(target, adds ? mio_load(target) + sums[i][v] : sums[i][v]);
            else store_part(target, adds ? load_part(target, count) + sums[i][v] : sums[i][v], count);
        }
    }
}

MIO_CLONES void mio_small_product(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column, const float *b,
    int64_t b_stride, const float *initial, bool adds, float *c, int64_t c_stride) {
    for (int64_t j = 0; j < n; j += 32) {
        const float *start = initial ? initial + j : 0;
        int64_t columns = n - j;
        int64_t i = 0;
        if (columns > 16) {
            for (; i + 6 <= m; i += 6)
                tile(6, 2, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i + 2 <= m; i += 2)
                tile(2, 2, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i < m; i++)
                tile(1, 2, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
        } else {
            for (; i + 6 <= m; i += 6)
                tile(6, 1, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i + 2 <= m; i += 2)
                tile(2, 1, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
            for (; i < m; i++)
                tile(1, 1, columns, k, a + i * a_row, a_row, a_column, b + j, b_stride, start, adds,
                     c + i * c_stride + j, c_stride);
        }
    }
}

MIO_CLONES void mio_transpose(
    const float *source, int64_t rows, int64_t columns, int64_t stride, float *target, int64_t target_stride) {
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t i = 0; i < rows; i++) target[j * target_stride + i] = source[i * stride + j];
        for (int64_t i = rows; i < target_stride; i++) target[j * target_stride + i] = 0.0f;
    }
}
