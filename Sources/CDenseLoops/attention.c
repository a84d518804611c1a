#include "exponential.h"
#include <stdbool.h>

// Whether a key is seen at all, by anyone.
static inline bool is_seen(const struct mio_scores *s, int64_t key) {
    return !(s->value_mask && s->value_mask[key] == 0.0f) && !(s->key_mask && s->key_mask[key] == 0.0f);
}

// Keys that a query may see if their masks let them.
static inline int64_t reach(const struct mio_scores *s, int64_t query) {
    return s->causal && query + 1 < s->keys ? query + 1 : s->keys;
}

static bool is_blind(const struct mio_scores *s, int64_t query) {
    if (s->query_mask && s->query_mask[query] == 0.0f) return true;
    for (int64_t key = 0; key < reach(s, query); key++)
        if (is_seen(s, key)) return false;
    return true;
}

MIO_CLONES void mio_attention_shares(const struct mio_scores *s, float scale, float *scores) {
    int64_t keys = s->keys;
    bool masked = s->value_mask || s->key_mask;
    for (int64_t query = 0; query < s->queries; query++, scores += keys) {
        if ((masked || s->query_mask) && is_blind(s, query)) {
            for (int64_t i = 0; i < keys; i++) scores[i] = 1.0f / (float)keys;
            continue;
        }
        int64_t count = reach(s, query);
        for (int64_t i = 0; i < count; i++) scores[i] *= scale;
        if (masked)
            for (int64_t i = 0; i < count; i++)
                if (!is_seen(s, i)) scores[i] = -INFINITY;
        float largest = -INFINITY, sum = 0.0f;
        for (int64_t i = 0; i < count; i++) largest = scores[i] > largest ? scores[i] : largest;
        for (int64_t i = 0; i < count; i++) scores[i] = exponential(scores[i] - largest);
        if (masked)
            for (int64_t i = 0; i < count; i++)
                if (!is_seen(s, i)) scores[i] = 0.0f;
        for (int64_t i = 0; i < count; i++) sum += scores[i];
        float factor = 1.0f / sum;
        for (int64_t i = 0; i < count; i++) scores[i] *= factor;
        for (int64_t i = count; i < keys; i++) scores[i] = 0.0f;
    }
}

MIO_CLONES void mio_attention_gradient(
    const struct mio_scores *s, float scale, const float *shares, float *gradients) {
    int64_t keys = s->keys;
    bool masked = s->value_mask || s->key_mask || s->query_mask;
    for (int64_t query = 0; query < s->queries; query++, gradients += keys, shares += keys) {
        if (masked && is_blind(s, query)) {
            memset(gradients, 0, (size_t)keys * sizeof(float));
            continue;
        }
        float mean = 0.0f;
        for (int64_t i = 0; i < keys; i++) mean += gradients[i] * shares[i];
        for (int64_t i = 0; i < keys; i++) gradients[i] = scale * shares[i] * (gradients[i] - mean);
    }
}

MIO_CLONES void mio_multiply(const float *a, const float *b, int64_t count, float *product) {
    for (int64_t i = 0; i < count; i++) product[i] = a[i] * b[i];
}

MIO_CLONES void mio_broadcast_rows(const float *row, int64_t rows, int64_t width, float *target) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++) target[i * width + j] = row ? row[j] : 0.0f;
}
