// Two tensors whose places meet with broadcasting, and what is folded over axes.
#ifndef MIO_MERGES_H
#define MIO_MERGES_H

#include <stdbool.h>
#include <stdint.h>

/// The most axes of `mio_axes`.
enum { mio_most_axes = 8 };

/// The places of tensors that meet, element by element, in a whole one that is contiguous: `count` axes, outermost first. On
/// each a tensor has a distance of its own from one place to the next, on the last one 1 or 0: 0 where it is repeated.
struct mio_axes {
    int64_t count, sizes[mio_most_axes];
    int64_t a[mio_most_axes], b[mio_most_axes], c[mio_most_axes];
};

/// How an element is made of two.
enum mio_merge {
    /// a
    mio_merge_first,
    /// a · scale
    mio_merge_first_scaled,
    /// a + b · scale
    mio_merge_added_scaled,
    /// a + b
    mio_merge_sum,
    /// (a + b) · scale
    mio_merge_scaled_sum,
    mio_merge_difference,
    mio_merge_product,
    mio_merge_quotient,
    mio_merge_maximum,
    mio_merge_minimum,
    /// a where a ≥ 0, else a · b
    mio_merge_prelu,
    /// a where b > 0.5, else scale
    mio_merge_masked,
    /// a · b where b is not 0, else 0
    mio_merge_dropped,
    /// b where a is not 0, else 0
    mio_merge_where_nonzero,
};

/// y ← a ∘ b, all of it; y may be a or b where that is whole.
void mio_merge_tensors(
    enum mio_merge merge, const struct mio_axes *axes, const float *a, const float *b, float scale, float *y);

/// What is added to a tensor's gradient, of the result's gradient g and two tensors p and q.
enum mio_merge_gradient {
    /// g · scale
    mio_gradient_scaled,
    /// g · p
    mio_gradient_product,
    /// g · p where q is not 0, else 0
    mio_gradient_masked_product,
    /// g where p is at least (at most) q, and its opposite
    mio_gradient_where_largest,
    mio_gradient_where_not_largest,
    mio_gradient_where_smallest,
    mio_gradient_where_not_smallest,
    /// g where p = q, and its opposite
    mio_gradient_where_equal,
    mio_gradient_where_not_equal,
    /// g where p is not 0, else 0
    mio_gradient_where_nonzero,
    /// g / p
    mio_gradient_quotient,
    /// −g · p / q²
    mio_gradient_divisor,
    /// Of the argument p where q is alpha, and of alpha
    mio_gradient_prelu,
    mio_gradient_prelu_alpha,
};

/// Adds to the gradient dx, whose places are those of `axes->c`, what g, p (`a`) and q (`b`) give. Where dx is whole, and if
/// it does not add, it is overwritten.
void mio_merge_backward(
    enum mio_merge_gradient kind, const struct mio_axes *axes, const float *g, const float *p, const float *q,
    float scale, float *dx, bool adds);

/// y ← or += x, of axes as above but with any distances: those of x are `a`, those of y are `b`. Where y is repeated, it gets
/// the sum, and must be added to.
void mio_move_axes(const struct mio_axes *axes, const float *x, float *y, bool adds);

/// Functions of each element that no activation is.
enum mio_element_function {
    mio_element_negative,
    /// 1/√x
    mio_element_inverse_root,
    mio_element_exponential_minus_one,
    mio_element_logarithm_of_one_plus,
    mio_element_sine,
    mio_element_cosine,
    /// −1, 0 or 1; its slope is 0.
    mio_element_sign,
};

/// y ← f(x), and dx ← or += f′(x) · dy, over `count` elements.
void mio_element_forward(enum mio_element_function function, const float *x, float *y, int64_t count);
void mio_element_gradient(
    enum mio_element_function function, const float *x, const float *y, const float *dy, float *dx, int64_t count,
    bool adds);

/// y ← aᵇ, whose places are those of `mio_merge_tensors`.
void mio_power(const struct mio_axes *axes, const float *a, const float *b, float *y);
/// Adds to dx, whose places are `axes->c`, the gradient by a, or by b.
void mio_power_gradient(
    const struct mio_axes *axes, bool of_exponent, const float *g, const float *a, const float *b, float *dx);

/// y ← the largest, or smallest, of y and all elements of x that go to its place: x is whole, the places of y are `axes->c`.
void mio_reduced_extremes(const struct mio_axes *axes, bool largest, const float *x, float *y);
/// dx ← or += dy of the place that an element of x goes to, if the element is its result y; equal ones share it. The places
/// of y, dy and ties are `axes->a`, `b` and `c` alike; `ties` is zero before.
void mio_reduced_extremes_gradient(
    const struct mio_axes *axes, const float *x, const float *y, const float *dy, float *ties, float *dx, bool adds);

#endif
