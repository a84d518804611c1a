#include "WideAdam.h"

#include <math.h>
#include <stdbool.h>

// As in VectorLoops.c. What is fused here is fused by name, where no bit depends on it.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define WIDE_INLINE static inline __attribute__((target("avx512f"), always_inline))

// Lanes that the quick root below is not for: zeros, what may leave a residue below the normal numbers, infinities, NaN.
WIDE_INLINE __mmask16 beyond_roots(__m512 x) {
    const int lowest = (127 - 100) << 23, range = 200 << 23;  // 2⁻¹⁰⁰ ≤ x < 2¹⁰⁰
    __m512i offset = _mm512_sub_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(lowest));
    return _mm512_cmpge_epu32_mask(offset, _mm512_set1_epi32(range));
}

// √x, correctly rounded: an estimate of 14 bits, doubled by Newton's step, and a last one with the exact residue
// x − root² (Markstein, "IA-64 and Elementary Functions", 2000, section 9.4). Seven operations that two units share, where
// the root instruction keeps the divider for twelve cycles; that divider is what bounds Adam. The test compares all
// significands of both parities of the exponent.
WIDE_INLINE __m512 quick_roots(__m512 x) {
    __m512 half = _mm512_set1_ps(0.5f), inverse = _mm512_rsqrt14_ps(x);
    __m512 root = _mm512_mul_ps(x, inverse), half_inverse = _mm512_mul_ps(inverse, half);
    __m512 error = _mm512_fnmadd_ps(half_inverse, root, half);
    root = _mm512_fmadd_ps(root, error, root);
    half_inverse = _mm512_fmadd_ps(half_inverse, error, half_inverse);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(root, root, x), half_inverse, root);
}

enum { lanes = 16, vectors = 2 };

// `is_plain`, a constant after inlining: neither scaled, nor clipped, nor decayed.
WIDE_INLINE size_t update(const bool is_plain, size_t count, float *restrict weights,
                          const float *restrict gradient, float *restrict m, float *restrict v,
                          mio_update_options options, float step_size, float gain_1, float gain_2,
                          float epsilon) {
    const __m512 scale = _mm512_set1_ps(options.gradient_scale), decay = _mm512_set1_ps(options.decay);
    const __m512 highest = _mm512_set1_ps(options.limit), lowest = _mm512_set1_ps(-options.limit);
    size_t i = 0;
    for (; i + lanes * vectors <= count; i += lanes * vectors) {
        __m512 first[vectors], second[vectors], root[vectors];
        __mmask16 beyond = 0;
        for (size_t j = 0; j < vectors; j++) {
            size_t at = i + lanes * j;
            __m512 g = _mm512_loadu_ps(gradient + at);
            if (!is_plain) {
                // Of two that are not in order, one a NaN, both instructions give their second operand.
                g = _mm512_max_ps(lowest, _mm512_mul_ps(g, scale));
                g = _mm512_min_ps(highest, g);
            }
            first[j] = _mm512_loadu_ps(m + at);
            second[j] = _mm512_loadu_ps(v + at);
            __m512 change_1 = _mm512_sub_ps(g, first[j]);
            __m512 change_2 = _mm512_sub_ps(_mm512_mul_ps(g, g), second[j]);
            first[j] = _mm512_add_ps(first[j], _mm512_mul_ps(change_1, _mm512_set1_ps(gain_1)));
            second[j] = _mm512_add_ps(second[j], _mm512_mul_ps(change_2, _mm512_set1_ps(gain_2)));
            _mm512_storeu_ps(m + at, first[j]);
            _mm512_storeu_ps(v + at, second[j]);
            beyond |= beyond_roots(second[j]);
            root[j] = quick_roots(second[j]);
        }
        if (__builtin_expect(beyond != 0, 0))
            for (size_t j = 0; j < vectors; j++) root[j] = _mm512_sqrt_ps(second[j]);
        for (size_t j = 0; j < vectors; j++) {
            size_t at = i + lanes * j;
            __m512 weight = _mm512_loadu_ps(weights + at);
            // Fused or not, w − w · 0 is the same: a product with zero does not round.
            weight = is_plain ? _mm512_fnmadd_ps(weight, decay, weight)
                              : _mm512_sub_ps(weight, _mm512_mul_ps(weight, decay));
            __m512 step = _mm512_div_ps(_mm512_mul_ps(first[j], _mm512_set1_ps(step_size)),
                                        _mm512_add_ps(root[j], _mm512_set1_ps(epsilon)));
            _mm512_storeu_ps(weights + at, _mm512_sub_ps(weight, step));
        }
    }
    return i;
}

WIDE static size_t update_wide(size_t count, float *weights, const float *gradient, float *m, float *v,
                               mio_update_options options, float step_size, float gain_1, float gain_2,
                               float epsilon) {
    bool is_plain = options.gradient_scale == 1.0f && options.limit == INFINITY && options.decay == 0.0f;
    return is_plain
        ? update(true, count, weights, gradient, m, v, options, step_size, gain_1, gain_2, epsilon)
        : update(false, count, weights, gradient, m, v, options, step_size, gain_1, gain_2, epsilon);
}

WIDE static void roots_wide(size_t count, const float *values, float *roots) {
    for (size_t i = 0; i + lanes <= count; i += lanes) {
        __m512 x = _mm512_loadu_ps(values + i), root = quick_roots(x);
        _mm512_storeu_ps(roots + i, beyond_roots(x) ? _mm512_sqrt_ps(x) : root);
    }
}

static bool is_wide(void) { return __builtin_cpu_supports("avx512f"); }
#endif

size_t mio_wide_adam_update(size_t count, float *weights, const float *gradient, float *m, float *v,
                            mio_update_options options, float step_size, float gain_1, float gain_2,
                            float epsilon) {
#if defined(__x86_64__)
    if (is_wide())
        return update_wide(count, weights, gradient, m, v, options, step_size, gain_1, gain_2, epsilon);
#endif
    return 0;
}

void mio_square_roots(size_t count, const float *values, float *roots) {
    size_t done = 0;
#if defined(__x86_64__)
    if (is_wide()) {
        roots_wide(count, values, roots);
        done = count - count % lanes;
    }
#endif
    for (size_t i = done; i < count; i++) roots[i] = sqrtf(values[i]);
}
