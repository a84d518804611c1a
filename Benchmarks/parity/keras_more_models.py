"""More of scripts/parity --models: the kinds of models that Keras' code examples and its users' projects have."""

import keras
import numpy
from keras import layers, ops

from keras_models import COUNT, classes, floats, model, random


@model
def tabular_transformer():
    """Categories as tokens, a transformer block, and numbers beside it."""
    categories = [keras.Input((1,), name=f"category_{index}", dtype="int32") for index in range(4)]
    numbers = keras.Input((3,), name="numbers")
    tokens = layers.Concatenate(axis=1)([layers.Embedding(9, 8)(category) for category in categories])
    for _ in range(2):
        attended = layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.0)(tokens, tokens)
        tokens = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([attended, tokens]))
        forward = layers.Dense(8)(layers.Dense(16, activation="gelu")(tokens))
        tokens = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([forward, tokens]))
    x = layers.Concatenate()([layers.Flatten()(tokens), layers.LayerNormalization()(numbers)])
    x = layers.Dense(12, activation="selu")(x)
    network = keras.Model(
        categories + [numbers],
        {"income": layers.Dense(1, activation="sigmoid", name="income")(x), "hours": layers.Dense(1, name="hours")(x)})
    network.compile(
        keras.optimizers.AdamW(0.003, weight_decay=1e-3), {"income": "binary_crossentropy", "hours": keras.losses.Huber(0.5)},
        metrics={"income": [keras.metrics.AUC(name="auc"), "accuracy"]})
    return network, {**{f"category_{index}": classes(9, COUNT, 1, seed=index) for index in range(4)},
                     "numbers": floats(COUNT, 3), "income": classes(2, COUNT, 1, seed=8).astype("float32"),
                     "hours": floats(COUNT, 1, seed=9)}, {}


@model
def two_towers():
    """A user and an item, whose normalized vectors meet in a product."""
    user, item = keras.Input((), name="user", dtype="int64"), keras.Input((), name="item", dtype="int64")
    price = keras.Input((1,), name="price")
    u = layers.Dense(6)(layers.Embedding(20, 8, name="users")(user))
    i = layers.Concatenate()([layers.Embedding(30, 8, name="items")(item), price])
    i = layers.Dense(6)(layers.Dense(10, activation="relu")(i))
    score = layers.Dot(axes=1, normalize=True)([layers.UnitNormalization()(u), i])
    network = keras.Model(
        {"user": user, "item": item, "price": price},
        {"click": layers.Activation("sigmoid", name="click")(score), "rating": layers.Dense(1, name="rating")(u * i)})
    network.compile(keras.optimizers.Adagrad(0.05), {"click": "binary_crossentropy", "rating": "mse"},
                    loss_weights={"click": 1.0, "rating": 0.3})
    return network, {"user": classes(20, COUNT).astype("int64"), "item": classes(30, COUNT, seed=2).astype("int64"),
                     "price": floats(COUNT, 1), "click": classes(2, COUNT, 1, seed=3).astype("float32"),
                     "rating": floats(COUNT, 1, seed=4)}, {}


@model
def factorization_machine():
    """One matrix of field numbers, a table whose first column is one as well, and products of all pairs."""
    fields, table = keras.Input((5,), name="fields", dtype="int32"), keras.Input((4,), name="table")
    vectors = [layers.Embedding(6 + index, 4, name=f"field_{index}")(fields[:, index:index + 1]) for index in range(5)]
    vectors.append(layers.Embedding(3, 4, name="region")(ops.cast(table[:, 0:1], "int32")))
    x = ops.concatenate(vectors, axis=1)
    linear = ops.sum(layers.Embedding(6, 1, name="linear")(fields), axis=1)
    pairs = ops.square(ops.sum(x, axis=1)) - ops.sum(ops.square(x), axis=1)
    deep = layers.Dense(8, activation="relu")(layers.Concatenate()([layers.Flatten()(x), table[:, 1:]]))
    click = layers.Dense(1, activation="sigmoid", name="click")(layers.Concatenate()([linear, pairs, deep]))
    spend = layers.Dense(1, name="spend")(deep)
    network = keras.Model([fields, table], [click, spend])
    network.compile(keras.optimizers.Adam(0.01), ["binary_crossentropy", "mse"])
    numbers = numpy.concatenate([classes(3, COUNT, 1, seed=5) + 0.25, floats(COUNT, 3)], axis=1).astype("float32")
    return network, {"fields": classes(6, COUNT, 5), "table": numbers, "click": classes(2, COUNT, 1, seed=3).astype("float32"),
                     "spend": floats(COUNT, 1, seed=4)}, {}


