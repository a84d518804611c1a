"""Layers of sequences: LSTM, GRU, SimpleRNN, Bidirectional and TimeDistributed, with masks, initial states and several results."""

import copy

import keras
import numpy
import tensorflow

import quantities
import tensors
from precision import precision

SEED = 7
SAMPLES, STEPS, FEATURES, UNITS = 3, 6, 4, 5
SEQUENCE = (STEPS, FEATURES)


def layer_of(kind, **arguments):
    """As Keras' configurations have a layer; with the name that the first one of a program gets."""
    config = {"name": NAMES[kind], **arguments}
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


NAMES = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn", "Dense": "dense", "Conv2D": "conv2d", "Flatten": "flatten", "Bidirectional": "bidirectional",
         "TimeDistributed": "time_distributed"}


def lstm(**arguments):
    return layer_of("LSTM", units=UNITS, **arguments)


def wrapped(kind, layer, **arguments):
    return layer_of(kind, layer=layer, **arguments)


def cases():
    """(name, layer, shape of a sample of the sequence, initial states, whether there is a mask)."""
    everything = {"return_sequences": True, "return_state": True}
    yield "last output", lstm(), SEQUENCE, 0, False
    yield "sequences", lstm(return_sequences=True), SEQUENCE, 0, False
    yield "sequences and states", lstm(**everything), SEQUENCE, 0, False
    yield "states", lstm(return_state=True), SEQUENCE, 0, False
    yield "backwards", lstm(go_backwards=True, return_sequences=True), SEQUENCE, 0, False
    yield "unrolled", lstm(unroll=True, **everything), SEQUENCE, 0, False
    yield "without bias", lstm(use_bias=False), SEQUENCE, 0, False
    yield "relu and hard_sigmoid", lstm(activation="relu", recurrent_activation="hard_sigmoid"), SEQUENCE, 0, False
    yield "linear and relu", lstm(activation="linear", recurrent_activation="relu", **everything), SEQUENCE, 0, False
    yield "mish and silu", lstm(activation="mish", recurrent_activation="silu", **everything), SEQUENCE, 0, False
    yield "softmax", lstm(activation="softmax", recurrent_activation="softmax", **everything), SEQUENCE, 0, False
    yield "one step", lstm(**everything), (1, FEATURES), 0, False
    yield "masked last output", lstm(), SEQUENCE, 0, True
    yield "masked sequences", lstm(return_sequences=True), SEQUENCE, 0, True
    yield "masked zeros", lstm(zero_output_for_mask=True, **everything), SEQUENCE, 0, True
    yield "masked backwards", lstm(go_backwards=True, **everything), SEQUENCE, 0, True
    yield "initial state", lstm(return_sequences=True), SEQUENCE, 2, False
    yield "masked initial state", lstm(**everything), SEQUENCE, 2, True
    yield "masked initial state, last output", lstm(return_state=True, go_backwards=True), SEQUENCE, 2, True
    for mode in ("concat", "sum", "mul", "ave", None):
        yield f"bidirectional {mode}", wrapped("Bidirectional", lstm(return_sequences=True), merge_mode=mode), SEQUENCE, 0, False
        yield f"bidirectional {mode} of last outputs", wrapped("Bidirectional", lstm(), merge_mode=mode), SEQUENCE, 0, False
        yield (f"bidirectional {mode} masked with states", wrapped("Bidirectional", lstm(**everything), merge_mode=mode),
               SEQUENCE, 4, True)
    other = lstm(go_backwards=True, activation="relu", name="other")
    yield "bidirectional with a backward layer", wrapped("Bidirectional", lstm(), backward_layer=other), SEQUENCE, 0, True
    dense = layer_of("Dense", units=3, activation="softmax")
    convolution = layer_of("Conv2D", filters=2, kernel_size=[2, 2], activation="relu")
    yield "distributed Dense", wrapped("TimeDistributed", dense), SEQUENCE, 0, False
    yield "distributed Dense of rows", wrapped("TimeDistributed", dense), (2, 3, FEATURES), 0, True
    yield "distributed Conv2D", wrapped("TimeDistributed", convolution), (3, 4, 5, 2), 0, False
    yield "distributed Flatten", wrapped("TimeDistributed", layer_of("Flatten")), (3, 2, 2), 0, False
    yield "distributed LSTM", wrapped("TimeDistributed", lstm(return_sequences=True)), (2, *SEQUENCE), 0, False
    yield ("distributed bidirectional", wrapped("TimeDistributed", wrapped("Bidirectional", lstm())), (2, *SEQUENCE), 0,
           False)
    yield ("distributed twice", wrapped("TimeDistributed", wrapped("TimeDistributed", dense)), (2, *SEQUENCE), 0, False)
    for kind in ("GRU", "SimpleRNN"):
        def other_kind(**arguments):
            return layer_of(kind, units=UNITS, **arguments)

        yield f"{kind}: last output", other_kind(), SEQUENCE, 0, False
        yield f"{kind}: sequences and states", other_kind(**everything), SEQUENCE, 0, False
        yield f"{kind}: backwards", other_kind(go_backwards=True, return_sequences=True), SEQUENCE, 0, False
        yield f"{kind}: without bias", other_kind(use_bias=False), SEQUENCE, 0, False
        yield f"{kind}: relu", other_kind(activation="relu", return_sequences=True), SEQUENCE, 0, False
        yield f"{kind}: mish", other_kind(activation="mish", **everything), SEQUENCE, 0, False
        yield f"{kind}: softmax", other_kind(activation="softmax", **everything), SEQUENCE, 0, False
        yield f"{kind}: masked sequences", other_kind(return_sequences=True), SEQUENCE, 0, True
        yield f"{kind}: masked last output", other_kind(), SEQUENCE, 0, True
        yield f"{kind}: masked zeros", other_kind(zero_output_for_mask=True, **everything), SEQUENCE, 0, True
        yield f"{kind}: masked initial state", other_kind(go_backwards=True, **everything), SEQUENCE, 1, True
        yield (f"{kind}: bidirectional masked with states", wrapped("Bidirectional", other_kind(**everything)), SEQUENCE, 2,
               True)
    gates = {"recurrent_activation": "softmax", "activation": "silu"}
    for name, arguments in (("reset before", {}), ("reset before, without bias", {"use_bias": False}),
                            ("reset before, other activations", gates)):
        yield f"GRU: {name}", layer_of("GRU", units=UNITS, reset_after=False, **arguments, **everything), SEQUENCE, 0, True
    yield "GRU: other activations", layer_of("GRU", units=UNITS, **gates, **everything), SEQUENCE, 0, False
    yield "distributed GRU", wrapped("TimeDistributed", layer_of("GRU", units=UNITS)), (2, *SEQUENCE), 0, False


