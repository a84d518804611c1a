#ifndef C_VECTOR_LOOPS_H
#define C_VECTOR_LOOPS_H

// Plain loops over memory that must run at the speed of the memory. They are C because clang, unlike
// Swift, compiles a function for several instruction sets and picks one at run time (target_clones), so
// one binary uses AVX-512 where there is AVX-512.
//
// All of them give bit-identical results on every instruction set: no contraction to fused multiply-add,
// no reassociation, only correctly rounded operations. Replicas on different machines stay equal, and the
// plain Swift implementation is an exact oracle.

#include <stddef.h>
#include <stdint.h>

// Makes this thread's arithmetic take numbers below 1.2e-38 for zero, and give zero for them, until the mode that it
// returns is restored. A processor computes with such numbers ten times slower.
typedef unsigned long long mio_float_mode;
mio_float_mode mio_flush_subnormals(void);
void mio_restore_float_mode(mio_float_mode before);

// What every update does to a gradient element and a weight before its own rule:
//   g' = clip(gradient_scale * g, -limit, limit)     limit = INFINITY for no clipping
//   w' = w - w * decay                               decay = weight decay * learning rate, 0 for none
typedef struct {
    float gradient_scale;
    float limit;
    float decay;
} mio_update_options;

// w = w' - learning_rate * g'
void mio_sgd_update(size_t count, float *weights, const float *gradient, mio_update_options options,
                    float learning_rate);

// m = momentum * m - learning_rate * g'
// w = w' + m, or with nesterov w = w' + (momentum * m - learning_rate * g')
void mio_sgd_momentum_update(size_t count, float *weights, const float *gradient, float *m,
                             mio_update_options options, float learning_rate, float momentum, int nesterov);

// m += (g' - m) * gain_1,  v += (g'^2 - v) * gain_2,  w = w' - m * step_size / (sqrt(v) + epsilon)
void mio_adam_update(size_t count, float *weights, const float *gradient, float *m, float *v,
                     mio_update_options options, float step_size, float gain_1, float gain_2,
                     float epsilon);

// The square roots that the update takes, correctly rounded: for the test of them.
void mio_square_roots(size_t count, const float *values, float *roots);

// The same with v_hat = max(v_hat, v) in the denominator.
void mio_adam_amsgrad_update(size_t count, float *weights, const float *gradient, float *m, float *v,
                             float *v_hat, mio_update_options options, float step_size, float gain_1,
                             float gain_2, float epsilon);

// v = rho * v + gain * g'^2, with a mean a = rho * a + gain * g'; step = rate * g' / sqrt(v + epsilon), with a mean
// sqrt(v - a^2 + epsilon); w = w' - step, with an m m = momentum * m + step, w = w' - m. m and mean may be NULL.
void mio_rmsprop_update(size_t count, float *weights, const float *gradient, float *v, float *m, float *mean,
                        mio_update_options options, float rate, float rho, float gain, float momentum,
                        float epsilon);

// sum += g'^2,  w = w' - rate * g' / sqrt(sum + epsilon)
void mio_adagrad_update(size_t count, float *weights, const float *gradient, float *sum,
                        mio_update_options options, float rate, float epsilon);

// a = rho * a + gain * g'^2, step = sqrt(d + epsilon) * g' / sqrt(a + epsilon), d = rho * d + gain * step^2,
// w = w' - rate * step
void mio_adadelta_update(size_t count, float *weights, const float *gradient, float *a, float *d,
                         mio_update_options options, float rate, float rho, float gain, float epsilon);

// m += (g' - m) * gain,  u = max(beta_2 * u, |g'|),  w = w' - m * step_size / (u + epsilon)
void mio_adamax_update(size_t count, float *weights, const float *gradient, float *m, float *u,
                       mio_update_options options, float step_size, float gain, float beta_2, float epsilon);

// m += (g' - m) * gain_1,  v += (g'^2 - v) * gain_2,
// w = w' - (m * of_moment + g' * of_gradient) / (sqrt(v * correction) + epsilon)
void mio_nadam_update(size_t count, float *weights, const float *gradient, float *m, float *v,
                      mio_update_options options, float of_moment, float of_gradient, float correction,
                      float gain_1, float gain_2, float epsilon);

// w = w' - rate * sign(m * keep_1 + g' * gain_1),  m = m * keep_2 + g' * gain_2
void mio_lion_update(size_t count, float *weights, const float *gradient, float *m, mio_update_options options,
                     float rate, float keep_1, float gain_1, float keep_2, float gain_2);

// n = a + g'^2,  z += g' + shrinkage * w' - (sqrt(n) - sqrt(a)) / rate * w',  a = n,
// w = (clip(z, -first, first) - z) / (sqrt(n) / rate + second)
void mio_ftrl_update(size_t count, float *weights, const float *gradient, float *a, float *z,
                     mio_update_options options, float rate, float first, float shrinkage, float second);

// average = keep * average + gain * w; w = average if it overwrites.
void mio_average_update(size_t count, float *weights, float *average, float keep, float gain, int overwrites);

// The sum of squares in double precision, in an order that depends on count alone: element i goes to
// partial sum i mod 16, the 16 are then added pairwise. Squares of floats neither overflow nor round in a
// double, so the result is finite exactly if every element is.
double mio_sum_of_squares(size_t count, const float *values);

// Of the bits of values, and of their places, which begin with first: a sum, so that the digests of parts add up to that of
// the whole (modulo 2^64). It differs for any two arrays that differ in one element: the product of the difference (below
// 2^32) and an odd number below 2^32 is not 0. Of other differences it overlooks about one in 2^32.
uint64_t mio_digest(size_t count, uint64_t first, const float *values);

// Asks for lines of memory to write to, which other cores have read: all of them at once, where stores would wait for
// one after the other.
void mio_claim(size_t count, const float *values);

// target = first + second. target may be one of them.
void mio_sum_pair(size_t count, const float *first, const float *second, float *target);

// target[i] = the sum of slabs[..][offset + i], in the order of a binary tree: the sum of the first half of them (the
// larger, if they are odd in number) plus the sum of the others, each made alike. target may be a place of the slabs
// at the same offset. 1 to 2^16 slabs. Returns whether all sums are finite, which costs a pass of its own elsewhere.
int mio_sum_slabs(size_t count, const float *const *slabs, size_t offset, size_t slab_count, float *target);

// The same sum of 2 slabs or more, written to all of them.
int mio_sum_slabs_everywhere(size_t count, float *const *slabs, size_t offset, size_t slab_count);

// Whether no element is infinite or not a number.
int mio_all_finite(size_t count, const float *values);

// Whether every element is a number, and none is this one, which may be NaN.
int mio_all_labels(size_t count, const float *values, float missing);

// What the elements of a target array are: how many are finite labels, with their sum and extremes (infinity and
// −infinity without one); how many equal what stands for a missing one, which may be NaN; how many are NaN.
struct mio_label_survey {
    size_t labels, missing, not_numbers;
    double sum;
    float smallest, largest;
};
void mio_survey_labels(size_t count, const float *values, float missing, struct mio_label_survey *survey);

// target = values, in the same pass: whether all that was copied is finite.
int mio_copy_finite(size_t count, const float *values, float *target);

// target[i] = the place of first + i in an order of 0 ..< limit: a Feistel network of 8 rounds with these keys over two
// halves of half_bits, whose values outside of the range are sent through again.
void mio_permute(size_t count, uint64_t first, const uint64_t *keys, unsigned half_bits, uint64_t limit,
                 int64_t *target);

#endif