@model
def guards():
    """Divisions and logarithms that are guarded, on hidden units too; whole numbers among others; a matrix as first weights; a
    schedule of steps that are not whole, and metrics that an output lacks or has twice."""
    table, codes = keras.Input((6,), name="table"), keras.Input((4,), name="codes", dtype="int32")
    a, b = table[:, :3], table[:, 3:]
    ratio = ops.where(b > 0.0, a / b, 0.0) + ops.where(b > 0.0, ops.log(b), -1.0)
    words = layers.Embedding(
        7, 3, embeddings_initializer=keras.initializers.Constant(floats(7, 3, seed=6)), name="words")(codes)
    x = layers.Concatenate()([codes, ratio, layers.Flatten()(words), codes / 4])
    hidden = layers.Dense(8)(x)
    known = ops.where(hidden, hidden, 1.0)
    hidden = ops.where(hidden > 0.25, hidden, 0.5 * known) + ops.where(numpy.arange(8) % 2 == 0, ops.square(known), hidden)
    network = keras.Model(
        [table, codes], [layers.Dense(1, activation="sigmoid", name="click")(hidden), layers.Dense(2, name="box")(hidden)])
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(
            0.001, decay_steps=22.5, warmup_target=0.01, warmup_steps=4.5)),
        ["binary_crossentropy", "mse"], metrics=[["accuracy", "accuracy"], None], weighted_metrics=[["accuracy", "mae"], None])
    return network, {"table": floats(COUNT, 6), "codes": classes(7, COUNT, 4),
                     "click": classes(2, COUNT, 1, seed=3).astype("float32"), "box": floats(COUNT, 2, seed=4)}, {}


