#include "clones.h"

// The largest elements, or the sums, of as many rows as there are lanes, the result of row i in lane i. Halves are folded onto
// each other, two rows' in one instruction. A row's result is made of its own elements in an order of their own, so
// that its bits do not depend on the rows beside it.
enum fold { largest_of, sum_of };

// Of a and b: what is not a number may be passed over by the largest.
MIO_INLINE mio_lanes folded(enum fold fold, mio_lanes a, mio_lanes b) {
    return fold == sum_of ? a + b : mio_blend((mio_words)(a > b), a, b);
}

#if MIO_WIDTH == 16

MIO_INLINE mio_lanes fold_halves(enum fold fold, mio_lanes a, mio_lanes b) {
    return folded(
        fold, __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
        __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
}

MIO_INLINE mio_lanes fold_quarters(enum fold fold, mio_lanes a, mio_lanes b) {
    return folded(
        fold, __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
        __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
}

MIO_INLINE mio_lanes fold_pairs(enum fold fold, mio_lanes a, mio_lanes b) {
    return folded(
        fold, __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
}

MIO_INLINE mio_lanes fold_neighbors(enum fold fold, mio_lanes a, mio_lanes b) {
    return folded(
        fold, __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30),
        __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31));
}

// Of the rows that are four apart, each in the four lanes that will hold its result.
MIO_INLINE mio_lanes fold_four(enum fold fold, const mio_lanes *rows) {
    return fold_quarters(fold, fold_halves(fold, rows[0], rows[4]), fold_halves(fold, rows[8], rows[12]));
}

#else

MIO_INLINE mio_lanes fold_pairs(enum fold fold, mio_lanes a, mio_lanes b) {
    return folded(
        fold, __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13),
        __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15));
}

MIO_INLINE mio_lanes fold_neighbors(enum fold fold, mio_lanes a, mio_lanes b) {
    return folded(
        fold, __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14),
        __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15));
}

// Of two rows that are four apart.
MIO_INLINE mio_lanes fold_four(enum fold fold, const mio_lanes *rows) {
    return folded(
        fold, __builtin_shufflevector(rows[0], rows[4], 0, 1, 2, 3, 8, 9, 10, 11),
        __builtin_shufflevector(rows[0], rows[4], 4, 5, 6, 7, 12, 13, 14, 15));
}

#endif

MIO_INLINE mio_lanes fold_rows(enum fold fold, const mio_lanes *rows) {
    mio_lanes a = fold_pairs(fold, fold_four(fold, rows), fold_four(fold, rows + 1));
    mio_lanes b = fold_pairs(fold, fold_four(fold, rows + 2), fold_four(fold, rows + 3));
    return fold_neighbors(fold, a, b);
}
