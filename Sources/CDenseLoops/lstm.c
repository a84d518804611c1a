#include "gates.h"

MIO_CLONES void mio_lstm_forward(
    const struct mio_lstm *l, float *z, const float *bias, const float *h, const float *c, float *next_h,
    float *next_c, float *activated) {
    int64_t units = l->units;
    for (int64_t row = 0; row < l->rows; row++) {
        if (l->counts && l->counts[row * l->counts_stride] == 0.0f) {
            memcpy(next_h, h, (size_t)units * sizeof(float));
            memcpy(next_c, c, (size_t)units * sizeof(float));
        } else {
            activate_row(l->recurrent_activation, z, bias, 2 * units);
            activate_row(l->activation, z + 2 * units, bias ? bias + 2 * units : bias, units);
            activate_row(l->recurrent_activation, z + 3 * units, bias ? bias + 3 * units : bias, units);
            for (int64_t i = 0; i < units; i++)
                activated[i] = next_c[i] = z[units + i] * c[i] + z[i] * z[2 * units + i];
            activate_row(l->activation, activated, NULL, units);
            for (int64_t i = 0; i < units; i++) next_h[i] = z[3 * units + i] * activated[i];
        }
        z += 4 * units;
        h += units, c += units, next_h += units, next_c += units, activated += units;
    }
}

// The activations are constants where it is inlined for the usual ones.
MIO_INLINE void gradient_of_row(
    enum mio_gate activation, enum mio_gate recurrent, int64_t units, float *z, const float *c,
    const float *activated, const float *dy, float *dh, float *dc) {
    for (int64_t i = 0; i < units; i++) {
        float input = z[i], forget = z[units + i], candidate = z[2 * units + i], output = z[3 * units + i];
        float gradient = dh[i] + dy[i];
        float cell = dc[i] + gradient * output * slope(activation, activated[i]);
        z[i] = cell * candidate * slope(recurrent, input);
        z[units + i] = cell * c[i] * slope(recurrent, forget);
        z[2 * units + i] = cell * input * slope(activation, candidate);
        z[3 * units + i] = gradient * activated[i] * slope(recurrent, output);
        dc[i] = cell * forget;
        dh[i] = 0.0f;
    }
}

MIO_CLONES void mio_lstm_backward(
    const struct mio_lstm *l, float *z, const float *c, const float *activated, const float *dy, float *dh,
    float *dc) {
    int64_t units = l->units;
    bool usual = l->activation == mio_gate_tanh && l->recurrent_activation == mio_gate_sigmoid;
    for (int64_t row = 0; row < l->rows; row++) {
        if (l->counts && l->counts[row * l->counts_stride] == 0.0f)
            memset(z, 0, (size_t)(4 * units) * sizeof(float));
        else if (usual)
            gradient_of_row(mio_gate_tanh, mio_gate_sigmoid, units, z, c, activated, dy, dh, dc);
        else
            gradient_of_row(
                l->activation, l->recurrent_activation, units, z, c, activated, dy, dh, dc);
        z += 4 * units;
        c += units, activated += units, dy += units, dh += units, dc += units;
    }
}
