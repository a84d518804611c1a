"""The models that scripts/parity --models saves, trains and loads: what people build of Keras' parts."""

import keras
import numpy
from keras import layers, ops

MODELS = {}
COUNT = 80


def model(function):
    MODELS[function.__name__] = function
    return function


def random(seed=0):
    return numpy.random.default_rng(seed)


def floats(*shape, seed=0):
    return random(seed).normal(size=shape).astype("float32")


def classes(count, *shape, seed=1):
    return random(seed).integers(0, count, shape).astype("int32")


@model
def two_heads():
    image, metadata = keras.Input((8, 8, 1), name="image"), keras.Input((3,), name="metadata")
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu", name="conv1")(image))
    x = layers.Concatenate(name="joined")([layers.Flatten()(x), metadata])
    hidden = layers.Dense(8, activation="relu")(layers.BatchNormalization()(x))
    kind = layers.Dense(3, activation="softmax", name="kind")(hidden)
    box = layers.Dense(2, activation="sigmoid", name="box")(hidden)
    network = keras.Model([image, metadata], [kind, box])
    network.compile(
        keras.optimizers.Adam(0.005), loss={"kind": "sparse_categorical_crossentropy", "box": "mse"},
        loss_weights={"kind": 1.0, "box": 0.5}, metrics={"kind": ["accuracy"], "box": ["mae"]})
    data = {"image": floats(COUNT, 8, 8, 1), "metadata": floats(COUNT, 3, seed=2), "kind": classes(3, COUNT),
            "box": random(3).random((COUNT, 2)).astype("float32")}
    return network, data, {}


@model
def ticket_classifier():
    """Of Keras' functional guide; the texts have 20 and 30 words, whose number the file leaves open."""
    title, body = keras.Input((None,), name="title", dtype="int32"), keras.Input((None,), name="body", dtype="int32")
    tags = keras.Input((6,), name="tags")
    title_features = layers.LSTM(8)(layers.Embedding(50, 8)(title))
    body_features = layers.LSTM(6)(layers.Embedding(50, 8)(body))
    x = layers.concatenate([title_features, body_features, tags])
    priority = layers.Dense(1, name="priority")(x)
    department = layers.Dense(4, name="department")(x)
    network = keras.Model([title, body, tags], {"priority": priority, "department": department})
    network.compile(
        keras.optimizers.Adam(0.01),
        loss={"priority": keras.losses.BinaryCrossentropy(from_logits=True),
              "department": keras.losses.CategoricalCrossentropy(from_logits=True)},
        loss_weights={"priority": 1.0, "department": 0.2})
    data = {"title": classes(50, COUNT, 20), "body": classes(50, COUNT, 30, seed=2),
            "tags": classes(2, COUNT, 6, seed=3).astype("float32"),
            "priority": classes(2, COUNT, 1, seed=4).astype("float32"),
            "department": numpy.eye(4, dtype="float32")[classes(4, COUNT, seed=5)]}
    return network, data, {"inputs": {"title": {"shape": [20]}}}  # those of the body come from the data


@model
def shared_embedding():
    a, b = keras.Input((7,), name="a", dtype="int32"), keras.Input((7,), name="b", dtype="int32")
    embedding = layers.Embedding(30, 5)
    features = [layers.Flatten()(embedding(a)), layers.Flatten()(embedding(b))]
    x = layers.Dense(6, activation="tanh")(layers.Concatenate()(features))
    out = layers.Dense(1, activation="sigmoid", name="same")(x)
    network = keras.Model({"a": a, "b": b}, out)
    network.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return network, {"a": classes(30, COUNT, 7), "b": classes(30, COUNT, 7, seed=2),
                     "same": classes(2, COUNT, 1, seed=3).astype("float32")}, {}


