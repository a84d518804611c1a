#include "gates.h"

static inline bool is_left_out(const struct mio_lstm *l, int64_t row) {
    return l->counts && l->counts[row * l->counts_stride] == 0.0f;
}

MIO_CLONES void mio_gru_forward(
    const struct mio_lstm *l, float *z, float *product, const float *bias, const float *h, float *next_h) {
    int64_t units = l->units;
    for (int64_t row = 0; row < l->rows; row++) {
        if (is_left_out(l, row)) {
            memcpy(next_h, h, (size_t)units * sizeof(float));
        } else {
            float *candidate = z + 2 * units, *inner = product + 2 * units;
            if (bias) {
                const float *after = bias + 3 * units;
                for (int64_t i = 0; i < 2 * units; i++) z[i] += product[i] + bias[i] + after[i];
                for (int64_t i = 0; i < units; i++) inner[i] += after[2 * units + i];
                for (int64_t i = 0; i < units; i++) candidate[i] += bias[2 * units + i];
            } else {
                for (int64_t i = 0; i < 2 * units; i++) z[i] += product[i];
            }
            activate_row(l->recurrent_activation, z, NULL, 2 * units);
            for (int64_t i = 0; i < units; i++) candidate[i] += z[units + i] * inner[i];
            activate_row(l->activation, candidate, NULL, units);
            for (int64_t i = 0; i < units; i++) next_h[i] = z[i] * h[i] + (1.0f - z[i]) * candidate[i];
        }
        z += 3 * units, product += 3 * units, h += units, next_h += units;
    }
}

// The activations are constants where it is inlined for the usual ones.
MIO_INLINE void gradient_of_row(
    enum mio_gate activation, enum mio_gate recurrent, int64_t units, float *z, float *product,
    const float *h, const float *dy, float *dh) {
    for (int64_t i = 0; i < units; i++) {
        float update = z[i], reset = z[units + i], candidate = z[2 * units + i], inner = product[2 * units + i];
        float gradient = dh[i] + dy[i];
        float by_candidate = gradient * (1.0f - update) * slope(activation, candidate);
        float by_update = gradient * (h[i] - candidate) * slope(recurrent, update);
        float by_reset = by_candidate * inner * slope(recurrent, reset);
        z[i] = product[i] = by_update;
        z[units + i] = product[units + i] = by_reset;
        z[2 * units + i] = by_candidate;
        product[2 * units + i] = by_candidate * reset;
        dh[i] = gradient * update;
    }
}

MIO_CLONES void mio_gru_backward(
    const struct mio_lstm *l, float *z, float *product, const float *h, const float *dy, float *dh) {
    int64_t units = l->units;
    bool usual = l->activation == mio_gate_tanh && l->recurrent_activation == mio_gate_sigmoid;
    for (int64_t row = 0; row < l->rows; row++) {
        if (is_left_out(l, row)) {
            memset(z, 0, (size_t)(3 * units) * sizeof(float));
            memset(product, 0, (size_t)(3 * units) * sizeof(float));
        } else if (usual) {
            gradient_of_row(mio_gate_tanh, mio_gate_sigmoid, units, z, product, h, dy, dh);
        } else {
            gradient_of_row(l->activation, l->recurrent_activation, units, z, product, h, dy, dh);
        }
        z += 3 * units, product += 3 * units, h += units, dy += units, dh += units;
    }
}

MIO_CLONES void mio_rnn_forward(
    const struct mio_lstm *l, const float *z, const float *bias, const float *h, float *next_h) {
    int64_t units = l->units;
    for (int64_t row = 0; row < l->rows; row++) {
        if (is_left_out(l, row)) {
            memcpy(next_h, h, (size_t)units * sizeof(float));
        } else {
            memcpy(next_h, z, (size_t)units * sizeof(float));
            activate_row(l->activation, next_h, bias, units);
        }
        z += units, h += units, next_h += units;
    }
}

MIO_CLONES void mio_rnn_backward(
    const struct mio_lstm *l, float *dz, const float *next_h, const float *dy, float *dh) {
    int64_t units = l->units;
    for (int64_t row = 0; row < l->rows; row++) {
        if (is_left_out(l, row)) {
            memset(dz, 0, (size_t)units * sizeof(float));
        } else {
            for (int64_t i = 0; i < units; i++) {
                dz[i] = (dh[i] + dy[i]) * slope(l->activation, next_h[i]);
                dh[i] = 0.0f;
            }
        }
        dz += units, next_h += units, dy += units, dh += units;
    }
}
