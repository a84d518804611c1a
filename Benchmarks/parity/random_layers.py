"""Layers that random jobs draw beside their first ones: of images, of sequences, of vectors.

Each function takes a job, the name of a tensor and its shape, draws a layer with its arguments that fits it, and returns its name. What
is drawn is a random number of its own in Keras and mio (dropout, noise) is not among them.
"""

import math


def reach(kernel, dilation=1):
    return (kernel - 1) * dilation + 1


def convolved(size, kernel, stride, padding, dilation=1):
    return (size - reach(kernel, dilation)) // stride + 1 if padding == "valid" else -(-size // stride)


def activation(draw):
    return draw.choice(["linear", "relu", "relu", "tanh", "silu"])


def convolution(job, draw, source, shape):
    """Any convolution of one or two axes."""
    *sizes, channels = shape
    axes = len(sizes)
    kind = draw.choice([f"DepthwiseConv{axes}D", f"SeparableConv{axes}D", f"Conv{axes}DTranspose", f"Conv{axes}D"])
    kernel = [draw.randint(1, min(3, size)) for size in sizes]
    padding = draw.choice(["valid", "same"])
    # TensorFlow's depthwise convolutions have equal strides.
    strides = [draw.choice([1, 1, 2])] * axes
    arguments = {"kernel_size": kernel, "strides": strides, "padding": padding, "activation": activation(draw),
                 "use_bias": draw.random() < 0.7}
    filters = draw.choice([1, 2, 4, 8, 12, 16])
    if kind.endswith("Transpose"):
        made = [size * stride + (max(one - stride, 0) if padding == "valid" else 0)
                for size, one, stride in zip(sizes, kernel, strides)]
        # Their images grow: not beyond what a random job has time for.
        if math.prod(made) > 600:
            return source
        return job._add(kind, source, [*made, filters], filters=filters, **arguments)
    dilation = 1
    if kind == f"Conv{axes}D" and strides[0] == 1 and draw.random() < 0.4:
        dilation = 2
        if padding == "valid" and any(reach(one, 2) > size for one, size in zip(kernel, sizes)):
            dilation = 1
        arguments["dilation_rate"] = [dilation] * axes
    if kind == "Conv1D" and draw.random() < 0.4:
        padding = arguments["padding"] = "causal"
    made = [convolved(size, one, stride, padding, dilation) for size, one, stride in zip(sizes, kernel, strides)]
    if kind.startswith("Depthwise"):
        multiplier = draw.choice([1, 1, 2]) if channels <= 16 else 1
        return job._add(kind, source, [*made, channels * multiplier], depth_multiplier=multiplier, **arguments)
    if kind.startswith("Separable"):
        arguments["depth_multiplier"] = draw.choice([1, 1, 2])
    elif channels % 2 == 0 and filters % 2 == 0 and draw.random() < 0.4:
        arguments["groups"] = 2
    return job._add(kind, source, [*made, filters], filters=filters, **arguments)


def pooling(job, draw, source, shape):
    *sizes, channels = shape
    axes = len(sizes)
    if draw.random() < 0.4:
        kind = draw.choice(["GlobalAveragePooling", "GlobalMaxPooling"]) + f"{axes}D"
        if draw.random() < 0.5:
            return job._add(kind, source, [*[1] * axes, channels], keepdims=True)
        return job._add(kind, source, [channels])
    kind = draw.choice(["AveragePooling", "MaxPooling"]) + f"{axes}D"
    window = [draw.randint(1, min(3, size)) for size in sizes]
    strides = [draw.choice([1, 2, one]) for one in window]
    padding = draw.choice(["valid", "same"])
    made = [convolved(size, one, stride, padding) for size, one, stride in zip(sizes, window, strides)]
    return job._add(kind, source, [*made, channels], pool_size=window, strides=strides, padding=padding)


