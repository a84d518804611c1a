// Winograd's transforms for 3×3 filters on 4×4 outputs: Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (2016), with the points 0, ±5/8, ±3/2 and ∞, as oneDNN takes them, instead of 0, ±1, ±2 and ∞: powers
// nearer to each other round less. Each transform is of one axis.
#include "clones.h"

#define MIO_POINTS 6
#define MIO_P 0.625f
#define MIO_Q 1.5f
#define MIO_PP (MIO_P * MIO_P)
#define MIO_QQ (MIO_Q * MIO_Q)

// Six neighbouring elements of an image, at the points: coefficients of Π(x − point) without each point's own factor.
MIO_INLINE void image_to_points(const mio_lanes d[6], mio_lanes t[6]) {
    mio_lanes even = d[4] - MIO_QQ * d[2], odd = d[3] - MIO_QQ * d[1];
    t[1] = even + MIO_P * odd;
    t[2] = even - MIO_P * odd;
    even = d[4] - MIO_PP * d[2];
    odd = d[3] - MIO_PP * d[1];
    t[3] = even + MIO_Q * odd;
    t[4] = even - MIO_Q * odd;
    t[0] = d[4] - (MIO_PP + MIO_QQ) * d[2] + MIO_PP * MIO_QQ * d[0];
    t[5] = d[5] - (MIO_PP + MIO_QQ) * d[3] + MIO_PP * MIO_QQ * d[1];
}

// What the product of a filter and an image at the points has to be divided by: Π(point − others).
#define MIO_NORM_0 (1.0f / (MIO_PP * MIO_QQ))
#define MIO_NORM_P (0.5f / (MIO_PP * (MIO_PP - MIO_QQ)))
#define MIO_NORM_Q (0.5f / (MIO_QQ * (MIO_QQ - MIO_PP)))

// The three elements of a filter as a polynomial at the points, divided.
MIO_INLINE void filter_to_points(const mio_lanes g[3], mio_lanes t[6]) {
    mio_lanes even = g[0] + MIO_PP * g[2], odd = MIO_P * g[1];
    t[1] = (even + odd) * MIO_NORM_P;
    t[2] = (even - odd) * MIO_NORM_P;
    even = g[0] + MIO_QQ * g[2];
    odd = MIO_Q * g[1];
    t[3] = (even + odd) * MIO_NORM_Q;
    t[4] = (even - odd) * MIO_NORM_Q;
    t[0] = g[0] * MIO_NORM_0;
    t[5] = g[2];
}

// Four neighbouring outputs from the products at the points.
MIO_INLINE void points_to_outputs(const mio_lanes m[6], mio_lanes y[4]) {
    mio_lanes p_even = m[1] + m[2], p_odd = m[1] - m[2], q_even = m[3] + m[4], q_odd = m[3] - m[4];
    y[0] = m[0] + p_even + q_even;
    y[1] = MIO_P * p_odd + MIO_Q * q_odd;
    y[2] = MIO_PP * p_even + MIO_QQ * q_even;
    y[3] = m[5] + MIO_P * MIO_PP * p_odd + MIO_Q * MIO_QQ * q_odd;
}

// Four neighbouring gradients of outputs as a polynomial at the points, not yet divided: where the filter's gradient is
// the output, they are the filter.
MIO_INLINE void gradients_to_points(const mio_lanes g[4], mio_lanes t[6]) {
    mio_lanes even = g[0] + MIO_PP * g[2], odd = g[1] + MIO_PP * g[3];
    t[1] = even + MIO_P * odd;
    t[2] = even - MIO_P * odd;
    even = g[0] + MIO_QQ * g[2];
    odd = g[1] + MIO_QQ * g[3];
    t[3] = even + MIO_Q * odd;
    t[4] = even - MIO_Q * odd;
    t[0] = g[0];
    t[5] = g[3];
}

// The three elements of a filter's gradient from the products at the points, divided here.
MIO_INLINE void points_to_filter(const mio_lanes m[6], mio_lanes g[3]) {
    mio_lanes p_even = (m[1] + m[2]) * MIO_NORM_P, p_odd = (m[1] - m[2]) * MIO_NORM_P;
    mio_lanes q_even = (m[3] + m[4]) * MIO_NORM_Q, q_odd = (m[3] - m[4]) * MIO_NORM_Q;
    g[0] = m[0] * MIO_NORM_0 + p_even + q_even;
    g[1] = MIO_P * p_odd + MIO_Q * q_odd;
    g[2] = m[5] + MIO_PP * p_even + MIO_QQ * q_even;
}
