#include "clones.h"

// ln x of sixteen, normal numbers above 0 or NaN, by Cephes' polynomial on [√½, √2]; within 0.9 ulp.
MIO_INLINE mio_lanes logarithms(mio_lanes x) {
    // x = 2ⁿ · (1 + f): without the bits of √½ the exponent is n.
    mio_words n = ((mio_words)x - 0x3f3504f3) >> 23;
    mio_lanes f = (mio_lanes)((mio_words)x - (n << 23)) - 1.0f;
    mio_lanes e = __builtin_convertvector(n, mio_lanes), z = f * f, p = (mio_lanes){0} + 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    p = p * f * z + e * -2.12194440e-4f;
    p = p - 0.5f * z;
    return mio_blend((mio_words)(x == x), f + p + e * 0.693359375f, x);
}
