#include "CVectorLoops.h"
#include "clones.h"

VECTOR_CLONES
uint64_t mio_digest(size_t count, uint64_t first, const float *values) {
    uint64_t sum = 0;
    uint32_t place = (uint32_t)first * 0x9e3779b1u;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        sum += (uint64_t)bits * ((place + (uint32_t)i * 0x9e3779b1u) | 1u);
    }
    return sum;
}
