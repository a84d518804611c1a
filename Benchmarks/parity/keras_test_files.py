"""Writes the small files of Tests/KerasFiles: of Keras 3, and with TF_USE_LEGACY_KERAS=1 of Keras 2; and damaged ones.

    keras_test_files.py FOLDER [NAME ...]              with Keras 3
    TF_USE_LEGACY_KERAS=1 keras_test_files.py FOLDER [NAME ...]     with tf_keras

Each model has its file, and NAME.npz with inputs and predictions.
"""

import json
import os
import pathlib
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
LEGACY = os.environ.get("TF_USE_LEGACY_KERAS") == "1"

import h5py  # noqa: E402
import numpy  # noqa: E402

if LEGACY:
    import tf_keras as keras
else:
    import keras
layers = keras.layers


def floats(*shape, seed=0):
    return numpy.random.default_rng(seed).normal(size=shape).astype("float32")


def expect(folder, name, model, data):
    """Predictions of three samples."""
    inputs = {tensor.name.split(":")[0]: data[tensor.name.split(":")[0]] for tensor in model.inputs}
    order = [inputs[tensor.name.split(":")[0]] for tensor in model.inputs]
    if isinstance(getattr(model, "_inputs_struct", None), dict):
        order = [inputs]
    found = model.predict(order if len(order) > 1 else order[0], verbose=0)
    if isinstance(found, dict):
        outputs = found
    else:
        outputs = dict(zip(model.output_names, found if isinstance(found, (list, tuple)) else [found]))
    numpy.savez(folder / f"{name}.npz", **inputs, **outputs)


def two_heads():
    image, table = keras.Input((6, 6, 1), name="image"), keras.Input((3,), name="table")
    x = layers.Flatten()(layers.MaxPooling2D()(layers.Conv2D(2, 3, activation="relu", name="conv1")(image)))
    x = layers.BatchNormalization()(layers.Concatenate()([x, table]))
    hidden = layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.l2(0.01))(x)
    network = keras.Model([image, table], [layers.Dense(3, activation="softmax", name="kind")(hidden),
                                           layers.Dense(2, name="box")(hidden)])
    network.compile(keras.optimizers.Adam(0.01), {"kind": "sparse_categorical_crossentropy", "box": "mse"},
                    loss_weights={"kind": 1.0, "box": 0.5}, metrics={"kind": ["accuracy"], "box": ["mae"]})
    network.fit([floats(12, 6, 6, 1), floats(12, 3)], [numpy.arange(12) % 3, floats(12, 2)], verbose=0)
    return network, {"image": floats(3, 6, 6, 1, seed=1), "table": floats(3, 3, seed=2)}


def nested():
    inner = keras.Input((4,), name="inner")
    x = layers.BatchNormalization(name="norm")(layers.Dense(3, activation="relu", name="first")(inner))
    encoder = keras.Model(inner, layers.Dense(2, name="code", trainable=False)(x), name="encoder")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    joined = layers.Concatenate(name="joined")([encoder(a), encoder(b)])
    network = keras.Model([a, b], layers.Dense(1, name="same")(joined))
    network.compile("sgd", "mse")
    network.fit([floats(8, 4), floats(8, 4, seed=3)], floats(8, 1), verbose=0)
    return network, {"a": floats(3, 4, seed=1), "b": floats(3, 4, seed=2)}


def sequence():
    words = keras.Input((5,), name="words", dtype="int32")
    x = layers.Embedding(7, 3, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(2))(x)
    network = keras.Model(words, layers.Dense(1, activation="sigmoid", name="answer")(layers.LSTM(2)(x)))
    network.compile("adam", "binary_crossentropy")
    return network, {"words": numpy.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [3, 0, 0, 0, 0]], "int32")}


def open_axes():
    words, table = keras.Input((None,), name="words", dtype="int32"), keras.Input((2,), name="table")
    x = layers.Concatenate()([layers.LSTM(2)(layers.Embedding(7, 3)(words)), table])
    network = keras.Model({"words": words, "table": table}, {"answer": layers.Dense(1)(x)})
    network.compile("adam", {"answer": "mse"})
    return network, {"words": numpy.array([[1, 2, 3, 0], [4, 5, 6, 1], [3, 0, 0, 0]], "int32"), "table": floats(3, 2)}