def run(layer, inputs, weights, mask, upstream, element):
    """Results, and the gradients of Σ result · upstream by the inputs and the weights."""
    with precision(element):
        layer = keras.layers.deserialize(copy.deepcopy(layer))
        inputs = [tensorflow.constant(one, element) for one in inputs]
        arguments = {"initial_state": inputs[1:]} if inputs[1:] else {}
        if mask is not None:
            arguments["mask"] = tensorflow.constant(mask != 0)
        layer.build(tuple(inputs[0].shape))
        values = weights(layer.weights)
        layer.set_weights(list(values.values()))
        with tensorflow.GradientTape() as tape:
            tape.watch(inputs)
            results = layer(inputs[0], **arguments)
            results = list(results) if isinstance(results, (list, tuple)) else [results]
            total = sum(tensorflow.reduce_sum(one * tensorflow.cast(upstream(index, one.shape), element))
                        for index, one in enumerate(results))
        gradients = tape.gradient(total, [*inputs, *(variable.value for variable in layer.weights)])
        return results, gradients[:len(inputs)], gradients[len(inputs):]


def golden():
    found = []
    for index, (name, layer, shape, states, masked) in enumerate(cases()):
        stream = 100 + 40 * index
        inputs = [tensors.uniform(stream, (SAMPLES, *shape), -1, 1)]
        inputs += [tensors.uniform(stream + 1 + one, (SAMPLES, UNITS), -1, 1) for one in range(states)]
        mask = tensors.classes(stream + 10, (SAMPLES, shape[0]), 2) if masked else None
        weights, upstreams = {}, {}

        def draw_weights(variables):
            for number, variable in enumerate(variables):
                path = variable.path.split("/", 1)[1]
                weights[path] = tensors.uniform(stream + 11 + number, variable.shape, -0.7, 0.7)
            return {path: tensors.draw(SEED, one) for path, one in weights.items()}

        def draw_upstream(number, result):
            upstreams[number] = tensors.uniform(stream + 30 + number, result, -1, 1)
            return tensors.draw(SEED, upstreams[number])

        drawn = [tensors.draw(SEED, one) for one in inputs]
        drawn_mask = None if mask is None else numpy.asarray(tensors.draw(SEED, mask))
        doubles, singles = (run(layer, drawn, draw_weights, drawn_mask, draw_upstream, one)
                            for one in ("float64", "float32"))
        # A weight's gradient goes over samples and steps, and each of them over the units.
        longest = SAMPLES * numpy.prod(shape) * UNITS

        def quantity(part):
            return [quantities.tensor(a, b, int(longest), SEED) for a, b in zip(doubles[part], singles[part])]

        found.append({
            "name": name, "class": layer["class_name"], "arguments": layer["config"], "inputs": inputs, "mask": mask,
            "weights": [{"path": path, **one} for path, one in weights.items()],
            "upstream": list(upstreams.values()), "results": quantity(0), "input_gradients": quantity(1),
            "weight_gradients": quantity(2),
        })
    return {"seed": SEED, "cases": found}