@model
def nested_autoencoder():
    """Of Keras' functional guide: an encoder and a decoder as models of their own."""
    image = keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(4, 3, activation="relu", padding="same")(image)
    code = layers.Dense(5, name="code")(layers.Flatten()(layers.MaxPooling2D(2)(x)))
    encoder = keras.Model(image, code, name="encoder")
    decoder_input = keras.Input((5,), name="decoder_code")
    x = layers.Reshape((6, 6, 1))(layers.Dense(36, activation="relu")(decoder_input))
    decoder = keras.Model(decoder_input, layers.Conv2D(1, 3, padding="same")(x), name="decoder")
    whole = keras.Input((6, 6, 1), name="whole")
    network = keras.Model(whole, decoder(encoder(whole)), name="autoencoder")
    network.compile(keras.optimizers.Adam(0.003), "mse")
    pictures = random().random((COUNT, 6, 6, 1)).astype("float32")
    return network, {"whole": pictures, "decoder": pictures}, {}


@model
def siamese():
    """One backbone on two images, and a table."""
    backbone = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(), layers.BatchNormalization(),
        layers.Flatten(), layers.Dense(6)], name="backbone")
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    table = keras.Input((4,), name="table")
    a, b = backbone(left), backbone(right)
    distance = ops.sqrt(ops.sum(ops.square(a - b), axis=-1, keepdims=True) + 1e-6)
    x = layers.Concatenate()([distance, a * b, layers.Dense(5, activation="relu")(table)])
    same = layers.Dense(1, activation="sigmoid", name="same")(x)
    grade = layers.Dense(1, name="grade")(x)
    network = keras.Model([left, right, table], [same, grade])
    network.compile(keras.optimizers.SGD(0.02, momentum=0.9), loss=["binary_crossentropy", "mse"], loss_weights=[1.0, 0.1])
    return network, {"left": floats(COUNT, 8, 8, 1), "right": floats(COUNT, 8, 8, 1, seed=2), "table": floats(COUNT, 4, seed=3),
                     "same": classes(2, COUNT, 1, seed=4).astype("float32"), "grade": floats(COUNT, 1, seed=5)}, {}


@model
def entity_embeddings():
    columns = [keras.Input((1,), name=f"column_{index}", dtype="int32") for index in range(3)]
    table = keras.Input((5,), name="table")
    features = [layers.Reshape((4,))(layers.Embedding(10 + index, 4)(column)) for index, column in enumerate(columns)]
    x = layers.Concatenate()(features + [table])
    x = layers.Dense(10, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3))(x)
    network = keras.Model(columns + [table], layers.Dense(1, name="sales")(x))
    network.compile(keras.optimizers.Adam(0.01), "mae", metrics=["mse"])
    data = {f"column_{index}": classes(10, COUNT, 1, seed=index) for index in range(3)}
    return network, {**data, "table": floats(COUNT, 5), "sales": floats(COUNT, 1, seed=9)}, {}


@model
def captcha():
    """Four heads of one image."""
    image = keras.Input((10, 20, 1), name="image")
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu", padding="same")(image))
    x = layers.MaxPooling2D()(layers.Conv2D(6, 3, activation="relu", padding="same")(x))
    x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
    heads = [layers.Dense(10, activation="softmax", name=f"digit_{index}")(x) for index in range(4)]
    network = keras.Model(image, heads)
    network.compile("adam", ["sparse_categorical_crossentropy"] * 4, metrics=[["accuracy"]] * 4)
    data = {f"digit_{index}": classes(10, COUNT, seed=index) for index in range(4)}
    return network, {"image": floats(COUNT, 10, 20, 1), **data}, {}


@model
def masked_lstm():
    """Heads gated by inputs, on masked sequences."""
    sequence, gate = keras.Input((9, 3), name="sequence"), keras.Input((1,), name="gate")
    x = layers.Masking(0.0)(sequence)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="tanh"))(x)
    x = layers.LSTM(6)(x)
    first = layers.Dense(1, name="raw_first")(x) * gate
    second = layers.Dense(1, name="raw_second")(x) * (1.0 - gate)
    network = keras.Model([sequence, gate], {"first": first, "second": second})
    network.compile(keras.optimizers.Adam(0.01), {"first": "mse", "second": "mae"})
    sequences = floats(COUNT, 9, 3)
    for sample, length in enumerate(random(4).integers(3, 10, COUNT)):
        sequences[sample, length:] = 0
    return network, {"sequence": sequences, "gate": classes(2, COUNT, 1).astype("float32"), "first": floats(COUNT, 1, seed=2),
                     "second": floats(COUNT, 1, seed=3)}, {}