def operations():
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    w = layers.Dense(4)(x)
    q = keras.ops.concatenate([2.0 * w - y / 3.0, keras.ops.square(w), w[:, 1:3]], axis=-1)
    return keras.Model([x, y], layers.Dense(1, name="out")(1.0 - q)), {"x": floats(3, 4), "y": floats(3, 4, seed=1)}


def compositions():
    """Operations that mio computes by several layers."""
    ops = keras.ops
    words, x = keras.Input((5,), name="words", dtype="int32"), keras.Input((5, 3), name="x")
    w = layers.Dense(3, name="mix")(x)
    known = ops.cast(ops.not_equal(words, 0), "float32")
    mean = ops.sum(w * ops.expand_dims(known, -1), axis=1) / ops.maximum(ops.sum(known, axis=1, keepdims=True), 1.0)
    both = ops.logical_and(w > 0.0, x <= 0.5)
    parts = [
        mean, ops.where(w >= 0.1, w, 0.5 * x), ops.where(ops.logical_or(both, ops.logical_not(w < x)), 1.0, x), ops.softmax(w, axis=1),
        ops.var(w, axis=1), ops.std(w, axis=-1, keepdims=True), ops.normalize(w, axis=-1), ops.swapaxes(w, 1, 2),
        ops.moveaxis(w, 2, 1), ops.repeat(w[:, :1], 4, axis=1), ops.repeat(w, 2, axis=-1), ops.tile(w, (1, 2, 3)),
        ops.zeros_like(w) + ops.ones_like(x), ops.log2(ops.abs(w) + 1.0), ops.log10(ops.exp(w)), ops.leaky_relu(w, 0.3),
        ops.elu(w), ops.gelu(w), ops.gelu(w, approximate=False), ops.log_sigmoid(w), ops.hard_tanh(w),
        ops.cast(ops.equal(words, 3), "float32"), ops.cast(ops.any(both, axis=1), "float32"), ops.convert_to_tensor(w)]
    flat = [part if len(part.shape) == 2 else layers.Flatten()(part) for part in parts]
    q = ops.concatenate(flat, axis=-1)
    data = {"words": numpy.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [0, 0, 0, 0, 0]], "int32"), "x": floats(3, 5, 3)}
    return keras.Model([words, x], [q, layers.Dense(2, name="out")(q)]), data