@model
def unet():
    """A mask for each pixel and a class for the picture; pixels of one byte."""
    image = keras.Input((16, 16, 3), name="image", dtype="uint8")
    x = layers.Rescaling(1 / 255)(image)
    first = layers.SeparableConv2D(6, 3, padding="same", activation="relu")(layers.Conv2D(6, 3, padding="same")(x))
    second = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    deep = layers.SpatialDropout2D(0.0)(layers.Conv2D(8, 3, padding="same", dilation_rate=2)(layers.MaxPooling2D()(second)))
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same")(deep)
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Concatenate()([x, second])))
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2D(6, 3, padding="same")(layers.Concatenate()([x, first]))
    network = keras.Model(image, [layers.Conv2D(3, 1, activation="softmax", name="mask")(x),
                                  layers.Dense(2, name="kind")(layers.GlobalMaxPooling2D()(deep))])
    network.compile(
        keras.optimizers.RMSprop(0.001, momentum=0.5),
        ["sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy(from_logits=True)],
        metrics=[["accuracy"], [keras.metrics.SparseCategoricalAccuracy(name="hits")]])
    return network, {"image": random().integers(0, 256, (COUNT, 16, 16, 3)).astype("uint8"),
                     "mask": classes(3, COUNT, 16, 16), "kind": classes(2, COUNT, seed=2)}, {}


@model
def wide_and_deep():
    wide, deep = keras.Input((12,), name="wide_input"), keras.Input((6,), name="deep-input")
    x = layers.Normalization(name="scaled")
    x.adapt(floats(50, 6, seed=9) * 3 + 1)
    x = x(deep)
    for units in (16, 8):
        x = layers.PReLU()(layers.Dense(units, kernel_initializer="he_normal", name=f"deep.{units}")(x))
        x = layers.GaussianNoise(0.0)(x)
    joined = layers.concatenate([layers.Dense(1, use_bias=False)(wide), x])
    network = keras.Model([wide, deep], [layers.Dense(1, name="main.output")(joined), layers.Dense(1, name="aux")(x)])
    network.compile(keras.optimizers.Ftrl(0.05), loss=["mse", "mae"], loss_weights=[0.9, 0.1],
                    metrics=[[keras.metrics.RootMeanSquaredError()], []])
    return network, {"wide_input": floats(COUNT, 12), "deep-input": floats(COUNT, 6, seed=2) * 3 + 1,
                     "main.output": floats(COUNT, 1, seed=3), "aux": floats(COUNT, 1, seed=4)}, {}


@model
def frames():
    """A video: convolutions of every frame, then LSTMs both ways."""
    video = keras.Input((5, 8, 8, 1), name="video")
    frame = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()], name="frame")
    x = layers.TimeDistributed(frame)(video)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")(x)
    x = layers.Bidirectional(layers.GRU(3), merge_mode="ave")(x)
    network = keras.Model(video, [layers.Dense(3, activation="softmax", name="action")(x), layers.Dense(2, name="place")(x)])
    network.compile(keras.optimizers.Nadam(0.003), ["categorical_crossentropy", "mse"], metrics=[["categorical_accuracy"], []])
    return network, {"video": floats(COUNT, 5, 8, 8, 1), "action": numpy.eye(3, dtype="float32")[classes(3, COUNT)],
                     "place": floats(COUNT, 2, seed=2)}, {}


@model
def attention_pooling():
    """Words whose weights a layer and operations on tensors compute."""
    words = keras.Input((7,), name="words", dtype="int32")
    x = layers.Embedding(25, 6)(words)
    scores = layers.Dense(1)(layers.Dense(4, activation="tanh")(x))
    weights = ops.softmax(scores, axis=1)
    pooled = ops.sum(x * weights, axis=1)
    gate = ops.sigmoid(layers.Dense(6)(pooled))
    pooled = ops.where(pooled > 0.0, pooled * gate, 0.1 * pooled)
    network = keras.Model(words, {"tone": layers.Dense(3, activation="softmax", name="tone")(pooled), "weights": ops.squeeze(weights, -1)})
    network.compile(keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9), {"tone": "sparse_categorical_crossentropy", "weights": "mse"})
    return network, {"words": classes(25, COUNT, 7), "tone": classes(3, COUNT), "weights": random(2).random((COUNT, 7)).astype("float32")}, {}


@model
def dictionary_and_single():
    """Inputs as a dictionary whose keys are not the layers' names, one of them an output's only source."""
    a, b = keras.Input((4,), name="first_input"), keras.Input((4,), name="second_input")
    x = layers.Dense(3, activation="softplus")(layers.Average()([a, b]))
    network = keras.Model({"left": a, "right": b}, {"y": layers.Dense(1)(x), "z": layers.Dense(2)(layers.Maximum()([a, b]))})
    network.compile(keras.optimizers.SGD(0.01, momentum=0.8, nesterov=True, weight_decay=0.01), {"y": "mse", "z": "log_cosh"})
    return network, {"left": floats(COUNT, 4), "right": floats(COUNT, 4, seed=2), "y": floats(COUNT, 1, seed=3),
                     "z": floats(COUNT, 2, seed=4)}, {}


