"""MultiHeadAttention, Attention and AdditiveAttention: results and gradients, with masks and without."""

import keras
import numpy
import tensorflow

import quantities
import tensors
from precision import precision

SEED = 11
SAMPLES, QUERIES, KEYS = 3, 4, 5
# A key that nobody sees, and in the last sample a query that its mask leaves out.
QUERY_MASK = numpy.asarray([[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 1, 0]])
VALUE_MASK = numpy.asarray([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [1, 1, 1, 1, 1]])


def cases():
    """(class, arguments, arguments of the call, whether the value is not the key, whether the value has a mask)."""
    # Keras rounds 1/sqrt(key_dim) to float32: of 4 there is nothing to round.
    multi = {"num_heads": 2, "key_dim": 4}
    yield "MultiHeadAttention", multi, {}, False, False
    yield "MultiHeadAttention", {**multi, "value_dim": 3, "use_bias": False}, {}, True, True
    yield "MultiHeadAttention", {**multi, "output_shape": 5}, {"use_causal_mask": True}, False, True
    yield "MultiHeadAttention", {"num_heads": 1, "key_dim": 16}, {"use_causal_mask": True}, True, False
    for scale in (False, True):
        yield "Attention", {"use_scale": scale}, {}, False, True
        yield "Attention", {"use_scale": scale, "score_mode": "concat"}, {}, True, True
        yield "Attention", {"use_scale": scale}, {"use_causal_mask": True}, True, False
        yield "AdditiveAttention", {"use_scale": scale}, {}, False, True
        yield "AdditiveAttention", {"use_scale": scale}, {"use_causal_mask": True}, True, True


def run(kind, arguments, call, inputs, masked, weights, upstream, element):
    with precision(element):
        layer = getattr(keras.layers, kind)(**arguments)
        inputs = [tensorflow.constant(one, element) for one in inputs]
        masks = [tensorflow.constant(QUERY_MASK != 0), tensorflow.constant(VALUE_MASK != 0)] if masked else [None, None]
        shapes = [tuple(one.shape) for one in inputs]
        layer.build(*shapes) if kind == "MultiHeadAttention" else layer.build(shapes)
        layer.set_weights(list(weights(layer.weights).values()))

        def result():
            if kind == "MultiHeadAttention":
                names = {"query": inputs[0], "value": inputs[1], "key": inputs[-1]}
                mask = {"value_mask": masks[1]} if masked else {}
                if masked and len(inputs) == 3:
                    mask["key_mask"] = masks[1]
                # With the scores: the other way computes a part in float32 always.
                return layer(**names, **mask, **call, return_attention_scores=True)[0]
            return layer(inputs, mask=masks if masked else None, **call)

        with tensorflow.GradientTape() as tape:
            tape.watch(inputs)
            value = result()
            total = tensorflow.reduce_sum(value * tensorflow.cast(upstream(value.shape), element))
        gradients = tape.gradient(total, [*inputs, *(variable.value for variable in layer.weights)])
        return value, gradients[:len(inputs)], gradients[len(inputs):]


def golden():
    found = []
    for index, (kind, arguments, call, has_key, masked) in enumerate(cases()):
        stream = 100 + 40 * index
        value_length = 6 if has_key else 5
        shapes = [(SAMPLES, QUERIES, 5), (SAMPLES, KEYS, value_length)] + ([(SAMPLES, KEYS, 5)] if has_key else [])
        inputs = [tensors.uniform(stream + number, shape, -1, 1) for number, shape in enumerate(shapes)]
        weights = {}

        def draw_weights(variables):
            for number, variable in enumerate(variables):
                path = variable.path.split("/", 1)[1]
                weights[path] = tensors.uniform(stream + 11 + number, tuple(variable.shape), -0.7, 0.7)
            return {path: tensors.draw(SEED, one) for path, one in weights.items()}

        upstreams = []

        def draw_upstream(shape):
            upstreams[:] = [tensors.uniform(stream + 30, tuple(shape), -1, 1)]
            return tensors.draw(SEED, upstreams[0])

        drawn = [tensors.draw(SEED, one) for one in inputs]
        double, single = (run(kind, arguments, call, drawn, masked, draw_weights, draw_upstream, one)
                          for one in ("float64", "float32"))
        longest = SAMPLES * KEYS * QUERIES * 12
        largest = max(float(numpy.abs(numpy.asarray(one)).max()) for one in double[2]) if double[2] else 1.0

        def quantity(a, b, floor=None):
            return quantities.tensor(a, b, longest, SEED, floor=floor)

        found.append({
            "name": f"{kind} {arguments} {call}", "class": kind, "arguments": {**arguments, **call}, "inputs": inputs,
            "masks": [QUERY_MASK.tolist() if masked and kind != "MultiHeadAttention" else None,
                      VALUE_MASK.tolist() if masked else None]
            + ([VALUE_MASK.tolist() if masked else None] if has_key else []),
            "weights": [{"path": path, **one} for path, one in weights.items()], "upstream": upstreams,
            "results": [quantity(double[0], single[0])],
            "input_gradients": [quantity(a, b) for a, b in zip(double[1], single[1])],
            # The gradient by a key's bias is 0 but for rounding.
            "weight_gradients": [quantity(a, b, floor=quantities.ROUNDOFF * numpy.sqrt(longest) * largest)
                                 for a, b in zip(double[2], single[2])],
        })
    return {"seed": SEED, "cases": found}