def deferred():
    """Models whose inputs get their sizes where they are called, one by a dictionary, and one on each picture of a clip."""
    picture, facts = keras.Input((None, None, 1), name="picture"), keras.Input((2,), name="facts")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3, activation="relu", name="conv")(picture))
    inner = keras.Model({"picture": picture, "facts": facts}, layers.Dense(3, name="out")(layers.Concatenate()([x, facts])), name="inner")
    cnn = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)], name="cnn")
    left, table, clip = keras.Input((6, 6, 1), name="left"), keras.Input((2,), name="table"), keras.Input((4, 6, 6, 1), name="clip")
    y = layers.LSTM(2)(layers.TimeDistributed(cnn, name="each")(clip))
    joined = layers.Concatenate()([inner({"facts": table, "picture": left}), y])
    network = keras.Model([left, table, clip], [layers.Dense(2, name="p")(joined), layers.Dense(1, name="q")(joined)])
    network.compile("adam", ["mse", "mse"])
    data = {"left": floats(3, 6, 6, 1), "table": floats(3, 2, seed=1), "clip": floats(3, 4, 6, 6, 1, seed=2)}
    network.fit(list(data.values()), [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def experts():
    """Operations that mio computes by several layers, or leaves out, beside layers with weights at the same depth: an optimizer's
    variables have Keras' order of layers."""
    ops = keras.ops
    x = keras.Input((6,), name="x")
    gate = layers.Dense(3, activation="softmax", name="gate")(x)
    stacked = ops.stack([layers.Dense(4, name=f"expert_{k}")(x) for k in range(3)], axis=1)
    mixed = ops.sum(ops.expand_dims(gate, -1) * stacked, axis=1)
    later = ops.relu(layers.Dense(4, name="early", bias_initializer="ones")(x))
    spread = ops.std(layers.Dense(4, name="late")(x), axis=-1, keepdims=True)
    plain = ops.convert_to_tensor(ops.cast(layers.Dense(4, name="same")(x), "float32"))
    joined = layers.Concatenate()([mixed, later * spread, plain])
    network = keras.Model(x, [layers.Dense(2, name="p")(joined), layers.Dense(1, name="q")(joined)])
    network.compile("adam", ["mse", "mse"])
    data = {"x": floats(3, 6)}
    network.fit(data["x"], [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def towers():
    """Embeddings in models that do not say that they take integers, a mask that leaves out nothing, scores that nobody reads,
    and metrics that count in whole numbers."""
    user, words = keras.Input((1,), name="user", dtype="int32"), keras.Input((4,), name="words", dtype="int32")
    facts = keras.Input((4, 3), name="facts")
    tower = keras.Sequential([layers.Embedding(9, 4), layers.Flatten(), layers.Dense(3)], name="tower")(user)
    x = layers.Concatenate()([layers.Embedding(9, 4, mask_zero=True)(words), facts])
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    y, _ = layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
    joined = layers.Concatenate()([tower, layers.GlobalAveragePooling1D()(y)])
    network = keras.Model([user, words, facts], [
        layers.Dense(3, activation="softmax", name="p")(joined), layers.Dense(1, name="q")(joined)])
    network.compile("adam", ["sparse_categorical_crossentropy", "mse"], metrics=[
        [keras.metrics.MeanIoU(3, sparse_y_pred=False)], [keras.metrics.BinaryAccuracy(threshold=0.0), keras.metrics.BinaryIoU()]])
    data = {
        "user": numpy.array([[1], [0], [8]], "int32"), "facts": floats(3, 4, 3),
        "words": numpy.array([[1, 2, 0, 0], [4, 5, 6, 1], [0, 0, 0, 0]], "int32")}
    network.fit([data["user"], data["words"], data["facts"]], [numpy.array([0, 1, 2]), floats(3, 1, seed=6)], verbose=0)
    return network, data


def unmasked():
    """Calls that Keras gives no mask though their tensor has one: operations, and sequences with a state to begin with. And a
    backbone of which some layers are trained again."""
    ops = keras.ops
    words, image = keras.Input((5,), name="words", dtype="int32"), keras.Input((3,), name="image")
    masked = layers.Embedding(9, 4, mask_zero=True, embeddings_initializer="glorot_normal")(words)
    state = layers.Dense(3, activation="tanh")(image)
    decoded = layers.LSTM(3, return_sequences=True)(masked, initial_state=[state, state])
    both = layers.Bidirectional(layers.GRU(2))(masked, initial_state=[state[:, :2], state[:, 1:]])
    rectified = layers.GRU(3)(ops.relu(masked))
    joined = layers.LSTM(2)(ops.concatenate([masked, masked * 2], axis=-1))
    same = layers.SimpleRNN(2)(ops.convert_to_tensor(masked))
    weights = ops.softmax(layers.Dense(1)(masked), axis=1)
    pooled = ops.sum(weights * masked, axis=1)
    kept = layers.LSTM(2)(layers.Activation("relu")(masked))
    backbone = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="relu", name="low"),
                                 layers.Dense(3, activation="relu", name="top")], name="backbone")
    backbone.trainable = False
    backbone.get_layer("top").trainable = True
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(decoded), both, rectified, joined, same, pooled, kept,
                              backbone(image)])
    network = keras.Model([words, image], [layers.Dense(2, name="p")(x), layers.Dense(1, name="q")(x)])
    network.compile("adam", ["mse", "mse"])
    data = {"words": numpy.array([[1, 2, 0, 0, 0], [4, 0, 6, 1, 0], [3, 7, 8, 2, 5]], "int32"), "image": floats(3, 3)}
    network.fit(list(data.values()), [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def fields():
    """Embeddings of parts of inputs: of whole numbers, and of real ones that a cast cuts."""
    ops = keras.ops
    numbers, table = keras.Input((4,), name="numbers", dtype="int32"), keras.Input((3,), name="table")
    extra = keras.Input((2, 2), name="extra", dtype="int32")
    first = layers.Embedding(5, 3)(numbers[:, 0])
    second, third = ops.split(numbers[:, 1:3], 2, axis=1)
    pair = layers.Embedding(20, 2)(ops.concatenate([second, layers.Flatten()(extra)[:, ::2], third], axis=1))
    last = layers.Embedding(7, 3)(ops.expand_dims(ops.cast(numbers[:, -1], "int64"), 1))
    cut = layers.Embedding(4, 3)(ops.cast(table[:, 1], "int32"))
    turned = layers.Embedding(9, 1)(layers.Permute((2, 1))(extra))
    joined = layers.Concatenate()([
        first, layers.Flatten()(pair), layers.Reshape((3,))(last), cut, layers.Flatten()(turned), table[:, 2:]])
    hidden = layers.Dense(4, activation="tanh")(joined)
    network = keras.Model([numbers, table, extra], [layers.Dense(2, name="p")(hidden), layers.Dense(1, name="q")(hidden)])
    network.compile("adam", ["mse", "mse"])
    data = {
        "numbers": numpy.array([[4, 19, 0, 6], [0, 3, 7, 0], [2, 8, 8, 5]], "int32"),
        "table": numpy.array([[0.5, 3.9, -1], [-7, 0.2, 2], [900, 2, 0.1]], "float32"),
        "extra": numpy.array([[[8, 1], [2, 3]], [[0, 0], [5, 6]], [[7, 4], [1, 8]]], "int32")}
    network.fit(list(data.values()), [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def sentences():
    """A model on each step that has operations on tensors, and layers that take several."""
    ops = keras.ops
    words = keras.Input((5, 4), name="words")
    weights = layers.Softmax(axis=1, name="weights")(layers.Dense(1)(layers.Dense(3, activation="tanh", name="hidden")(words)))
    dotted = layers.Flatten()(layers.Dot(axes=1)([weights, words]))
    spread = ops.std(words * weights, axis=1)
    own = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 2, name="own")(words, words))
    joined = layers.Concatenate()([dotted, spread, ops.relu(own), ops.sum(words, axis=1)])
    encoder = keras.Model(words, layers.Dense(3, name="code")(joined), name="sentence")
    pages = keras.Input((3, 5, 4), name="pages")
    y = layers.LSTM(2)(layers.TimeDistributed(encoder, name="each")(pages))
    network = keras.Model(pages, [layers.Dense(2, name="p")(y), layers.Dense(1, name="q")(y)])
    network.compile("adam", ["mse", "mse"])
    data = {"pages": floats(3, 3, 5, 4)}
    network.fit(data["pages"], [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def attention():
    """Every layer of attention, with masks."""
    words, memory = keras.Input((5,), name="words", dtype="int32"), keras.Input((3, 4), name="memory")
    x = layers.Embedding(7, 4, mask_zero=True)(words)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 3, name="own")(x, x)]))
    y = layers.MultiHeadAttention(2, 2, value_dim=3, output_shape=5, use_bias=False)(x, memory)
    z = layers.Attention(use_scale=True)([x, memory])
    w = layers.AdditiveAttention()([x, memory])
    joined = layers.GlobalAveragePooling1D()(layers.Concatenate()([y, z, w]))
    network = keras.Model([words, memory], [layers.Dense(2, name="p")(joined), layers.Dense(1, name="q")(joined)])
    network.compile("adam", ["mse", "mse"])
    data = {"words": numpy.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [3, 0, 0, 0, 0]], "int32"), "memory": floats(3, 3, 4)}
    network.fit([data["words"], data["memory"]], [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def recurrent():
    """Recurrent layers in wrappers and models, with states that are handed on."""
    signal, table = keras.Input((5, 3), name="signal"), keras.Input((2,), name="table")
    frame = keras.Sequential([layers.Dense(4, activation="tanh", name="in"), layers.Dense(3, name="out")], name="frame")
    x = layers.TimeDistributed(frame, name="each")(layers.Masking(0.0)(signal))
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode="mul", name="both")(x)
    x, h, c = layers.LSTM(3, return_sequences=True, return_state=True, name="first")(x)
    x = layers.LSTM(3, return_sequences=True, name="second")(x, initial_state=[h, c])
    inner = keras.Input((5, 3), name="inner")
    deep = keras.Model(inner, layers.SimpleRNN(2)(layers.GRU(3, reset_after=False, return_sequences=True)(inner)), name="deep")
    joined = layers.Concatenate()([deep(x), layers.Bidirectional(layers.LSTM(2), name="last")(x), table])
    network = keras.Model([signal, table], [layers.Dense(2, name="p")(joined), layers.Dense(1, name="q")(joined)])
    network.compile("rmsprop", ["mse", "mae"])
    signals = floats(3, 5, 3, seed=1)
    signals[1, 3:] = 0
    data = {"signal": signals, "table": floats(3, 2, seed=2)}
    network.fit([signals, data["table"]], [floats(3, 2, seed=5), floats(3, 1, seed=6)], verbose=0)
    return network, data


def joined(parts):
    return keras.layers.Concatenate(name="p")([part if len(part.shape) == 2 else layers.Flatten()(part) for part in parts])


def products():
    """TensorFlow's functions of matrices and parts of tensors, of which Keras 2 writes no shapes."""
    import tensorflow as tf
    back, a = keras.backend, keras.Input((4, 6), name="a")
    mix, one = layers.Dense(6, name="mix")(a), layers.Dense(1, name="one")(a)
    square = 0.2 * tf.matmul(layers.Dense(4, name="left")(a), layers.Dense(4, name="right")(a), transpose_b=True)
    parts = [
        tf.matmul(a, mix, transpose_b=True), tf.matmul(a, mix, transpose_a=True), square,
        tf.matmul(tf.transpose(square, [0, 2, 1]), square, transpose_a=True, transpose_b=True),
        tf.split(mix, [2, 4], axis=2)[1], tf.split(mix, [1, -1, 2], axis=-1)[1], tf.split(a * 2.0, 3, axis=2)[2],
        tf.reduce_max(tf.split(mix * 1.5, [3, 1], axis=1)[0], 1), tf.squeeze(one, -1), back.squeeze(one, 2),
        back.batch_dot(mix, a, axes=2), back.batch_dot(mix[:, 0], a[:, 1], axes=1)]
    return keras.Model(a, [joined(parts), layers.Dense(2, name="q")(layers.Flatten()(one))]), {"a": floats(3, 4, 6)}


def functions():
    """TensorFlow's functions after others, of which Keras 2 writes neither shapes nor types."""
    import tensorflow as tf
    words, a = keras.Input((4,), name="words", dtype="int32"), keras.Input((4, 6), name="a")
    mix = layers.Dense(6, name="mix")(a)
    parts = [
        tf.cast(words, tf.float32) * 0.1, tf.cast(mix, tf.float32), tf.cast(tf.not_equal(words, 0), tf.float32),
        tf.expand_dims(mix * 2.0, -1), tf.expand_dims(tf.reduce_mean(mix, 1), 1), tf.stack([mix * 2.0, a], axis=1),
        tf.where(mix > 0.1, mix, 0.1 * a), tf.clip_by_value(mix, -0.5, 0.5), tf.nn.leaky_relu(mix, 0.1), tf.nn.gelu(mix),
        tf.math.l2_normalize(mix, axis=-1), tf.math.l2_normalize(mix * 1e-3, axis=1, epsilon=1e-4), tf.tile(mix, [1, 2, 1]),
        tf.repeat(mix, 2, axis=1), tf.zeros_like(a) + tf.nn.softsign(mix), 1.0 / (tf.abs(mix) + 1.0), 2.0 - mix]
    data = {"words": numpy.array([[1, 2, 0, 0], [4, 5, 6, 1], [0, 0, 0, 0]], "int32"), "a": floats(3, 4, 6)}
    return keras.Model([words, a], [joined(parts), layers.Dense(2, name="q")(layers.Flatten()(a))]), data


def leftovers():
    """Arguments that Keras 2 writes and does not read; losses and metrics that are objects."""
    x = keras.Input((6, 6, 2), name="x")
    y = layers.SpatialDropout2D(0.2)(layers.SeparableConv2D(3, 2, activation="relu")(x))
    steps = layers.SpatialDropout1D(0.1)(layers.SeparableConv1D(2, 2)(layers.Reshape((25, 3))(y)))
    each = layers.TimeDistributed(layers.SeparableConv1D(2, 2), name="each")(x)
    both = layers.Concatenate()([layers.Flatten()(steps), layers.Flatten()(each)])
    network = keras.Model(x, [layers.Dense(2, name="p")(both), layers.Dense(1, name="q")(both)])
    network.compile(
        "adam", {"p": keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), "q": keras.losses.Huber(2.0)},
        metrics={"p": ["mae", keras.metrics.AUC(from_logits=True)], "q": [keras.metrics.MeanSquaredError(name="far")]})
    return network, {"x": floats(3, 6, 6, 2)}


