#include "clones.h"

// So many elements of a row are added up in 32 bits, their sums in 64.
enum { elements_a_sum = 1024 };

// All bits of a lane where a row is labelled, of up to sixteen.
MIO_INLINE mio_words marks_of(const uint8_t *labelled, int64_t count) {
    typedef uint8_t bytes __attribute__((vector_size(16), aligned(1)));
    uint8_t marks[16] = {0};
    if (count < 16) {
        for (int64_t i = 0; i < count; i++) marks[i] = labelled[i];
        labelled = marks;
    }
    return __builtin_convertvector(*(const bytes *)labelled, mio_words) != 0;
}

// What up to sixteen rows are labelled with, a row a lane: one number, a class' index mostly; 0 where there is no label.
struct labels { mio_words labelled; mio_lanes targets; };

MIO_INLINE struct labels labels_of(const float *targets, const uint8_t *labelled, int64_t count) {
    mio_words marks = marks_of(labelled, count);
    return (struct labels){marks, mio_select(marks, load_some(targets, count))};
}
