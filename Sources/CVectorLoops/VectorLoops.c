#include "WideAdam.h"
#include "clones.h"
#include "update_steps.h"

VECTOR_CLONES
void mio_sgd_update(size_t count, float *restrict weights, const float *restrict gradient,
                    mio_update_options options, float learning_rate) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float step = g * learning_rate;
        weights[i] = decayed_weight(weights[i], options) - step;
    }
}

VECTOR_CLONES
void mio_sgd_momentum_update(size_t count, float *restrict weights, const float *restrict gradient,
                             float *restrict m, mio_update_options options, float learning_rate,
                             float momentum, int nesterov) {
    // Two loops, not a choice in one: each vectorizes without a blend.
    if (nesterov) {
        for (size_t i = 0; i < count; i++) {
            float step = prepared_gradient(gradient[i], options) * learning_rate;
            float velocity = m[i] * momentum - step;
            m[i] = velocity;
            weights[i] = decayed_weight(weights[i], options) + (velocity * momentum - step);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            float step = prepared_gradient(gradient[i], options) * learning_rate;
            float velocity = m[i] * momentum - step;
            m[i] = velocity;
            weights[i] = decayed_weight(weights[i], options) + velocity;
        }
    }
}

VECTOR_CLONES
static void adam_update(size_t count, float *restrict weights, const float *restrict gradient,
                        float *restrict m, float *restrict v, mio_update_options options, float step_size,
                        float gain_1, float gain_2, float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float first = m[i] + (g - m[i]) * gain_1;
        float second = v[i] + (g * g - v[i]) * gain_2;
        m[i] = first;
        v[i] = second;
        weights[i] = decayed_weight(weights[i], options)
            - first * step_size / (SQUARE_ROOT(second) + epsilon);
    }
}

void mio_adam_update(size_t count, float *weights, const float *gradient, float *m, float *v,
                     mio_update_options options, float step_size, float gain_1, float gain_2, float epsilon) {
    size_t done = mio_wide_adam_update(count, weights, gradient, m, v, options, step_size, gain_1, gain_2, epsilon);
    adam_update(count - done, weights + done, gradient + done, m + done, v + done, options, step_size, gain_1,
                gain_2, epsilon);
}

VECTOR_CLONES
void mio_adam_amsgrad_update(size_t count, float *restrict weights, const float *restrict gradient,
                             float *restrict m, float *restrict v, float *restrict v_hat,
                             mio_update_options options, float step_size, float gain_1, float gain_2,
                             float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = prepared_gradient(gradient[i], options);
        float first = m[i] + (g - m[i]) * gain_1;
        float second = v[i] + (g * g - v[i]) * gain_2;
        float largest = v_hat[i] > second ? v_hat[i] : second;
        m[i] = first;
        v[i] = second;
        v_hat[i] = largest;
        weights[i] = decayed_weight(weights[i], options)
            - first * step_size / (SQUARE_ROOT(largest) + epsilon);
    }
}

VECTOR_CLONES
double mio_sum_of_squares(size_t count, const float *restrict values) {
    double lanes[16] = {0};
    size_t whole = count - count % 16;
    for (size_t i = 0; i < whole; i += 16) {
        for (size_t lane = 0; lane < 16; lane++) {
            double value = values[i + lane];
            lanes[lane] += value * value;
        }
    }
    for (size_t i = whole; i < count; i++) {
        double value = values[i];
        lanes[i - whole] += value * value;
    }
    for (size_t half = 8; half > 0; half /= 2) {
        for (size_t lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
}

VECTOR_CLONES
int mio_all_finite(size_t count, const float *values) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) largest = larger(largest, magnitude(values[i]));
    return largest < infinity;
}

VECTOR_CLONES
int mio_all_labels(size_t count, const float *values, float missing) {
    uint32_t wrong = 0;
    for (size_t i = 0; i < count; i++) wrong |= (values[i] != values[i]) | (values[i] == missing);
    return !wrong;
}

// A lane's part of a survey.
struct survey_lanes {
    size_t labels[16], missing[16], not_numbers[16];
    double sums[16];
    float smallest[16], largest[16];
};

INLINE void survey_lanes(size_t width, const float *values, float missing, struct survey_lanes *lanes) {
    for (size_t lane = 0; lane < width; lane++) {
        float value = values[lane];
        int is_missing = value == missing, is_label = (magnitude(value) < infinity) & !is_missing;
        lanes->labels[lane] += is_label;
        lanes->missing[lane] += is_missing;
        lanes->not_numbers[lane] += value != value;
        lanes->sums[lane] += is_label ? value : 0.0f;
        float smallest = lanes->smallest[lane], largest = lanes->largest[lane];
        lanes->smallest[lane] = (is_label & (value < smallest)) ? value : smallest;
        lanes->largest[lane] = (is_label & (value > largest)) ? value : largest;
    }
}

VECTOR_CLONES
void mio_survey_labels(size_t count, const float *values, float missing, struct mio_label_survey *survey) {
    struct survey_lanes lanes = {0};
    for (size_t lane = 0; lane < 16; lane++) {
        lanes.smallest[lane] = INFINITY;
        lanes.largest[lane] = -INFINITY;
    }
    size_t whole = count - count % 16;
    for (size_t i = 0; i < whole; i += 16) survey_lanes(16, values + i, missing, &lanes);
    survey_lanes(count - whole, values + whole, missing, &lanes);
    *survey = (struct mio_label_survey){.smallest = INFINITY, .largest = -INFINITY};
    for (size_t lane = 0; lane < 16; lane++) {
        survey->labels += lanes.labels[lane];
        survey->missing += lanes.missing[lane];
        survey->not_numbers += lanes.not_numbers[lane];
        survey->sum += lanes.sums[lane];
        survey->smallest = lanes.smallest[lane] < survey->smallest ? lanes.smallest[lane] : survey->smallest;
        survey->largest = lanes.largest[lane] > survey->largest ? lanes.largest[lane] : survey->largest;
    }
}

VECTOR_CLONES
int mio_copy_finite(size_t count, const float *restrict values, float *restrict target) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        target[i] = values[i];
        largest = larger(largest, magnitude(values[i]));
    }
    return largest < infinity;
}
