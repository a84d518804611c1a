// The products at Winograd's points: many small ones, whose factors lie in the caches.
#include "region.h"

// c becomes a · b, or that is added to it. Of each, the elements from one row to the next; of a also from one column to
// the next, for b's and c's rows are contiguous.
struct mio_product {
    const float *a, *b;
    float *c;
    int64_t a_row, a_column, b_row, c_row;
    // a's columns, b's rows.
    int64_t count;
    bool adds;
    // Lines to be asked for meanwhile, to read and to write, and how far apart.
    const float *reads, *writes;
    int64_t read_step, write_step;
};

// The vectors of c that stay in registers, of which the rest hold a row of b and an element of a, and the most rows and
// columns of such a block.
#if MIO_WIDTH == 16
enum { block_sums = 24, block_columns = 4 };
static const int block_rows[] = {0, 12, 12, 8, 6};
#else
enum { block_sums = 12, block_columns = 3 };
static const int block_rows[] = {0, 12, 6, 4};
#endif

// `rows` rows and `columns` vectors of c. Both are constants to the compiler, so that the sums stay in registers.
MIO_INLINE void product_block(int rows, int columns, const struct mio_product *product) {
    struct mio_product p = *product;
    mio_lanes sums[block_sums];
    MIO_UNROLLED for (int i = 0; i < rows; i++) {
        MIO_UNROLLED for (int j = 0; j < columns; j++) {
            sums[i * columns + j] = p.adds ? mio_load(p.c + i * p.c_row + j * MIO_WIDTH) : (mio_lanes){0};
        }
    }
    // Three rows to a pointer, which addresses can tell apart: twelve pointers would not fit the registers.
    const float *left[4] = {p.a, p.a + 3 * p.a_row, p.a + 6 * p.a_row, p.a + 9 * p.a_row};
    for (int64_t k = 0; k < p.count; k++) {
        mio_lanes right[block_columns];
        __builtin_prefetch(p.reads, 0, 2);
        __builtin_prefetch(p.writes, 1, 3);
        p.reads += p.read_step;
        p.writes += p.write_step;
        MIO_UNROLLED for (int j = 0; j < columns; j++) right[j] = mio_load(p.b + j * MIO_WIDTH);
        MIO_UNROLLED for (int i = 0; i < rows; i++) {
            mio_lanes element = mio_splat(left[i / 3][i % 3 * p.a_row]);
            MIO_UNROLLED for (int j = 0; j < columns; j++) sums[i * columns + j] += element * right[j];
        }
        MIO_UNROLLED for (int i = 0; i < 4; i++) left[i] += p.a_column;
        p.b += p.b_row;
    }
    MIO_UNROLLED for (int i = 0; i < rows; i++) {
        MIO_UNROLLED for (int j = 0; j < columns; j++) {
            mio_store(p.c + i * p.c_row + j * MIO_WIDTH, sums[i * columns + j]);
        }
    }
}

#define MIO_BLOCK(rows, columns) \
    case rows: return product_block(rows, columns, product);
#define MIO_BLOCKS_4(columns) \
    MIO_BLOCK(1, columns) MIO_BLOCK(2, columns) MIO_BLOCK(3, columns) MIO_BLOCK(4, columns)
#define MIO_BLOCKS_6(columns) MIO_BLOCKS_4(columns) MIO_BLOCK(5, columns) MIO_BLOCK(6, columns)
#define MIO_BLOCKS_8(columns) MIO_BLOCKS_6(columns) MIO_BLOCK(7, columns) MIO_BLOCK(8, columns)
#define MIO_BLOCKS_12(columns) \
    MIO_BLOCKS_8(columns) MIO_BLOCK(9, columns) MIO_BLOCK(10, columns) \
    MIO_BLOCK(11, columns) MIO_BLOCK(12, columns)

static void product_of_any_block(int64_t rows, int64_t columns, const struct mio_product *product) {
    switch (columns) {
    case 1: switch (rows) { MIO_BLOCKS_12(1) } break;
#if MIO_WIDTH == 16
    case 2: switch (rows) { MIO_BLOCKS_12(2) } break;
    case 3: switch (rows) { MIO_BLOCKS_8(3) } break;
    case 4: switch (rows) { MIO_BLOCKS_6(4) } break;
#else
    case 2: switch (rows) { MIO_BLOCKS_6(2) } break;
    case 3: switch (rows) { MIO_BLOCKS_4(3) } break;
#endif
    }
}

// `rows` rows and `vectors` vectors of columns, whatever they are.
MIO_INLINE void multiply(
    int64_t rows, int64_t vectors, const struct mio_product *product, struct mio_region *reads,
    struct mio_region *writes) {
    for (int64_t j = 0; j < vectors; j += block_columns) {
        int64_t columns = vectors - j < block_columns ? vectors - j : block_columns;
        // Rows are dealt out evenly: a block of few would wait for its own sums.
        int64_t blocks = (rows + block_rows[columns] - 1) / block_rows[columns];
        for (int64_t block = 0, i = 0; block < blocks; block++) {
            int64_t end = rows * (block + 1) / blocks;
            struct mio_product part = *product;
            part.a += i * part.a_row;
            part.b += j * MIO_WIDTH;
            part.c += i * part.c_row + j * MIO_WIDTH;
            part.reads = next_lines(reads, part.count, &part.read_step);
            part.writes = next_lines(writes, part.count, &part.write_step);
            product_of_any_block(end - i, columns, &part);
            i = end;
        }
    }
}