def refused_arguments():
    """Several compile arguments that mio does not have."""
    x = keras.Input((3,), name="x")
    network = keras.Model(x, [layers.Dense(2, name="p")(x), layers.Dense(1, name="q")(x)])
    network.compile(
        keras.optimizers.legacy.Nadam(), {"p": keras.losses.MeanSquaredError(reduction="none"), "q": "mse"},
        metrics={"p": [keras.metrics.MeanRelativeError([1.0, 1.0])]})
    return network, {"x": floats(3, 3)}


def legacy_optimizer(optimizer):
    """State of an optimizer of TensorFlow 2.10 and before, whose numbers all differ."""
    x = keras.Input((3,), name="x")
    inner = keras.Sequential([layers.Dense(4, activation="tanh", name="in"), layers.BatchNormalization(name="norm")], name="inner")
    hidden = inner(x)
    network = keras.Model(x, [layers.Dense(2, name="p")(hidden), layers.Dense(1, name="q")(hidden)])
    network.compile(optimizer, ["mse", "mse"])
    for step in range(3):
        network.train_on_batch(floats(8, 3, seed=step), [floats(8, 2, seed=step + 10), floats(8, 1, seed=step + 20)])
    return network, {"x": floats(3, 3)}


def legacy_adam():
    return legacy_optimizer(keras.optimizers.legacy.Adam(0.01, decay=0.1, amsgrad=True))


