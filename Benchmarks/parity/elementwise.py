"""Single layers whose Keras meaning is easily missed: padding, strides and odd sizes of convolution and pooling, each
activation, the axes of a normalization."""

import itertools
import math

import keras
import tensorflow

import quantities
import tensors
from precision import precision

SEED = 3

# sparsemax is apart: Keras 3.15.1 computes one for all rows, or none.
ACTIVATIONS = ["linear", "relu", "sigmoid", "softmax", "tanh", "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu",
               "mish", "relu6", "selu", "silu", "softplus", "softsign", "celu", "hard_shrink", "hard_silu", "hard_tanh",
               "log_sigmoid", "log_softmax", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink"]
MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Dot", "Concatenate"]


def activations():
    for name in ACTIVATIONS:
        yield f"Activation {name}", (2, 3, 20), {"activation": name}
    yield "Activation sparsemax", (2, 3, 20), {"activation": "sparsemax"}, sparsemax
    yield "Activation sparsemax", (2, 5), {"activation": "sparsemax"}, sparsemax


def sparsemax(x):
    """As the paper defines it, for each row: max(z − τ, 0), with τ the mean of the k largest less 1/k, and k the most of them
    for which 1 + k·z₍ₖ₎ is above their sum. <https://arxiv.org/abs/1602.02068>, algorithm 1"""
    largest = tensorflow.sort(x, axis=-1, direction="DESCENDING")
    counts = tensorflow.range(1, x.shape[-1] + 1, dtype=x.dtype)
    belongs = 1 + counts * largest > tensorflow.cumsum(largest, axis=-1)
    size = tensorflow.reduce_sum(tensorflow.cast(belongs, x.dtype), axis=-1, keepdims=True)
    total = tensorflow.reduce_sum(tensorflow.where(belongs, largest, tensorflow.zeros_like(x)), axis=-1, keepdims=True)
    return tensorflow.maximum(x - (total - 1) / size, 0)


def run(kind, arguments, drawn, upstream, element, inputs=1, function=None):
    """Output, and the gradients of Σ output · upstream by each input and by each weight."""
    with precision(element):
        arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
        layer = None if function else getattr(keras.layers, kind)(**arguments)
        samples = [tensorflow.constant(one, element) for one in drawn[:inputs]]
        merges = kind in MERGES
        # Softmax' second input is its mask.
        if layer:
            layer.build([tuple(one.shape) for one in samples] if merges else samples[0].shape)
        if drawn[inputs:]:
            layer.set_weights(drawn[inputs:])
        if kind == "Normalization":
            layer.finalize_state()  # it computes with copies of its weights, which setting them does not change
        with tensorflow.GradientTape() as tape:
            tape.watch(samples)
            output = function(*samples) if function else layer(samples) if merges else layer(*samples)
            total = tensorflow.reduce_sum(output * tensorflow.cast(upstream(output.shape), element))
        variables = [variable.value for variable in layer.trainable_variables] if layer else []
        gradients = tape.gradient(total, [*samples, *variables], unconnected_gradients="zero")
        return [output, *gradients]


def merges():
    """(class, name, input shapes, layer arguments): shapes that are alike, repeat each other, or lack axes."""
    shapes = [[(3, 5), (3, 5)], [(3, 5), (1, 5)], [(3, 5), (5,)], [(3, 1), (1, 5)], [(2, 1, 4), (3, 1)]]
    for kind in MERGES[:6]:
        for given in shapes + ([] if kind == "Subtract" else [[(3, 5), (3, 5), (3, 1)]]):
            yield kind, f"{kind} of {given}", [(2, *one) for one in given], {}
    for axes, given in [(1, [(4,), (4,)]), (-1, [(3, 5), (2, 5)]), (1, [(3, 5), (3, 2)]), ([2, 1], [(3, 5), (5,)]),
                        ([1, 3], [(4, 3), (2, 5, 4)]), ([2, 2], [(2, 3, 4), (2, 3)])]:
        for normalize in (False, True):
            name = f"Dot of {given} axes {axes}{' normalized' if normalize else ''}"
            yield "Dot", name, [(2, *one) for one in given], {"axes": axes, "normalize": normalize}
    for axis, given in [(1, [(2, 3, 2), (1, 3, 2)]), (2, [(2, 3, 2), (2, 1, 2), (2, 2, 2)]), (-1, [(2, 3), (2, 4)])]:
        yield "Concatenate", f"Concatenate of {given} axis {axis}", [(2, *one) for one in given], {"axis": axis}


def elements():
    """The same of layers that activate, move, scale or normalize elements."""
    for arguments in [{}, {"max_value": 0.5}, {"max_value": 6.0}, {"negative_slope": 0.1}, {"threshold": 0.25},
                      {"max_value": 0.75, "negative_slope": 0.5, "threshold": 0.125}]:
        yield "ReLU", f"ReLU {arguments}", [(2, 3, 20)], arguments
    yield "LeakyReLU", "LeakyReLU", [(2, 3, 20)], {}
    yield "LeakyReLU", "LeakyReLU 0.1", [(2, 3, 20)], {"negative_slope": 0.1}
    yield "ELU", "ELU", [(2, 20)], {}
    yield "ELU", "ELU 0.5", [(2, 20)], {"alpha": 0.5}
    for axes in [None, [1], [1, 2]]:
        yield "PReLU", f"PReLU shared over {axes}", [(2, 3, 4, 5)], {"shared_axes": axes}
    for axis in [-1, 1, [1, 2], [-1]]:
        yield "Softmax", f"Softmax axis {axis}", [(2, 3, 4)], {"axis": axis}
        yield "UnitNormalization", f"UnitNormalization axis {axis}", [(2, 3, 4)], {"axis": axis}
    yield "Softmax", "Softmax with a mask", [(2, 3, 4), (2, 3, 4)], {}
    yield "Softmax", "Softmax axis 1 with a mask", [(2, 3, 4), (2, 1, 4)], {"axis": 1}
    for dims in [[2, 1], [3, 1, 2], [2, 3, 1]]:
        yield "Permute", f"Permute {dims}", [(2, *range(3, 3 + len(dims)))], {"dims": dims}
    yield "RepeatVector", "RepeatVector 4", [(2, 5)], {"n": 4}
    yield "Reshape", "Reshape with -1", [(2, 3, 4)], {"target_shape": [2, -1]}
    for data_format in ["channels_first", "channels_last"]:
        yield "Flatten", f"Flatten {data_format}", [(2, 3, 2, 4)], {"data_format": data_format}
    yield "Identity", "Identity", [(2, 3)], {}
    yield "Rescaling", "Rescaling", [(2, 3, 4)], {"scale": 0.125, "offset": -1.0}
    yield "Rescaling", "Rescaling of columns", [(2, 3, 2)], {"scale": [0.5, 2.0], "offset": [1.0, -1.0]}
    yield "Normalization", "Normalization of columns", [(2, 3, 2)], {"mean": [0.5, 0.25], "variance": [4.0, 0.0625]}
    yield "Normalization", "Normalization inverted", [(2, 3, 2)], {
        "mean": [0.5, 0.25], "variance": [4.0, 0.0625], "invert": True}
    yield "Normalization", "Normalization of all", [(2, 3, 2)], {"axis": None, "mean": 0.5, "variance": 4.0}
    for axis in [-1, 1, [1, 2]]:
        yield "Normalization", f"Normalization axis {axis} by weights", [(2, 3, 4)], {"axis": axis}
    yield "AlphaDropout", "AlphaDropout in inference", [(2, 3)], {"rate": 0.5}


def merging():
    return golden(None, merges())


def elementwise():
    return golden(None, elements())


def activation():
    return golden("Activation", activations(), low=-8)


def weights(kind, arguments, shape, stream):
    """The weights' specifications by name, in Keras' order."""
    if kind == "Conv2D":
        kernel = (*arguments["kernel_size"], shape[-1], arguments["filters"])
        return {"kernel": tensors.uniform(stream + 1, kernel, -0.5, 0.5),
                "bias": tensors.uniform(stream + 2, (arguments["filters"],), -0.5, 0.5)}
    if kind == "LayerNormalization":
        axis = arguments.get("axis", -1)
        axes = [axis] if isinstance(axis, int) else sorted(axis)
        size = tuple(shape[one] for one in axes)
        found = {}
        if arguments.get("scale", True):
            found["gamma"] = tensors.uniform(stream + 1, size, 0.5, 1.5)
        if arguments.get("center", True):
            found["beta"] = tensors.uniform(stream + 2, size, -0.5, 0.5)
        return found
    if kind == "PReLU":
        shared = arguments["shared_axes"] or []
        alpha = tuple(1 if axis + 1 in shared else size for axis, size in enumerate(shape[1:]))
        return {"alpha": tensors.uniform(stream + 1, alpha, -0.5, 0.5)}
    if kind == "Normalization" and "mean" not in arguments:
        axis = arguments["axis"]
        size = tuple(shape[one] for one in ([axis] if isinstance(axis, int) else axis))
        return {"mean": tensors.uniform(stream + 1, size, -0.5, 0.5), "variance": tensors.uniform(stream + 2, size, 0.5, 1.5),
                "count": tensors.classes(stream + 3, (), 2)}
    return {}


def golden(kind, every, low=-1):
    """Of one class, or of classes that the cases name. A case may end with a function in the place of a layer, and with the
    bounds of its numbers."""
    cases = []
    for index, given in enumerate(every):
        own, name, shapes, arguments, *rest = given if kind is None else (kind, given[0], [given[1]], *given[2:])
        function, bounds = (*rest, None, None)[:2]
        least, most = bounds or (low, -low)
        stream = 100 + 10 * index
        inputs = ["input", *(f"input_{number}" for number in range(1, len(shapes)))]
        specifications = {one: tensors.uniform(stream + 4 * (number > 0) + number, shape, least, most)
                          for number, (one, shape) in enumerate(zip(inputs, shapes))}
        # A weight's gradient: over samples and positions; a group of a normalization.
        longest = math.prod(shapes[0]) // (shapes[0][-1] if own == "Conv2D" or own == "MaxPooling2D" else 1)
        given = weights(own, arguments, shapes[0], stream)
        specifications |= given
        drawn = [tensors.draw(SEED, one) for one in specifications.values()]

        def upstream(output_shape):
            specifications["upstream"] = tensors.uniform(stream + 3, output_shape, -1, 1)
            return tensors.draw(SEED, specifications["upstream"])

        trained = [one for one in given if one not in ("mean", "variance", "count")]
        names = ["output", *(f"{one}_gradient" for one in [*inputs, *trained])]
        doubles, singles = (run(own, arguments, drawn, upstream, one, len(inputs), function) for one in ("float64", "float32"))
        cases.append({
            "name": name, "class": own, "arguments": arguments, "drawn": specifications,
            **{one: quantities.tensor(double, single, longest, SEED)
               for one, double, single in zip(names, doubles, singles)},
        })
    return {"seed": SEED, "cases": cases}