@model
def toy_resnet():
    """Of Keras' functional guide, smaller."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, activation="relu")(image)
    block = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, activation="relu")(x))
    for _ in range(2):
        x = layers.Conv2D(8, 3, activation="relu", padding="same")(block)
        x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
        block = layers.add([x, block])
    x = layers.Dropout(0.0)(layers.Dense(12, activation="relu")(layers.Flatten()(block)))
    network = keras.Model(image, layers.Dense(10, name="kind")(x), name="toy_resnet")
    network.compile(keras.optimizers.Adam(0.002), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    metrics=["acc"])
    return network, {"image": floats(COUNT, 12, 12, 3), "kind": classes(10, COUNT)}, {}


@model
def frozen_backbone():
    """A backbone that is called for inference, as keras.applications' guides do, and frozen layers."""
    image = keras.Input((8, 8, 2), name="image")
    x = layers.BatchNormalization(name="norm1")(layers.Conv2D(4, 3, name="conv1")(image))
    backbone = keras.Model(image, layers.Conv2D(4, 3, activation="relu", name="conv2")(x), name="backbone")
    backbone.get_layer("norm1").moving_mean.assign([0.1, -0.2, 0.3, 0.0])
    backbone.get_layer("norm1").moving_variance.assign([1.1, 0.7, 0.9, 2.0])
    backbone.trainable = False
    photo = keras.Input((8, 8, 2), name="photo")
    x = layers.Flatten()(backbone(photo, training=False))
    network = keras.Model(photo, [layers.Dense(2, name="a")(x), layers.Dense(1, name="b")(x)])
    network.compile(keras.optimizers.Adam(0.01), ["mse", "mse"])
    return network, {"photo": floats(COUNT, 8, 8, 2), "a": floats(COUNT, 2, seed=2), "b": floats(COUNT, 1, seed=3)}, {}


@model
def inference_calls():
    """Calls with training=False, which Keras 3 replaces by what the model is called with."""
    x = keras.Input((6,), name="x")
    norm = layers.BatchNormalization()
    hidden = layers.Dense(5, activation="relu")(norm(x, training=False))
    hidden = layers.Dropout(0.0)(hidden, training=False)
    network = keras.Model(x, layers.Dense(1, name="y")(hidden))
    norm.moving_mean.assign(numpy.linspace(-0.5, 0.5, 6))
    norm.moving_variance.assign(numpy.linspace(0.5, 1.5, 6))
    network.compile(keras.optimizers.Adam(0.01), "mse")
    return network, {"x": floats(COUNT, 6), "y": floats(COUNT, 1, seed=2)}, {}


@model
def operations():
    """Raw operations on tensors, with constants and slices."""
    x, y = keras.Input((4, 6), name="x"), keras.Input((4, 6), name="y")
    w = layers.Dense(6, name="mix")(x)
    parts = [
        2.0 * w - 1, 1 - w / 3.0, w * y, ops.abs(w - y), ops.maximum(w, y), ops.minimum(w, 0.5), -w, w**2,
        ops.clip(w, -0.5, 0.5), ops.exp(w * 0.1), ops.tanh(w), ops.relu(w), ops.softmax(w), ops.sigmoid(w), w / (ops.abs(y) + 1.0),
        w * numpy.linspace(0, 1, 6).astype("float32"), w - ops.mean(w, axis=-1, keepdims=True), w * ops.expand_dims(w[:, 0], 1),
    ]
    joined = ops.concatenate([ops.reshape(part, (-1, 24)) for part in parts], axis=-1)
    more = ops.concatenate(
        [w[:, 1], w[..., -1], ops.mean(w, axis=1), ops.sum(w, axis=-1), ops.max(w, axis=1), ops.norm(w + 2.0, axis=-1),
         ops.reshape(w[:, ::2, 1:3], (-1, 4)), ops.squeeze(ops.expand_dims(w[:, 2], -1), -1),
         ops.reshape(ops.stack([w, y], axis=1), (-1, 48)), ops.split(w[:, 0], 2, axis=-1)[1],
         ops.reshape(ops.matmul(w, ops.reshape(w, (-1, 6, 4))), (-1, 16))], axis=-1)
    network = keras.Model([x, y], layers.Dense(1, name="out")(ops.concatenate([joined, more], axis=-1)))
    network.compile(keras.optimizers.SGD(0.001), "mse")
    return network, {"x": floats(COUNT, 4, 6), "y": floats(COUNT, 4, 6, seed=2), "out": floats(COUNT, 1, seed=3)}, {}