def legacy_adamax():
    return legacy_optimizer(keras.optimizers.legacy.Adamax(0.01))


def legacy_nadam():
    return legacy_optimizer(keras.optimizers.legacy.Nadam(0.01))


def constants():
    """Constants that are arrays, and an epsilon of its own."""
    ops = keras.ops
    x = keras.Input((4, 6), name="x")
    w = layers.Dense(6, name="mix")(x)
    numbers = numpy.arange(6, dtype="float32") - 2
    truths = numpy.array([True, False, True] * 2)
    parts = [
        ops.where(w > 0.1, w, numbers), ops.where(w > 0.1, numbers, -numbers), ops.where(truths, w, x), ops.where(truths, w, 0.25),
        ops.where(truths, numbers, w), ops.where(w > 0.1, ops.convert_to_tensor([[numbers]]), 2.0 * w),
        ops.normalize(w * 1e-3, axis=-1, epsilon=1e-2), ops.normalize(w, axis=1), ops.normalize(w * 1e-9, axis=-1)]
    q = ops.concatenate(parts, axis=-1)
    data = {"x": floats(3, 4, 6)}
    return keras.Model(x, [layers.Flatten(name="p")(q), layers.Dense(2, name="q")(layers.Flatten()(x))]), data


def everyday():
    """What people write without a second thought: guarded divisions, a matrix as first weights, whole numbers among others,
    no metrics for an output, the same metric weighted, steps that are not whole."""
    ops = keras.ops
    x, ids = keras.Input((4,), name="x"), keras.Input((3,), name="ids", dtype="int32")
    a, b = x[:, :2], x[:, 2:]
    guarded = ops.where(b > 0.0, ops.log(b), 0.0) + ops.where(x[:, 0:1], a / x[:, 0:1], a)
    table = layers.Embedding(5, 2, embeddings_initializer=keras.initializers.Constant(floats(5, 2)), name="table")(ids)
    known = numpy.array([True, False])
    mixed = layers.Concatenate()([ids, guarded, layers.Flatten()(table), ids / 2, ops.where(known, ops.log(b * b), a)])
    p = layers.Dense(2, name="p")(layers.Dense(3, name="codes")(ids))
    network = keras.Model([x, ids], [p, layers.Dense(1, activation="sigmoid", name="q")(mixed)])
    network.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, decay_steps=312.5, warmup_target=0.2, warmup_steps=2.5)),
        ["mse", "binary_crossentropy"], metrics=[None, ["accuracy", "accuracy"]], weighted_metrics=[None, ["accuracy", "mae"]])
    # Also where a guard is needed.
    return network, {"x": numpy.array([[1, 2, 3, -4], [0, 1, -1, 2], [-1, 0.5, 0.5, -3]], "float32"),
                     "ids": numpy.array([[0, 1, 2], [4, 0, 3], [1, 1, 1]], "int32")}


