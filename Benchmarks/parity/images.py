"""Layers of images and sequences at random configurations: convolutions, poolings, borders, upsampling, group normalization.
"""

import random

import layers

def spatial(draw, axes, least):
    return [draw.randint(max(least, 4), 8) for _ in range(axes)]


def many(draw, axes, values):
    return [draw.choice(values) for _ in range(axes)]


def shaped(draw, arguments, axes, channels, least=1):
    """A batch of two."""
    size = spatial(draw, axes, least)
    first = arguments.get("data_format") == "channels_first"
    return (2, channels, *size) if first else (2, *size, channels)


def scalar(arguments, axes):
    """As Keras takes arguments of one axis."""
    names = ("kernel_size", "strides", "dilation_rate", "pool_size", "output_padding", "size")
    return {k: v[0] if axes == 1 and k in names and isinstance(v, list) else v for k, v in arguments.items()}


def convolution(draw, kind):
    axes = 1 if kind.endswith("1D") or kind == "Conv1DTranspose" else 2
    arguments = {"kernel_size": many(draw, axes, [1, 2, 3]), "padding": draw.choice(["valid", "same"]),
                 "data_format": draw.choice(["channels_last", "channels_last", "channels_first"]),
                 "activation": draw.choice(["linear", "tanh", "silu"]), "use_bias": draw.random() < 0.8}
    dilates = draw.random() < 0.4
    depthwise, separable, transposed = ("Depthwise" in kind, "Separable" in kind, "Transpose" in kind)
    if dilates and not transposed:
        rate = draw.choice([2, 3]) if axes == 1 else 2
        arguments["dilation_rate"] = [rate] * axes
        arguments["kernel_size"] = many(draw, axes, [1, 2])
    else:
        # TensorFlow's depthwise convolutions have equal strides.
        arguments["strides"] = [draw.choice([1, 2, 3])] * axes if depthwise or separable else many(draw, axes, [1, 2, 3])
    channels = draw.choice([2, 4, 6])
    if not depthwise:
        arguments["filters"] = draw.choice([2, 4])
    if depthwise or separable:
        arguments["depth_multiplier"] = draw.choice([1, 1, 2])
    if kind in ("Conv1D", "Conv2D") and draw.random() < 0.3 and arguments["data_format"] == "channels_last":
        arguments["groups"] = 2
    if kind == "Conv1D" and draw.random() < 0.4:
        arguments["padding"] = "causal"
    if transposed and draw.random() < 0.5:
        if arguments["padding"] == "same":
            # Others do not lead back to the input.
            least = [(size + 1) % 2 for size in arguments["kernel_size"]]
            if all(one < stride for one, stride in zip(least, arguments["strides"])):
                arguments["output_padding"] = [draw.randrange(one, stride) for one, stride in zip(least, arguments["strides"])]
        else:
            arguments["output_padding"] = [draw.randrange(stride) for stride in arguments["strides"]]
    return shaped(draw, arguments, axes, channels), scalar(arguments, axes)


def pooling(draw, kind):
    axes = 1 if kind.endswith("1D") else 2
    arguments = {"data_format": draw.choice(["channels_last", "channels_first"])}
    if kind.startswith("Global"):
        arguments["keepdims"] = draw.random() < 0.5
    else:
        arguments |= {"pool_size": many(draw, axes, [2, 3]), "padding": draw.choice(["valid", "same"]),
                      "strides": None if draw.random() < 0.4 else many(draw, axes, [1, 2, 3])}
    return shaped(draw, arguments, axes, 3), scalar(arguments, axes)


def border(draw, kind):
    axes = 1 if kind.endswith("1D") else 2
    margins = [[draw.randrange(3), draw.randrange(2)] for _ in range(axes)]
    arguments = {"cropping" if kind.startswith("Cropping") else "padding": margins[0] if axes == 1 else margins}
    if kind != "Cropping1D":
        arguments["data_format"] = draw.choice(["channels_last", "channels_first"])
    return shaped(draw, arguments, axes, 3), arguments


def upsampling(draw, kind):
    if kind == "UpSampling1D":
        return shaped(draw, {}, 1, 3), {"size": draw.choice([1, 2, 3])}
    arguments = {"size": many(draw, 2, [1, 2, 3]), "interpolation": draw.choice(["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]),
                 "data_format": draw.choice(["channels_last", "channels_first"])}
    return shaped(draw, arguments, 2, 3), arguments


def normalization(draw, kind):
    arguments = {"groups": draw.choice([-1, 1, 2, 3]), "axis": draw.choice([-1, -1, 3, 1]),
                 "epsilon": draw.choice([0.001, 0.1]), "center": draw.random() < 0.7, "scale": draw.random() < 0.7}
    return (2, 6, draw.randint(2, 5), 6), arguments


KINDS = {
    **dict.fromkeys(["Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
                     "Conv1DTranspose", "Conv2DTranspose"], convolution),
    **dict.fromkeys([f"{kind}Pooling{axes}D" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage")
                     for axes in (1, 2)], pooling),
    **dict.fromkeys(["ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"], border),
    **dict.fromkeys(["UpSampling1D", "UpSampling2D"], upsampling),
    "GroupNormalization": normalization,
}


def cases(count, seed):
    """(class, name, input shape, layer arguments)"""
    for kind, make in KINDS.items():
        draw = random.Random(f"{kind} {seed}")
        for number in range(count * (2 if make is convolution else 1)):
            shape, arguments = make(draw, kind)
            yield kind, f"{kind} {number + 1}", shape, arguments


def golden(count, seed):
    found = []
    for kind in KINDS:
        own = [(name, shape, arguments) for one, name, shape, arguments in cases(count, seed) if one == kind]
        found += layers.golden(kind, own)["cases"]
    return {"seed": layers.SEED, "cases": found}
