#include "CVectorLoops.h"
#include "clones.h"

#include <string.h>

#pragma clang diagnostic ignored "-Wpsabi"

enum { lanes = 8, vectors = 4, rounds = 8 };
typedef uint64_t words __attribute__((vector_size(8 * lanes)));

// SplitMix64's finalizer.
#define MIX(value) \
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u; \
    value = (value ^ value >> 27) * 0x94d049bb133111ebu; \
    value ^= value >> 31;

INLINE uint64_t encrypted(uint64_t value, const uint64_t *keys, unsigned half_bits) {
    uint64_t mask = ((uint64_t)1 << half_bits) - 1, left = value >> half_bits, right = value & mask;
    for (int round = 0; round < rounds; round++) {
        uint64_t mixed = right ^ keys[round];
        MIX(mixed)
        uint64_t next = left ^ (mixed & mask);
        left = right;
        right = next;
    }
    return left << half_bits | right;
}

WORD_CLONES
void mio_permute(size_t count, uint64_t first, const uint64_t *keys, unsigned half_bits, uint64_t limit,
                 int64_t *target) {
    uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    size_t i = 0;
    // A round is a chain of two long products: the chains of several vectors go on at the same time.
    for (; i + lanes * vectors <= count; i += lanes * vectors) {
        words left[vectors], right[vectors];
        for (int v = 0; v < vectors; v++) {
            words value = (words){0, 1, 2, 3, 4, 5, 6, 7} + (first + i + lanes * v);
            left[v] = value >> half_bits;
            right[v] = value & mask;
        }
        for (int round = 0; round < rounds; round++)
            for (int v = 0; v < vectors; v++) {
                words mixed = right[v] ^ keys[round];
                MIX(mixed)
                words next = left[v] ^ (mixed & mask);
                left[v] = right[v];
                right[v] = next;
            }
        for (int v = 0; v < vectors; v++) {
            words value = left[v] << half_bits | right[v];
            memcpy(target + i + lanes * v, &value, sizeof value);
        }
    }
    for (; i < count; i++) target[i] = (int64_t)encrypted(first + i, keys, half_bits);
    for (size_t j = 0; j < count; j++)
        while ((uint64_t)target[j] >= limit) target[j] = (int64_t)encrypted((uint64_t)target[j], keys, half_bits);
}
