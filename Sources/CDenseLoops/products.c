#include "clones.h"

struct product {
    int64_t m, n, k;
    const float *a;
    int64_t a_row, a_column;
    const float *b;
    int64_t b_stride;
    const float *initial;
    bool adds;
    float *c;
    int64_t c_stride;
};

// `rows` × `vectors` · 16 elements of C from (i, j) on, kept in registers over the whole of k. Both counts are
// constants after inlining.
MIO_INLINE void tile(const int rows, const int vectors, const struct product *p, int64_t i, int64_t j) {
    enum { most_rows = 8, most_vectors = 4 };
    const float *a = p->a + i * p->a_row, *b = p->b + j;
    mio_lanes sums[most_rows][most_vectors];
    MIO_UNROLLED for (int row = 0; row < rows; row++)
        MIO_UNROLLED for (int v = 0; v < vectors; v++)
            sums[row][v] = p->initial ? mio_load(p->initial + j + 16 * v) : (mio_lanes){0};
    for (int64_t l = 0; l < p->k; l++) {
        mio_lanes right[most_vectors];
        MIO_UNROLLED for (int v = 0; v < vectors; v++) right[v] = mio_load(b + l * p->b_stride + 16 * v);
        MIO_UNROLLED for (int row = 0; row < rows; row++) {
            float left = a[row * p->a_row + l * p->a_column];
            MIO_UNROLLED for (int v = 0; v < vectors; v++) sums[row][v] += left * right[v];
        }
    }
    MIO_UNROLLED for (int row = 0; row < rows; row++) {
        float *target = p->c + (i + row) * p->c_stride + j;
        // Rows narrower than a vector: what is written beyond one is overwritten by the next.
        bool spills = p->n < 16 && !p->adds && (p->m - 1 - i - row) * p->c_stride + p->n >= 16;
        MIO_UNROLLED for (int v = 0; v < vectors; v++, target += 16) {
            int64_t count = p->n - j - 16 * v;
            if (count >= 16 || spills) mio_store(target, p->adds ? mio_load(target) + sums[row][v] : sums[row][v]);
            else store_part(target, p->adds ? load_part(target, count) + sums[row][v] : sums[row][v], count);
        }
    }
}

MIO_INLINE void tiles(const int rows, const int vectors, const struct product *p, int64_t j) {
    int64_t i = 0;
    for (; i + rows <= p->m; i += rows) tile(rows, vectors, p, i, j);
    for (; rows > 4 && i + 4 <= p->m; i += 4) tile(4, vectors, p, i, j);
    for (; i + 2 <= p->m; i += 2) tile(2, vectors, p, i, j);
    for (; i < p->m; i++) tile(1, vectors, p, i, j);
}

// Sixteen chains of sums hide the latency of a fused multiply-add and leave registers for what is multiplied; without
// AVX-512 there are half as many registers, of half the width.
MIO_INLINE void product(const struct product *p) {
    bool wide = mio_is_wide();
    for (int64_t j = 0; j < p->n;) {
        int64_t columns = p->n - j;
        if (wide && columns > 48) {
            tiles(4, 4, p, j);
            j += 64;
        } else if (wide && columns > 16) {
            tiles(8, 2, p, j);
            j += 32;
        } else if (wide) {
            tiles(8, 1, p, j);
            j += 16;
        } else {
            tiles(4, 1, p, j);
            j += 16;
        }
    }
}

MIO_CLONES void mio_small_product(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column, const float *b,
    int64_t b_stride, const float *initial, bool adds, float *c, int64_t c_stride) {
    // So many rows of B stay in the first-level cache while the rows of A pass by.
    enum { block = 128 };
    struct product p = {m, n, k, a, a_row, a_column, b, b_stride, initial, adds, c, c_stride};
    while (p.k > block + block / 2) {
        int64_t rest = p.k - block;
        p.k = block;
        product(&p);
        p.k = rest;
        p.a += block * a_column;
        p.b += block * b_stride;
        p.initial = 0;
        p.adds = true;
    }
    product(&p);
}

// Sixteen rows become sixteen columns: four times each row is interleaved with the one eight further on.
MIO_INLINE void transpose_square(mio_lanes rows[16]) {
    MIO_UNROLLED for (int step = 0; step < 4; step++) {
        mio_lanes mixed[16];
        MIO_UNROLLED for (int row = 0; row < 8; row++) {
            mio_lanes a = rows[row], b = rows[row + 8];
            mixed[2 * row] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            mixed[2 * row + 1] =
                __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        MIO_UNROLLED for (int row = 0; row < 16; row++) rows[row] = mixed[row];
    }
}

MIO_INLINE void transpose(
    const float *source, int64_t rows, int64_t columns, int64_t stride, float *target, int64_t target_stride) {
    for (int64_t j = 0; j < columns; j += 16) {
        int64_t across = columns - j < 16 ? columns - j : 16, i = 0;
        for (; i < rows; i += 16) {
            mio_lanes square[16];
            MIO_UNROLLED for (int row = 0; row < 16; row++)
                square[row] = i + row < rows ? mio_load(source + (i + row) * stride + j) : (mio_lanes){0};
            transpose_square(square);
            for (int64_t row = 0; row < across; row++) mio_store(target + (j + row) * target_stride + i, square[row]);
        }
        for (; i < target_stride; i += 16)
            for (int64_t row = 0; row < across; row++)
                mio_store(target + (j + row) * target_stride + i, (mio_lanes){0});
    }
}

MIO_CLONES void mio_transpose(
    const float *source, int64_t rows, int64_t columns, int64_t stride, float *target, int64_t target_stride) {
    transpose(source, rows, columns, stride, target, target_stride);
}