def border(job, draw, source, shape):
    *sizes, channels = shape
    axes = len(sizes)
    kind = draw.choice(["ZeroPadding", "Cropping", "UpSampling"]) + f"{axes}D"
    if kind.startswith("UpSampling"):
        size = [draw.choice([1, 2, 3]) for _ in sizes]
        made = [one * factor for one, factor in zip(sizes, size)]
        if math.prod(made) > 600:
            return source
        arguments = {"size": size if axes == 2 else size[0]}
        if axes == 2:
            arguments["interpolation"] = draw.choice(["nearest", "nearest", "bilinear", "bicubic", "lanczos3"])
        return job._add(kind, source, [*made, channels], **arguments)
    sign = 1 if kind.startswith("Zero") else -1
    margins = [[draw.randint(0, 2), draw.randint(0, 1)] for _ in sizes]
    if any(size + sign * sum(margin) < 1 for size, margin in zip(sizes, margins)):
        return source
    made = [size + sign * sum(margin) for size, margin in zip(sizes, margins)]
    name = "padding" if sign > 0 else "cropping"
    return job._add(kind, source, [*made, channels], **{name: margins if axes == 2 else margins[0]})


def groups(job, draw, source, shape):
    channels = shape[-1]
    count = draw.choice([one for one in (1, 2, 3, 4, -1) if one < 0 or channels % one == 0])
    return job._add("GroupNormalization", source, shape, groups=count, epsilon=draw.choice([0.01, 0.1]),
                    center=draw.random() < 0.8, scale=draw.random() < 0.8)


def attention(job, draw, source, shape):
    steps, width = shape
    kind = draw.choice(["MultiHeadAttention", "Attention", "AdditiveAttention"])
    if kind == "MultiHeadAttention":
        # A bias of keys moves no score: its gradient is rounding alone.
        made = job._add(kind, [source, source], shape, num_heads=draw.choice([1, 2, 3]), key_dim=draw.choice([2, 5]),
                        value_dim=draw.choice([None, 3]), use_bias=False)
    elif kind == "Attention":
        made = job._add(kind, [source, source], shape, use_scale=draw.random() < 0.5)
    else:
        made = job._add(kind, [source, source], shape, use_scale=draw.random() < 0.5)
    return job._add("Add", [source, made], shape) if draw.random() < 0.5 else made


def recurrent(job, draw, source, shape):
    steps, _ = shape
    units = draw.choice([1, 2, 5, 8, 16])
    kind = draw.choice(["GRU", "GRU", "SimpleRNN"])
    arguments = {"units": units, "return_sequences": draw.random() < 0.5, "use_bias": draw.random() < 0.8}
    if kind == "GRU":
        arguments["reset_after"] = draw.random() < 0.5
        arguments["recurrent_activation"] = draw.choice(["sigmoid", "hard_sigmoid"])
    made = [steps, units] if arguments["return_sequences"] else [units]
    if draw.random() < 0.4:
        return job._add("Bidirectional", source, [*made[:-1], 2 * units],
                        layer={"class": kind, "name": "inner", **arguments})
    return job._add(kind, source, made, go_backwards=draw.random() < 0.3, **arguments)


def shaped(job, draw, source, shape):
    """The same elements in another shape, or with a term of the loss."""
    kind = draw.choice(["Reshape", "ActivityRegularization", "Masking", "Normalization"])
    if kind == "Masking" and source not in job.inputs:
        return source  # mio takes masks of inputs alone
    if kind == "ActivityRegularization":
        return job._add(kind, source, shape, l2=0.001)
    if kind == "Masking" and len(shape) == 2:
        return job._add(kind, source, shape, mask_value=0.0)
    if kind == "Normalization" and source in job.inputs and source not in job.words:
        return job._add(kind, source, shape, mean=[0.125] * shape[-1], variance=[2.0] * shape[-1])
    if len(shape) == 3:
        return job._add("Reshape", source, [shape[0], shape[1] * shape[2]], target_shape=[shape[0], -1])
    if len(shape) == 1 and shape[0] % 2 == 0:
        return job._add("Reshape", source, [2, shape[0] // 2], target_shape=[2, shape[0] // 2])
    return source


KINDS = {3: [convolution, convolution, pooling, border, groups, shaped],
         2: [convolution, pooling, border, attention, attention, recurrent, recurrent, groups, shaped],
         1: [shaped]}


def further(job, draw, source):
    shape = job.shapes[source]
    if len(shape) == 1 and draw.random() < 0.5:
        return source
    return draw.choice(KINDS[len(shape)])(job, draw, source, shape)
