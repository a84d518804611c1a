#include "clones.h"

MIO_CLONES
void mio_triad(int64_t count, const float *b, const float *c, float scale, float *a) {
    for (int64_t i = 0; i < count; i++) a[i] = b[i] + scale * c[i];
}
