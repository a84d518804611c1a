#include "CVectorLoops.h"
#include "clones.h"

#pragma STDC FP_CONTRACT OFF

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

// The same, and the largest magnitude of the sums: whether they are finite costs nothing while they are in a register.
VECTOR_CLONES
static uint32_t sum_pair_largest(size_t count, const float *first, const float *second, float *target) {
    uint32_t largest = 0;
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < count; i++) {
        float sum = first[i] + second[i];
        target[i] = sum;
        largest = larger(largest, magnitude(sum));
    }
    return largest;
}

// The sum of slabs low to high − 1 of one stretch: the lower half's plus the upper half's. There are two at least.
static uint32_t sum_tree(size_t count, const float *const *slabs, size_t low, size_t high, size_t offset,
                         float *target, float (*levels)[stretch]) {
    size_t middle = low + (high - low + 1) / 2;
    const float *first = slabs[low] + offset, *second = slabs[middle] + offset;
    if (middle - low > 1) {
        sum_tree(count, slabs, low, middle, offset, levels[0], levels + 2);
        first = levels[0];
    }
    if (high - middle > 1) {
        sum_tree(count, slabs, middle, high, offset, levels[1], levels + 2);
        second = levels[1];
    }
    return sum_pair_largest(count, first, second, target);
}

// A line of memory that was read to be added up is at hand to be written: two copies of the sum cost little more than
// one, and less than the other rank's fetching it.
VECTOR_CLONES
static uint32_t sum_pair_to_both(size_t count, float *first, float *second) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        float sum = first[i] + second[i];
        first[i] = sum;
        second[i] = sum;
        largest = larger(largest, magnitude(sum));
    }
    return largest;
}

int mio_sum_slabs_everywhere(size_t count, float *const *slabs, size_t offset, size_t slab_count) {
    if (slab_count == 2) return sum_pair_to_both(count, slabs[0] + offset, slabs[1] + offset) < infinity;
    float sum[stretch], levels[2 * deepest][stretch];
    uint32_t largest = 0;
    for (size_t start = 0; start < count; start += stretch) {
        size_t length = count - start < stretch ? count - start : stretch;
        largest = larger(largest, sum_tree(length, (const float *const *)slabs, 0, slab_count, offset + start, sum,
                                           levels));
        for (size_t slab = 0; slab < slab_count; slab++)
            memcpy(slabs[slab] + offset + start, sum, length * sizeof(float));
    }
    return largest < infinity;
}

int mio_sum_slabs(size_t count, const float *const *slabs, size_t offset, size_t slab_count, float *target) {
    if (slab_count == 1) {
        memmove(target, slabs[0] + offset, count * sizeof(float));
        return mio_all_finite(count, target);
    }
    if (slab_count == 2) return sum_pair_largest(count, slabs[0] + offset, slabs[1] + offset, target) < infinity;
    float levels[2 * deepest][stretch];
    uint32_t largest = 0;
    for (size_t start = 0; start < count; start += stretch) {
        size_t length = count - start < stretch ? count - start : stretch;
        largest = larger(largest, sum_tree(length, slabs, 0, slab_count, offset + start, target + start, levels));
    }
    return largest < infinity;
}
