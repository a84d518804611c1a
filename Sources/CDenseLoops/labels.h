#include "clones.h"

// What up to sixteen rows are labelled with, a row a lane: all bits where there is a label, and its class' index; 0 else.
struct labels { mio_words labelled; mio_lanes targets; };

MIO_INLINE struct labels labels_of(const float *targets, const uint8_t *labelled, int64_t count) {
    typedef uint8_t bytes __attribute__((vector_size(16), aligned(1)));
    uint8_t marks[16] = {0};
    if (count < 16) {
        for (int64_t i = 0; i < count; i++) marks[i] = labelled[i];
        labelled = marks;
    }
    struct labels labels = {.labelled = __builtin_convertvector(*(const bytes *)labelled, mio_words) != 0};
    labels.targets = mio_select(labels.labelled, load_some(targets, count));
    return labels;
}
