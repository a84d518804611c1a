#include "CVectorLoops.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

// Long enough for the loops, short enough that what lies between the levels of the tree stays in the cache.
enum { stretch = 1024, deepest = 16 };

#if defined(__x86_64__)
// Without the feature named, clang asks for the lines to read only. Processors without the instruction skip it.
__attribute__((target("prfchw")))
#endif
void mio_claim(size_t count, const float *values) {
    for (size_t i = 0; i < count; i += 16) __builtin_prefetch(values + i, 1);
}

// target = first + second; target may be one of them.
VECTOR_CLONES
void mio_sum_pair(size_t count, const float *first, const float *second, float *target) {
    // Element by element a target that is a term does no harm, which the compiler cannot know: where two pointers are
    // equal, its check for overlap would send it to a loop without vectors.
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < count; i++) target[i] = first[i] + second[i];
}

// The sum of slabs low to high − 1 of one stretch: the lower half's plus the upper half's.
static void sum_tree(size_t count, const float *const *slabs, size_t low, size_t high, size_t offset, float *target,
                     float (*levels)[stretch]) {
    size_t terms = high - low;
    if (terms == 1) {
        if (target != slabs[low] + offset)
            for (size_t i = 0; i < count; i++) target[i] = slabs[low][offset + i];
    } else if (terms == 2) {
        mio_sum_pair(count, slabs[low] + offset, slabs[low + 1] + offset, target);
    } else {
        size_t middle = low + (terms + 1) / 2;
        sum_tree(count, slabs, low, middle, offset, levels[0], levels + 2);
        if (high - middle == 1) {
            mio_sum_pair(count, levels[0], slabs[middle] + offset, target);
        } else {
            sum_tree(count, slabs, middle, high, offset, levels[1], levels + 2);
            mio_sum_pair(count, levels[0], levels[1], target);
        }
    }
}

// A line of memory that was read to be added up is at hand to be written: two copies of the sum cost little more than
// one, and less than the other rank's fetching it.
VECTOR_CLONES
static void sum_pair_to_both(size_t count, float *first, float *second) {
    for (size_t i = 0; i < count; i++) {
        float sum = first[i] + second[i];
        first[i] = sum;
        second[i] = sum;
    }
}

void mio_sum_slabs_everywhere(size_t count, float *const *slabs, size_t offset, size_t slab_count) {
    if (slab_count == 2) {
        sum_pair_to_both(count, slabs[0] + offset, slabs[1] + offset);
        return;
    }
    float sum[stretch], levels[2 * deepest][stretch];
    for (size_t start = 0; slab_count > 1 && start < count; start += stretch) {
        size_t length = count - start < stretch ? count - start : stretch;
        sum_tree(length, (const float *const *)slabs, 0, slab_count, offset + start, sum, levels);
        for (size_t slab = 0; slab < slab_count; slab++)
            memcpy(slabs[slab] + offset + start, sum, length * sizeof(float));
    }
}

void mio_sum_slabs(size_t count, const float *const *slabs, size_t offset, size_t slab_count, float *target) {
    if (slab_count <= 2) {
        if (slab_count) sum_tree(count, slabs, 0, slab_count, offset, target, 0);
        return;
    }
    float levels[2 * deepest][stretch];
    for (size_t start = 0; start < count; start += stretch) {
        size_t length = count - start < stretch ? count - start : stretch;
        sum_tree(length, slabs, 0, slab_count, offset + start, target + start, levels);
    }
}
