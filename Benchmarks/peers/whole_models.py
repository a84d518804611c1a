"""Six whole models as people build them in Keras. As a program: writes one of them with a job and made-up samples.

    python whole_models.py --model mobilenet --samples N --output FOLDER

FOLDER then has `model.keras` (compiled), `job.yaml` and `train-0.npz`.
"""

import argparse
import os
import pathlib

BATCH_SIZE = 16


def two_headed(backbone, side, classes=10):
    """A class and a box from a backbone without its top."""
    import keras

    image = keras.Input((side, side, 3), name="image")
    features = keras.layers.GlobalAveragePooling2D(name="features")(backbone(image))
    kind = keras.layers.Dense(classes, activation="softmax", name="kind")(features)
    box = keras.layers.Dense(4, activation="sigmoid", name="box")(features)
    network = keras.Model(image, {"kind": kind, "box": box})
    network.compile(
        keras.optimizers.Adam(0.001), loss={"kind": "sparse_categorical_crossentropy", "box": "mean_squared_error"},
        loss_weights={"kind": 1.0, "box": 0.5}, metrics={"kind": ["accuracy"]})

    def samples(random, count):
        return {"image": random.random((count, side, side, 3), "float32"),
                "kind": random.integers(0, classes, (count,), "int32"), "box": random.random((count, 4), "float32")}

    return network, samples


def mobilenet():
    """MobileNetV2, images of 96 × 96, two heads."""
    import keras

    return two_headed(keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), include_top=False, weights=None, name="backbone"), 96)


def resnet():
    """ResNet50, images of 64 × 64, two heads."""
    import keras

    return two_headed(keras.applications.ResNet50(
        input_shape=(64, 64, 3), include_top=False, weights=None, name="backbone"), 64)


def efficientnet():
    """EfficientNetB0, images of 96 × 96, two heads."""
    import keras

    return two_headed(keras.applications.EfficientNetB0(
        input_shape=(96, 96, 3), include_top=False, weights=None, name="backbone"), 96)


def tickets():
    """The ticket classifier of Keras' functional guide; titles of 10 words, texts of 100."""
    import keras
    from keras import layers

    words, tags, departments = 10_000, 12, 4
    title = keras.Input((10,), name="title", dtype="int32")
    body = keras.Input((100,), name="body", dtype="int32")
    tag = keras.Input((tags,), name="tags")
    title_features = layers.LSTM(128)(layers.Embedding(words, 64)(title))
    body_features = layers.LSTM(32)(layers.Embedding(words, 64)(body))
    joined = layers.concatenate([title_features, body_features, tag])
    priority = layers.Dense(1, name="priority")(joined)
    department = layers.Dense(departments, name="department")(joined)
    network = keras.Model([title, body, tag], {"priority": priority, "department": department})
    network.compile(
        keras.optimizers.RMSprop(1e-3),
        loss={"priority": keras.losses.BinaryCrossentropy(from_logits=True),
              "department": keras.losses.CategoricalCrossentropy(from_logits=True)},
        loss_weights={"priority": 1.0, "department": 0.2})

    def samples(random, count):
        import numpy

        return {"title": random.integers(0, words, (count, 10), "int32"),
                "body": random.integers(0, words, (count, 100), "int32"),
                "tags": random.integers(0, 2, (count, tags)).astype("float32"),
                "priority": random.integers(0, 2, (count, 1)).astype("float32"),
                "department": numpy.eye(departments, dtype="float32")[random.integers(0, departments, count)]}

    return network, samples


def transformer():
    """Two layers of a transformer's encoder, 128 wide, on texts of 128 words, two heads."""
    import keras
    from keras import layers, ops

    words, length, width = 5_000, 128, 128
    text = keras.Input((length,), name="text", dtype="int32")
    place = layers.Embedding(length, width, name="places")(ops.arange(length))
    x = layers.Embedding(words, width, name="words")(text) + place
    for index in range(2):
        attended = layers.MultiHeadAttention(4, width // 4, dropout=0.1, name=f"attention_{index}")(x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(attended))
        hidden = layers.Dense(4 * width, activation="gelu")(x)
        hidden = layers.Dropout(0.1)(layers.Dense(width)(hidden))
        x = layers.LayerNormalization(epsilon=1e-6)(x + hidden)
    features = layers.GlobalAveragePooling1D()(x)
    kind = layers.Dense(5, activation="softmax", name="kind")(features)
    score = layers.Dense(1, name="score")(features)
    network = keras.Model(text, {"kind": kind, "score": score})
    network.compile(keras.optimizers.Adam(1e-3), loss={"kind": "sparse_categorical_crossentropy", "score": "mse"})

    def samples(random, count):
        return {"text": random.integers(0, words, (count, length), "int32"),
                "kind": random.integers(0, 5, (count,), "int32"), "score": random.random((count, 1), "float32")}

    return network, samples


def unet():
    """A U-Net of three levels on images of 64 × 64: a mask of 3 classes, and whether there is anything."""
    import keras
    from keras import layers

    def block(x, filters):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    image = keras.Input((64, 64, 3), name="image")
    x, skips = image, []
    for filters in (16, 32, 64):
        x = block(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, 128)
    present = layers.Dense(1, activation="sigmoid", name="present")(layers.GlobalAveragePooling2D()(x))
    for filters, skip in zip((64, 32, 16), reversed(skips)):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = block(layers.Concatenate()([x, skip]), filters)
    mask = layers.Conv2D(3, 1, activation="softmax", name="mask")(x)
    network = keras.Model(image, {"mask": mask, "present": present})
    network.compile(
        keras.optimizers.Adam(1e-3), loss={"mask": "sparse_categorical_crossentropy", "present": "binary_crossentropy"})

    def samples(random, count):
        return {"image": random.random((count, 64, 64, 3), "float32"),
                "mask": random.integers(0, 3, (count, 64, 64), "int32"),
                "present": random.integers(0, 2, (count, 1)).astype("float32")}

    return network, samples


MODELS = {one.__name__: one for one in (mobilenet, resnet, efficientnet, tickets, transformer, unet)}

JOB = """\
name: {name}
model: model.keras
data: {{train: {{files: "train-*.npz"}}}}
training: {{epochs: {epochs}, batch_size: {batch_size}, shuffle: true}}
logging: {{every_steps: 100}}
"""


def main(options):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import numpy

    keras.utils.set_random_seed(0)
    network, samples = MODELS[options.model]()
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / "model.keras")
    numpy.savez(folder / "train-0.npz", **samples(numpy.random.default_rng(0), options.samples))
    (folder / "job.yaml").write_text(
        JOB.format(name=options.model, epochs=options.epochs, batch_size=BATCH_SIZE))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, choices=MODELS)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--output", required=True)
    main(parser.parse_args())
