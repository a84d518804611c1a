"""Job files of mio with an inline model, for whoever trains the same elsewhere. As a program: writes made-up samples.

    python jobs.py --job JOB --samples N --output FOLDER
"""

import argparse
import pathlib


def read(path):
    import yaml

    return yaml.safe_load(pathlib.Path(path).read_text())


def keras_network(job):
    """Not compiled: mio's layers have Keras' classes, names and arguments."""
    import keras

    tensors = {name: keras.Input(given["shape"], name=name, dtype=given.get("dtype"))
               for name, given in job["model"]["inputs"].items()}
    inputs = dict(tensors)
    for layer in job["model"]["layers"]:
        arguments = {key: value for key, value in layer.items() if key not in ("class", "inputs")}
        source = layer["inputs"]
        given = [tensors[one] for one in source] if isinstance(source, list) else tensors[source]
        tensors[layer["name"]] = getattr(keras.layers, layer["class"])(**arguments)(given)
    return keras.Model(inputs, {name: tensors[name] for name in job["model"]["outputs"]})


def keras_optimizer(job):
    import keras

    arguments = {key: value for key, value in job["optimizer"].items() if key != "class"}
    return getattr(keras.optimizers, job["optimizer"]["class"])(**arguments)


def keras_model(job):
    """Compiled, losses and metrics by the names that mio has from Keras."""
    model = keras_network(job)
    model.compile(
        keras_optimizer(job),
        loss={name: given["loss"] for name, given in job["outputs"].items()},
        loss_weights={name: given.get("weight", 1.0) for name, given in job["outputs"].items()},
        metrics={name: given.get("metrics", []) for name, given in job["outputs"].items()})
    return model


def made_up(job, samples):
    """The same arrays every time, by the names of inputs and outputs. Targets are what the loss takes."""
    import numpy

    random = numpy.random.default_rng(0)
    arrays = {}
    for name, given in job["model"]["inputs"].items():
        arrays[name] = random.standard_normal([samples, *given["shape"]], dtype=numpy.float32)
    layers = {layer["name"]: layer for layer in job["model"]["layers"]}
    for name, given in job["outputs"].items():
        layer = layers[name]
        # Of a Dense its units; of a convolution that keeps its image's size, its answer for each pixel.
        image = next(iter(job["model"]["inputs"].values()))["shape"]
        shape = [layer["units"]] if "units" in layer else [*image[:2], layer["filters"]]
        if given["loss"] == "sparse_categorical_crossentropy":
            arrays[name] = random.integers(0, shape[-1], [samples, *shape[:-1]], dtype=numpy.int32)
        elif given["loss"] == "binary_crossentropy":
            arrays[name] = random.integers(0, 2, [samples, *shape]).astype(numpy.float32)
        elif given["loss"] == "categorical_crossentropy":
            arrays[name] = numpy.eye(shape[-1], dtype=numpy.float32)[random.integers(0, shape[-1], samples)]
        else:
            arrays[name] = random.standard_normal([samples, *shape], dtype=numpy.float32)
    return arrays


def main(options):
    import numpy

    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    numpy.savez(folder / "train-0.npz", **made_up(read(options.job), options.samples))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--job", required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--output", required=True)
    main(parser.parse_args())
