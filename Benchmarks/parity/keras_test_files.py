"""Writes the small files of Tests/KerasFiles: of Keras 3, and with TF_USE_LEGACY_KERAS=1 of Keras 2; and damaged ones.

    keras_test_files.py FOLDER              with Keras 3
    TF_USE_LEGACY_KERAS=1 keras_test_files.py FOLDER     with tf_keras

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
    keras.utils.set_random_seed(3)
    if LEGACY:
        for name, make in {"two_heads": two_heads, "nested": nested, "sequence": sequence}.items():
            keras.backend.clear_session()
            model, data = make()
            model.save(folder / f"{name}-2.h5")
            if name == "nested":
                model.save_weights(folder / f"{name}-2.weights.h5")
            expect(folder, f"{name}-2", model, data)
        return
    for make in [two_heads, nested, sequence, open_axes, operations]:
        keras.backend.clear_session()
        model, data = make()
        name = make.__name__
        model.save(folder / f"{name}.keras")
        if make is nested:
            model.save_weights(folder / f"{name}.weights.h5")
            model.save(folder / f"{name}-3.h5")
        expect(folder, name, model, data)
    unknown()[0].save(folder / "unknown.keras")
    damaged(folder)


if __name__ == "__main__":
    main()