@model
def nested_sequentials():
    """Sequentials in a Sequential, with convolutions of sequences."""
    block = lambda filters, name: keras.Sequential(  # noqa: E731
        [layers.Conv1D(filters, 3, padding="causal", dilation_rate=2), layers.ReLU(max_value=4.0), layers.LayerNormalization()],
        name=name)
    network = keras.Sequential(
        [keras.Input((12, 3), name="signal"), block(4, "block_a"), layers.AveragePooling1D(2), block(6, "block_b"),
         layers.ZeroPadding1D(1), layers.DepthwiseConv1D(3), layers.GlobalAveragePooling1D(), layers.Dense(2, name="levels")])
    network.compile(keras.optimizers.Adam(0.005, clipvalue=0.5), "mean_absolute_percentage_error")
    return network, {"signal": floats(COUNT, 12, 3), "levels": floats(COUNT, 2, seed=2) + 4}, {}


@model
def squeeze_and_excite():
    image = keras.Input((10, 10, 2), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, groups=2)(image)
    x = layers.Activation("swish")(layers.GroupNormalization(groups=4)(x))
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(8, 1, activation="hard_sigmoid")(layers.Conv2D(2, 1, activation="relu6")(s))
    x = layers.Multiply()([x, s])
    x = layers.Add()([x, layers.DepthwiseConv2D(3, padding="same", depthwise_regularizer="l2")(x)])
    x = layers.Flatten()(layers.Cropping2D(((1, 0), (0, 1)))(layers.ZeroPadding2D(1)(x)))
    network = keras.Model(image, [layers.Dense(4, activation="softmax", name="kind", kernel_constraint="max_norm")(x),
                                  layers.Dense(1, activation="exponential", name="count", kernel_initializer="zeros")(x)])
    network.compile(keras.optimizers.Adamax(0.002), [keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "poisson"],
                    metrics=[["accuracy", keras.metrics.TopKCategoricalAccuracy(2)], ["mae"]])
    return network, {"image": floats(COUNT, 10, 10, 2), "kind": numpy.eye(4, dtype="float32")[classes(4, COUNT)],
                     "count": classes(5, COUNT, 1, seed=2).astype("float32")}, {}


