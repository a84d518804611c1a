// Attention, beside its products.
#ifndef MIO_ATTENTION_H
#define MIO_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

/// What queries may see of keys in attention: masks of (queries,) and (keys,), 0 for what is left out, each NULL if nothing is;
/// `causal`: a query sees the keys up to its own position alone.
struct mio_scores {
    int64_t queries, keys;
    const float *query_mask, *value_mask, *key_mask;
    bool causal;
};

/// Products of queries and keys (queries, keys) → shares of each query: the softmax of `scale` times them over the keys that it
/// sees, 0 for others. A query that sees none has equal shares of all.
void mio_attention_shares(const struct mio_scores *scores, float scale, float *products);

/// Gradients by the shares → those by the products, in place.
void mio_attention_gradient(
    const struct mio_scores *scores, float scale, const float *shares, float *gradients);

#endif
