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


def convolutions():
    """(name, input shape, layer arguments). `same` pads the extra row and column at the end."""
    for kernel, strides, padding in itertools.product([3, 2, (3, 5)], [1, 2], ["valid", "same"]):
        size = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        for height, width in [(7, 9), (8, 6)]:
            name = f"Conv2D {size[0]}x{size[1]} strides {strides} {padding} of {height}x{width}"
            arguments = {"filters": 4, "kernel_size": list(size), "strides": strides, "padding": padding}
            yield name, (2, height, width, 3), arguments
    yield "Conv2D 3x3 strides (2, 1) same of 7x9", (2, 7, 9, 3), {
        "filters": 4, "kernel_size": [3, 3], "strides": [2, 1], "padding": "same"}


def poolings():
    for pool, strides, padding in itertools.product([2, 3], [None, 1, 2], ["valid", "same"]):
        for height, width in [(7, 9), (6, 5)]:
            name = f"MaxPooling2D {pool}x{pool} strides {strides or pool} {padding} of {height}x{width}"
            yield name, (2, height, width, 3), {"pool_size": pool, "strides": strides, "padding": padding}
    yield "MaxPooling2D (3, 2) strides (2, 3) same of 7x9", (2, 7, 9, 3), {
        "pool_size": [3, 2], "strides": [2, 3], "padding": "same"}


ACTIVATIONS = ["linear", "relu", "sigmoid", "softmax", "tanh", "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu",
               "mish", "relu6", "selu", "silu", "softplus", "softsign"]


def activations():
    for name in ACTIVATIONS:
        yield f"Activation {name}", (2, 3, 20), {"activation": name}


def normalizations():
    """(name, input shape, layer arguments); Keras counts the batch as axis 0."""
    for axis in [-1, [-1], 1, [1, 2], [2, 3], [-1, 1]]:
        yield f"LayerNormalization axis {axis}", (2, 3, 4, 5), {"axis": axis}
    yield "LayerNormalization epsilon 0.1", (2, 7), {"epsilon": 0.1}
    yield "LayerNormalization of one number", (2, 1), {}
    yield "LayerNormalization without beta", (2, 7), {"center": False}
    yield "LayerNormalization without gamma", (2, 7), {"scale": False}
    yield "LayerNormalization without both", (2, 7), {"scale": False, "center": False}


def tupled(value):
    return tuple(tupled(one) for one in value) if isinstance(value, list) else value


def run(kind, arguments, drawn, upstream, element):
    """Output, and the gradients of Σ output · upstream by the input and by each weight."""
    if arguments.get("interpolation", "").startswith("lanczos"):
        element = "float32"  # TensorFlow has no gradient of another
    with precision(element):
        arguments = {k: tupled(v) for k, v in arguments.items()}
        # TensorFlow has no convolutions with channels first on a CPU: Keras computes those with channels last.
        moves = "Conv" in kind and arguments.get("data_format") == "channels_first"
        if moves:
            arguments["data_format"] = "channels_last"
        layer = getattr(keras.layers, kind)(**arguments)
        sample = tensorflow.constant(drawn[0], element)
        axes = list(range(2, len(sample.shape)))
        layer.build(tensorflow.transpose(sample, [0, *axes, 1]).shape if moves else sample.shape)
        layer.set_weights(drawn[1:])
        with tensorflow.GradientTape() as tape:
            tape.watch(sample)
            output = layer(tensorflow.transpose(sample, [0, *axes, 1]) if moves else sample)
            if moves:
                output = tensorflow.transpose(output, [0, len(axes) + 1, *(one - 1 for one in axes)])
            total = tensorflow.reduce_sum(output * tensorflow.cast(upstream(output.shape), element))
        variables = [variable.value for variable in layer.trainable_variables]
        return [output, *tape.gradient(total, [sample, *variables])]


def convolution():
    return golden("Conv2D", convolutions())


def pooling():
    return golden("MaxPooling2D", poolings())


def activation():
    return golden("Activation", activations(), low=-8)


def normalization():
    return golden("LayerNormalization", normalizations())


def weights(kind, arguments, shape, stream):
    """The weights' specifications by name, in Keras' order."""
    if kind == "Conv2D" and "data_format" not in arguments:
        kernel = (*arguments["kernel_size"], shape[-1], arguments["filters"])
        return {"kernel": tensors.uniform(stream + 1, kernel, -0.5, 0.5),
                "bias": tensors.uniform(stream + 2, (arguments["filters"],), -0.5, 0.5)}
    if "Conv" in kind:
        return convolution_weights(kind, arguments, shape, stream)
    if kind == "GroupNormalization":
        size = (shape[arguments["axis"]],)
        found = {}
        if arguments["scale"]:
            found["gamma"] = tensors.uniform(stream + 1, size, 0.5, 1.5)
        if arguments["center"]:
            found["beta"] = tensors.uniform(stream + 2, size, -0.5, 0.5)
        return found
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
    return {}


def convolution_weights(kind, arguments, shape, stream):
    """Of any convolution but the usual one of images."""
    size = arguments["kernel_size"]
    size = tuple(size) if isinstance(size, list) else (size,)
    channels = shape[1] if arguments["data_format"] == "channels_first" else shape[-1]
    filters, multiplier = arguments.get("filters"), arguments.get("depth_multiplier")
    if "Separable" in kind:
        shapes = {"depthwise_kernel": (*size, channels, multiplier),
                  "pointwise_kernel": (*(1 for _ in size), channels * multiplier, filters)}
    elif "Depthwise" in kind:
        shapes, filters = {"kernel": (*size, channels, multiplier)}, channels * multiplier
    elif "Transpose" in kind:
        shapes = {"kernel": (*size, filters, channels)}
    else:
        shapes = {"kernel": (*size, channels // arguments.get("groups", 1), filters)}
    if arguments["use_bias"]:
        shapes["bias"] = (filters,)
    # The third stream is that of the gradient that comes back.
    streams = (1, 2, 4)
    return {name: tensors.uniform(stream + number, one, -0.5, 0.5)
            for number, (name, one) in zip(streams, shapes.items())}


def golden(kind, every, low=-1):
    cases = []
    for index, (name, shape, arguments) in enumerate(every):
        stream = 100 + 10 * index
        specifications = {"input": tensors.uniform(stream, shape, low, -low)}
        # A weight's gradient: over samples and positions; a group of a normalization.
        longest = math.prod(shape) // (shape[-1] if kind == "Conv2D" or kind == "MaxPooling2D" else 1)
        if arguments.get("interpolation", "").startswith("lanczos"):
            # TensorFlow has the places of pixels, up to 8, in float32: their weights err by as much, times their slope.
            longest *= 8**2
        specifications |= weights(kind, arguments, shape, stream)
        drawn = [tensors.draw(SEED, one) for one in specifications.values()]

        def upstream(output_shape):
            specifications["upstream"] = tensors.uniform(stream + 3, output_shape, -1, 1)
            return tensors.draw(SEED, specifications["upstream"])

        names = ["output", "input_gradient"]
        names += [f"{one}_gradient" for one in specifications if one not in ("input", "upstream")]
        doubles, singles = (run(kind, arguments, drawn, upstream, one) for one in ("float64", "float32"))
        cases.append({
            "name": name, "class": kind, "arguments": arguments, "drawn": specifications,
            **{one: quantities.tensor(double, single, longest, SEED)
               for one, double, single in zip(names, doubles, singles)},
        })
    return {"seed": SEED, "cases": cases}