def refused():
    """A product with a constant matrix, and an infinite constant."""
    ops = keras.ops
    x = keras.Input((4, 6), name="x")
    y = ops.matmul(x, numpy.ones((6, 2), "float32"))
    return keras.Model(x, [y, ops.where(x > 0.0, x, -numpy.inf)]), {"x": floats(3, 4, 6)}


def unknown():
    """What mio does not have, in several places."""
    x = keras.Input((4,), name="x")
    y = layers.Lambda(lambda t: t * 2, name="doubled", output_shape=(4,))(x)
    y = layers.Dense(4, name="plain")(y)
    y = layers.Dense(3, name="wide", dtype="float64")(y)
    y = Own(3, name="own")(y)
    return keras.Model(x, y), {"x": floats(3, 4)}


if not LEGACY:
    @keras.saving.register_keras_serializable("Mine")
    class Own(layers.Layer):
        def __init__(self, units, **arguments):
            super().__init__(**arguments)
            self.units = units

        def call(self, x):
            return x

        def get_config(self):
            return {**super().get_config(), "units": self.units}


def write(path, members):
    """Deflated, which Keras reads too: HDF5 has much air in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def damaged(folder):
    """Copies of two_heads.keras, each with something that no file of Keras has."""
    with zipfile.ZipFile(folder / "two_heads.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def weights(change):
        path = folder / "scratch.h5"
        path.write_bytes(members["model.weights.h5"])
        with h5py.File(path, "r+") as file:
            change(file)
        content = path.read_bytes()
        path.unlink()
        return {**members, "model.weights.h5": content}

    def replace(file, link):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = link

    def huge(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", shape=(1 << 38,), dtype="f4", chunks=(1024,))

    def external(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", shape=(11, 4), dtype="f4", external=[("/etc/passwd", 0, 176)])

    def virtual(file):
        del file["layers/dense/vars/0"]
        layout = h5py.VirtualLayout((11, 4), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(11, 4))
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    def cycle(file):
        file["layers/again"] = file["layers"]

    write(folder / "soft-link.keras", weights(lambda file: replace(file, h5py.SoftLink("/layers/dense/vars/1"))))
    write(folder / "external-link.keras", weights(lambda file: replace(file, h5py.ExternalLink("/etc/passwd", "/x"))))
    write(folder / "huge.keras", weights(huge))
    write(folder / "external.keras", weights(external))
    write(folder / "virtual.keras", weights(virtual))
    write(folder / "cycle.keras", weights(cycle))
    write(folder / "truncated-weights.keras", {**members, "model.weights.h5": members["model.weights.h5"][:9000]})
    write(folder / "no-config.keras", {"metadata.json": members["metadata.json"]})
    write(folder / "bad-json.keras", {**members, "config.json": members["config.json"][:-40]})
    write(folder / "deep-json.keras", {**members, "config.json": b"[" * 100000})
    (folder / "truncated.keras").write_bytes((folder / "two_heads.keras").read_bytes()[:4000])
    with zipfile.ZipFile(folder / "bomb.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content if name != "config.json" else b" " * (65 << 20))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:]
    both = [two_heads, nested, sequence, attention, recurrent]
    legacy = both + [products, functions, leftovers, legacy_adam, legacy_adamax, legacy_nadam, refused_arguments]
    for make in legacy if LEGACY else both + [
            open_axes, operations, compositions, deferred, experts, towers, sentences, fields, constants, everyday, refused]:
        if names and make.__name__ not in names:
            continue
        keras.backend.clear_session()
        keras.utils.set_random_seed(3)
        model, data = make()
        name = make.__name__ + ("-2" if LEGACY else "")
        model.save(folder / f"{name}{'.h5' if LEGACY else '.keras'}")
        if make is nested:
            model.save_weights(folder / f"{name}.weights.h5")
            if not LEGACY:
                model.save(folder / f"{name}-3.h5")
        if make is not refused:
            expect(folder, name, model, data)
    if not names and not LEGACY:
        unknown()[0].save(folder / "unknown.keras")
        damaged(folder)


if __name__ == "__main__":
    main()