@model
def translation():
    """Two sequences with masks, and the attention of one to the other."""
    source, target = keras.Input((6,), name="source", dtype="int32"), keras.Input((5,), name="target", dtype="int32")
    encoded, h, c = layers.LSTM(8, return_sequences=True, return_state=True)(layers.Embedding(15, 6, mask_zero=True)(source))
    decoded = layers.LSTM(8, return_sequences=True)(layers.Embedding(18, 6, mask_zero=True)(target), initial_state=[h, c])
    context = layers.Attention(use_scale=True)([decoded, encoded])
    joined = layers.Concatenate()([decoded, context, layers.AdditiveAttention()([decoded, encoded])])
    network = keras.Model([source, target], layers.TimeDistributed(layers.Dense(18, activation="softmax"), name="next")(joined))
    network.compile(keras.optimizers.RMSprop(0.003), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    def texts(count, length, seed):
        words = classes(count - 1, COUNT, length, seed=seed) + 1
        for sample, size in enumerate(random(seed).integers(2, length + 1, COUNT)):
            words[sample, size:] = 0
        return words
    return network, {"source": texts(15, 6, 1), "target": texts(18, 5, 2), "next": classes(18, COUNT, 5, seed=3)}, {}


@model
def causal_transformer():
    """A decoder: causal attention, and attention to another sequence with a mask."""
    words, memory = keras.Input((6,), name="words", dtype="int32"), keras.Input((4, 8), name="memory")
    x = layers.Embedding(16, 8, mask_zero=True)(words)
    y = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x + y)
    y = layers.MultiHeadAttention(2, 3, value_dim=5, output_shape=8)(query=x, value=memory, key=memory)
    x = layers.LayerNormalization()(x + y)
    x = layers.LayerNormalization()(x + keras.Sequential([layers.Dense(12, activation="relu"), layers.Dense(8)])(x))
    network = keras.Model([words, memory], [layers.Dense(16, name="next")(x), layers.Dense(1, name="length")(x[:, 0])])
    network.compile(keras.optimizers.Lion(1e-3), [keras.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"])
    texts = classes(15, COUNT, 6) + 1
    texts[::3, 4:] = 0
    return network, {"words": texts, "memory": floats(COUNT, 4, 8), "next": classes(16, COUNT, 6, seed=2),
                     "length": floats(COUNT, 1, seed=3)}, {}


@model
def patches():
    """A small vision transformer and an MLP-mixer block, with a token of its own by concatenation."""
    image = keras.Input((12, 12, 3), name="image")
    tokens = layers.Reshape((9, 10))(layers.Conv2D(10, 4, strides=4)(image))
    tokens = ops.concatenate([ops.zeros_like(tokens[:, :1]), tokens], axis=1)
    x = layers.LayerNormalization()(tokens)
    tokens = tokens + layers.MultiHeadAttention(2, 5)(x, x)
    x = layers.Permute((2, 1))(layers.LayerNormalization()(tokens))
    tokens = tokens + ops.transpose(layers.Dense(10, activation="gelu")(x), (0, 2, 1))
    mean = ops.mean(tokens, axis=1)
    network = keras.Model(image, {"kind": layers.Dense(5, activation="softmax", name="kind")(tokens[:, 0]),
                                  "depth": layers.Dense(1, name="depth")(mean)})
    schedule = keras.optimizers.schedules.CosineDecay(1e-4, 40, warmup_target=3e-3, warmup_steps=5)
    network.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0), {"kind": "sparse_categorical_crossentropy", "depth": "mse"})
    return network, {"image": floats(COUNT, 12, 12, 3), "kind": classes(5, COUNT), "depth": floats(COUNT, 1, seed=2)}, {}


@model
def dense_blocks():
    """Joined features, and an output without a loss."""
    image = keras.Input((9, 9, 2), name="image")
    x = image
    for _ in range(3):
        y = layers.Conv2D(4, 3, padding="same")(layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x)))
        x = layers.Concatenate()([x, y])
    x = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    features = layers.GlobalAveragePooling2D(name="features")(x)
    network = keras.Model(image, {"kind": layers.Dense(3, activation="softmax")(features), "features": features})
    network.compile(keras.optimizers.SGD(0.01), {"kind": "sparse_categorical_crossentropy", "features": None},
                    metrics={"kind": ["accuracy"]})
    return network, {"image": floats(COUNT, 9, 9, 2), "kind": classes(3, COUNT), "features": floats(COUNT, 8, seed=2)}, {}


@model
def uncompiled():
    """Saved without `compile`: the job says what to train for."""
    a, b = keras.Input((5,), name="a"), keras.Input((3,), name="b")
    x = layers.Dense(6, activation="mish")(layers.Concatenate()([a, b]))
    network = keras.Model([a, b], [layers.Dense(2, name="p")(x), layers.Dense(3, activation="softmax", name="q")(x)])
    compile = lambda model: model.compile(  # noqa: E731
        keras.optimizers.Adam(0.004), ["mse", "sparse_categorical_crossentropy"], loss_weights=[0.5, 1.0])
    return network, {"a": floats(COUNT, 5), "b": floats(COUNT, 3, seed=2), "p": floats(COUNT, 2, seed=3),
                     "q": classes(3, COUNT)}, {
        "compile": compile, "job": {"optimizer": {"class": "Adam", "learning_rate": 0.004}, "outputs": {
            "p": {"loss": "mse", "weight": 0.5}, "q": {"loss": "sparse_categorical_crossentropy"}}}}