@model
def sequential():
    network = keras.Sequential([
        keras.Input((6,), name="features"), layers.Dense(8, activation="elu"), layers.LayerNormalization(),
        layers.Dense(3, activation="softmax", name="kind")])
    network.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), weight_decay=0.01),
        "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network, {"features": floats(COUNT, 6), "kind": classes(3, COUNT)}, {}


@model
def shared_layers():
    """Layers called several times, among them a model, one of whose calls is an output."""
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    dense = layers.Dense(5, activation="tanh", name="shared")
    inner = keras.Input((5,), name="inner")
    tower = keras.Model(inner, [layers.Dense(3, name="one")(inner), layers.Dense(2, name="two")(inner)], name="tower")
    one, two = tower(dense(a))
    three, four = tower(dense(dense(b)))
    joined = layers.Concatenate()([one, two, three, four])
    network = keras.Model([a, b], {"p": layers.Dense(1)(joined), "q": layers.Add()([one, three])})
    network.compile(keras.optimizers.Adam(0.01, amsgrad=True), {"p": "mse", "q": "mae"})
    return network, {"a": floats(COUNT, 5), "b": floats(COUNT, 5, seed=2), "p": floats(COUNT, 1, seed=3),
                     "q": floats(COUNT, 3, seed=4)}, {}


def two_heads_on(backbone, pixels, rate, **arguments):
    """A model of keras.applications with random weights, and two heads on it, trained with steps of this rate."""
    image = keras.Input(arguments["input_shape"], name="image")
    features = backbone(weights=None, include_top=False, pooling="avg", **arguments)
    for layer in features.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0  # whose random numbers would be others in mio
    x = features(image)
    network = keras.Model(
        image, {"kind": layers.Dense(4, activation="softmax", name="kind")(x), "size": layers.Dense(1, name="size")(x)})
    # Steps so small that rounding stays small, and a tenth of the loss is learned all the same. With ones a hundred times as
    # large Keras itself comes to other losses in the third step, between oneDNN's kernels and its own.
    network.compile(
        keras.optimizers.SGD(rate, momentum=0.9), {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.1}, metrics={"kind": ["accuracy"]})
    count = 24
    return network, {"image": random().uniform(*pixels, (count, *arguments["input_shape"])).astype("float32"),
                     "kind": classes(4, count), "size": floats(count, 1, seed=2)}, {"sensitive": True}


@model
def mobilenet():
    return two_heads_on(keras.applications.MobileNetV2, (-1, 1), 1e-7, input_shape=(64, 64, 3))


@model
def resnet50():
    return two_heads_on(keras.applications.ResNet50, (-128, 128), 1e-9, input_shape=(64, 64, 3))


@model
def efficientnet():
    return two_heads_on(keras.applications.EfficientNetB0, (0, 256), 1e-5, input_shape=(64, 64, 3))


