"""The two models of mio's design in Keras, and the data they are given here."""

import math

import keras

import tensors


def image_metadata(side=256):
    """Model 1: image (side, side, 3) and metadata (10) in, one answer out."""
    image = keras.Input((side, side, 3), name="image")
    metadata = keras.Input((10,), name="metadata")
    features = keras.layers.Conv2D(32, 3, activation="relu", name="conv1")(image)
    features = keras.layers.Conv2D(64, 3, activation="relu", name="conv2")(features)
    features = keras.layers.Flatten(name="flatten")(features)
    context = keras.layers.Dense(16, activation="relu", name="meta1")(metadata)
    context = keras.layers.Dense(32, activation="relu", name="meta2")(context)
    joined = keras.layers.Concatenate(name="joined")([features, context])
    answer = keras.layers.Dense(1, activation="sigmoid", name="answer")(joined)
    return keras.Model({"image": image, "metadata": metadata}, {"answer": answer})


def two_heads():
    """Model 2: one vector (100) in, a class of 10 and a box of 4 numbers out."""
    vector = keras.Input((100,), name="input")
    kind = keras.layers.Dense(32, activation="relu", name="kind_hidden")(vector)
    kind = keras.layers.Dense(10, activation="softmax", name="kind")(kind)
    box = keras.layers.Dense(64, activation="relu", name="box_hidden")(vector)
    box = keras.layers.Dense(4, activation="sigmoid", name="box")(box)
    return keras.Model({"input": vector}, {"kind": kind, "box": box})


def compile_image_metadata(model, optimizer):
    model.compile(optimizer=optimizer, loss={"answer": "binary_crossentropy"}, jit_compile=False)


def compile_two_heads(model, optimizer):
    model.compile(
        optimizer=optimizer,
        loss={"kind": "sparse_categorical_crossentropy", "box": "mean_squared_error"},
        loss_weights={"kind": 1.0, "box": 0.5},
        metrics={"kind": ["accuracy"], "box": ["mean_absolute_error"]},
        jit_compile=False,
    )


def image_metadata_batch(step, size, side):
    """Specifications of step `step`'s inputs and targets. Streams 2000 + 10 step + slot."""
    stream = 2000 + 10 * step
    inputs = {
        "image": tensors.uniform(stream + 0, (size, side, side, 3), -1, 1),
        "metadata": tensors.uniform(stream + 1, (size, 10), -1, 1),
    }
    return inputs, {"answer": tensors.classes(stream + 5, (size, 1), 2)}


def two_heads_batch(step, size):
    stream = 2000 + 10 * step
    inputs = {"input": tensors.uniform(stream + 0, (size, 100), -1, 1)}
    targets = {
        "kind": tensors.classes(stream + 5, (size,), 10),
        "box": tensors.uniform(stream + 6, (size, 4), 0, 1),
    }
    return inputs, targets


def start(weights):
    """Specifications of the initial weights, given with their paths: stream 1000 + i.

    Kernels as Glorot would, biases small and not zero, so that a mistaken order shows; factors and variances around 1.
    """
    specifications = []
    for index, (path, variable) in enumerate(weights):
        shape = tuple(variable.shape)
        limit = 0.05
        if len(shape) > 1:
            field = math.prod(shape[:-2])
            limit = math.sqrt(6 / (field * (shape[-2] + shape[-1])))
        low, high = (0.5, 1.5) if path.endswith(("/gamma", "/moving_variance")) else (-limit, limit)
        specifications.append({"path": path, **tensors.uniform(1000 + index, shape, low, high)})
    return specifications
