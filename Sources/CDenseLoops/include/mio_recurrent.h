// Steps of recurrent layers.
#ifndef MIO_RECURRENT_H
#define MIO_RECURRENT_H

#include <stdint.h>

/// The activations of recurrent layers: each of one element by itself, its slope a function of its result.
enum mio_gate {
    mio_gate_linear,
    mio_gate_relu,
    mio_gate_sigmoid,
    mio_gate_tanh,
    mio_gate_hard_sigmoid,
};

/// One step of a long short-term memory for `rows` samples.
struct mio_lstm {
    enum mio_gate activation, recurrent_activation;
    int64_t rows, units;
    /// For each row, this far apart, whether the step counts (not 0); NULL if all do.
    const float *counts;
    int64_t counts_stride;
};

/// z (rows, 4 · units) ← the gates i, f, g, o, from their arguments without `bias` (4 · units,), which may be NULL; the state
/// h, c (rows, units) goes to `next_h`, `next_c`; `activated` ← activation(next_c). A row that does not count keeps its state.
void mio_lstm_forward(
    const struct mio_lstm *lstm, float *z, const float *bias, const float *h, const float *c, float *next_h,
    float *next_c, float *activated);

/// From the gates z, the state c before the step, the gradients dy by the step's output and dh, dc by the state after it:
/// z ← dz; dc ← the gradient by c; dh ← 0, to which the caller adds dz · recurrent_kernelᵀ. A row that does not count has
/// dz = 0 and keeps dh and dc.
void mio_lstm_backward(
    const struct mio_lstm *lstm, float *z, const float *c, const float *activated, const float *dy, float *dh,
    float *dc);

/// One step of gated recurrent units (with the reset after the product) for `rows` samples, as `mio_lstm`.
///
/// z (rows, 3 · units) ← the gates z, r and the candidate, from the products of the sequence; `product` (rows, 3 · units) holds
/// those of the state, and its third part keeps what r multiplies. `bias` (2, 3 · units) may be NULL. The state h (rows, units)
/// goes to `next_h`. A row that does not count keeps its state.
void mio_gru_forward(
    const struct mio_lstm *gru, float *z, float *product, const float *bias, const float *h, float *next_h);

/// From the gates z and `product` of forward, the state h before the step, and the gradients dy by the step's output and dh by
/// the state after it: z ← the gradient by the sequence's products, `product` ← by the state's; dh ← what comes straight to h, to
/// which the caller adds product · recurrent_kernelᵀ. A row that does not count has zeros in both and keeps dh.
void mio_gru_backward(
    const struct mio_lstm *gru, float *z, float *product, const float *h, const float *dy, float *dh);

/// One step of a layer without gates: next_h ← activation(z + bias). `bias` (units,) may be NULL. A row that does not count
/// keeps its state h.
void mio_rnn_forward(
    const struct mio_lstm *rnn, const float *z, const float *bias, const float *h, float *next_h);

/// From the state `next_h` after the step and the gradients dy by the step's output and dh by the state after it: dz; dh ← 0, to
/// which the caller adds dz · recurrent_kernelᵀ. A row that does not count has dz = 0 and keeps dh.
void mio_rnn_backward(
    const struct mio_lstm *rnn, float *dz, const float *next_h, const float *dy, float *dh);

#endif