@model
def age_and_gender():
    """A residual network whose learning rate and end follow one of its heads."""
    image = keras.Input((12, 12, 1), name="image")
    x = layers.Conv2D(6, 3, padding="same")(image)
    for filters in (6, 8):
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
        y = layers.Conv2D(filters, 3, padding="same")(layers.LeakyReLU(negative_slope=0.1)(y))
        x = layers.Activation("relu")(layers.Add()([layers.Conv2D(filters, 1)(x), y]))
        x = layers.MaxPooling2D()(x)
    x = layers.GlobalAveragePooling2D()(x)
    age = layers.Dense(1, name="age")(layers.Dense(6, activation="relu")(x))
    gender = layers.Dense(1, activation="sigmoid", name="gender")(layers.Dense(6, activation="relu")(x))
    network = keras.Model(image, [age, gender])
    network.compile(
        keras.optimizers.RMSprop(0.003), {"age": "mae", "gender": "binary_crossentropy"},
        loss_weights={"age": 0.1, "gender": 1.0}, metrics={"age": ["mse"], "gender": ["accuracy"]})
    data = {"image": floats(COUNT, 12, 12, 1), "age": floats(COUNT, 1, seed=2),
            "gender": classes(2, COUNT, 1, seed=3).astype("float32")}
    # Whole batches: on TensorFlow Keras counts a smaller one as much as the others in an output's own loss.
    held = {"image": floats(24, 12, 12, 1, seed=4), "age": floats(24, 1, seed=5),
            "gender": classes(2, 24, 1, seed=6).astype("float32")}
    return network, data, {"validation": held, "epochs": 12, "callbacks": [
        {"class": "ReduceLROnPlateau", "monitor": "val_age_loss", "mode": "min", "factor": 0.5, "patience": 1, "min_delta": 0.01},
        {"class": "EarlyStopping", "monitor": "val_gender_loss", "mode": "min", "patience": 4, "restore_best_weights": True}]}


@model
def encoder_decoder():
    """An encoder and a decoder of GRUs; the encoder's state is where the decoder begins."""
    words, answer = keras.Input((8,), name="words", dtype="int32"), keras.Input((6, 4), name="answer")
    x = layers.Embedding(20, 6, mask_zero=True)(words)
    sequence, state = layers.GRU(7, return_sequences=True, return_state=True, name="encoder")(x)
    y = layers.GRU(7, return_sequences=True, name="decoder")(answer, initial_state=state)
    network = keras.Model(
        {"words": words, "answer": answer},
        {"next": layers.TimeDistributed(layers.Dense(5, activation="softmax"), name="next")(y),
         "mood": layers.Dense(1, activation="tanh", name="mood")(layers.GlobalAveragePooling1D()(sequence))})
    network.compile(keras.optimizers.Adam(0.005, clipnorm=1.0),
                    {"next": "sparse_categorical_crossentropy", "mood": "mse"}, metrics={"next": ["accuracy"]})
    texts = classes(20, COUNT, 8)
    for sample, length in enumerate(random(4).integers(2, 9, COUNT)):
        texts[sample, :length] = numpy.maximum(texts[sample, :length], 1)
        texts[sample, length:] = 0
    return network, {"words": texts, "answer": floats(COUNT, 6, 4), "next": classes(5, COUNT, 6, seed=2),
                     "mood": floats(COUNT, 1, seed=3)}, {}


@model
def image_and_metadata():
    """The first of the two starting models, in full size."""
    image, metadata = keras.Input((256, 256, 3), name="image"), keras.Input((10,), name="metadata")
    x = layers.Conv2D(64, 3, activation="relu")(layers.Conv2D(32, 3, activation="relu")(image))
    y = layers.Dense(32, activation="relu")(layers.Dense(16, activation="relu")(metadata))
    x = layers.Concatenate()([layers.Flatten()(x), y])
    network = keras.Model([image, metadata], layers.Dense(1, activation="sigmoid", name="answer")(x))
    network.compile(keras.optimizers.SGD(1e-4), "binary_crossentropy", metrics=["accuracy"])
    return network, {"image": random().random((6, 256, 256, 3)).astype("float32"), "metadata": floats(6, 10),
                     "answer": classes(2, 6, 1).astype("float32")}, {"batch_size": 2}


@model
def class_and_box():
    """The second of the two starting models."""
    x = keras.Input((100,), name="input")
    kind = layers.Dense(10, activation="softmax", name="class")(layers.Dense(32, activation="relu")(x))
    box = layers.Dense(4, activation="sigmoid", name="box")(layers.Dense(64, activation="relu")(x))
    network = keras.Model(x, [kind, box])
    network.compile("adam", ["sparse_categorical_crossentropy", "mse"], metrics=[["accuracy"], ["mae"]])
    return network, {"input": floats(COUNT, 100), "class": classes(10, COUNT),
                     "box": random(3).random((COUNT, 4)).astype("float32")}, {}