@model
def legacy_file():
    """Saved as HDF5 by Keras 3."""
    x, table = keras.Input((6, 4), name="x"), keras.Input((2,), name="table")
    y = layers.SimpleRNN(5, return_sequences=True, go_backwards=True)(x)
    y = layers.Concatenate()([layers.GRU(4, reset_after=False)(y), table])
    network = keras.Model([x, table], [layers.Dense(1, name="a")(y), layers.Dense(2, name="b")(y)])
    # Keras cannot go on with the optimizer of such a file.
    compile = lambda model: model.compile(keras.optimizers.Adam(0.01), ["mse", "mae"])  # noqa: E731
    return network, {"x": floats(COUNT, 6, 4), "table": floats(COUNT, 2, seed=2), "a": floats(COUNT, 1, seed=3),
                     "b": floats(COUNT, 2, seed=4)}, {
        "file": "model.h5", "compile": compile, "job": {
            "optimizer": {"class": "Adam", "learning_rate": 0.01}, "outputs": {"a": {"loss": "mse"}, "b": {"loss": "mae"}}}}


@model
def whisper():
    """Models in models in models, called on what others have computed, with names twice."""
    def tower(name, size):
        inner = keras.Input((size,), name="in")
        body = keras.Sequential([layers.Dense(4, activation="relu", name="dense"), layers.Dense(3, name="dense_1")], name="body")
        return keras.Model(inner, [body(inner), layers.Dense(2, name="dense")(inner)], name=name)
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    inner = keras.Input((5,), name="in")
    left, right = tower("left", 5)(inner)
    twins = keras.Model(inner, {"deep": left, "flat": right}, name="twins")
    one, two = twins(a), twins(b)
    x = layers.Concatenate()([one["deep"], two["deep"], layers.Subtract()([one["flat"], two["flat"]])])
    network = keras.Model([a, b], {"same": layers.Dense(1, name="same")(x), "near": layers.Dot(1)([one["deep"], two["deep"]])})
    network.compile(keras.optimizers.Adadelta(1.0), {"same": keras.losses.BinaryCrossentropy(from_logits=True), "near": "mse"})
    return network, {"a": floats(COUNT, 5), "b": floats(COUNT, 5, seed=2), "same": classes(2, COUNT, 1).astype("float32"),
                     "near": floats(COUNT, 1, seed=4)}, {}


@model
def dtype_policies():
    """Types given in all the ways that Keras takes them."""
    x = keras.Input((6,), name="x")
    y = layers.Dense(8, activation="relu", dtype="float32")(x)
    network = keras.Model(x, layers.Dense(1, dtype=keras.DTypePolicy("float32"), name="y")(y))
    network.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError(dtype="float32"), metrics=[keras.metrics.MeanAbsoluteError(dtype="float32")])
    return network, {"x": floats(COUNT, 6), "y": floats(COUNT, 1, seed=2)}, {}


@model
def weight_rules():
    """Regularizers and constraints in many places, an unused input, and layers that are frozen."""
    x, unused = keras.Input((6,), name="x"), keras.Input((2,), name="extra")
    y = layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.L1L2(1e-3, 1e-2), bias_regularizer="l2",
                     activity_regularizer=keras.regularizers.L2(1e-3), kernel_constraint=keras.constraints.UnitNorm())(x)
    y = layers.Dense(5, activation="tanh", trainable=False, name="fixed")(y)
    y = layers.BatchNormalization(gamma_regularizer="l1", beta_constraint="non_neg", scale=True)(y)
    y = layers.Concatenate()([y, layers.Identity()(unused)])
    network = keras.Model({"x": x, "extra": unused}, layers.Dense(2, name="y", kernel_constraint=keras.constraints.MinMaxNorm(0.1, 1.0))(y))
    network.compile(keras.optimizers.Adam(0.01), keras.losses.CosineSimilarity(axis=-1), metrics=["cosine_similarity"])
    return network, {"x": floats(COUNT, 6), "extra": floats(COUNT, 2, seed=2), "y": floats(COUNT, 2, seed=3)}, {}
