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
    import fnmatch

    import keras

    network = keras_part(job["model"], None)
    for path, layer in keras_layers(network):
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in job.get("freeze", [])):
            layer.trainable = False
    return network


def keras_part(model, name):
    """A model of a job, or one that is a layer of it, which has a name."""
    import keras

    tensors = {one: keras.Input(given["shape"], name=one, dtype=given.get("dtype"))
               for one, given in model["inputs"].items()}
    inputs, layers = dict(tensors), {}
    for entry in model["layers"]:
        if "class" not in entry:
            layer = layers[entry["layer"]]
        elif entry["class"] == "Functional":
            layer = keras_part(entry["model"], entry["name"])
        elif entry["class"] == "Sequential":
            layer = keras.Sequential([
                getattr(keras.layers, one["class"])(**{key: value for key, value in one.items() if key != "class"})
                for one in entry["layers"]], name=entry["name"])
        else:
            layer = keras_layer(entry)
        layers[entry["name"]] = layer
        source = entry["inputs"]
        given = [tensors[one] for one in source] if isinstance(source, list) else tensors[source]
        if entry.get("class") in ("LSTM", "Bidirectional") and isinstance(given, list):
            # Beside initial states Keras leaves out the sequence's mask unless it is given, too.
            mask = getattr(given[0], "_keras_mask", None)
            made = layer(given[0], initial_state=given[1:], mask=mask) if given[1:] else layer(given[0])
        elif entry.get("class") == "MultiHeadAttention":
            made = layer(*given)
        else:
            made = layer(given)
        for index, one in enumerate(made if isinstance(made, (list, tuple)) else [made]):
            tensors[entry["name"] + (f":{index}" if index else "")] = one
    outputs = [tensors[one] for one in model["outputs"]]
    if name:
        return keras.Model(list(inputs.values()), outputs, name=name)
    return keras.Model(inputs, dict(zip(model["outputs"], outputs)))


def keras_layers(network, prefix=""):
    """Every layer and nested model with its path in mio."""
    import keras

    for layer in network.layers:
        yield prefix + layer.name, layer
        if isinstance(layer, keras.Model):
            yield from keras_layers(layer, f"{prefix}{layer.name}/")


def keras_weights(network, prefix=""):
    """Every variable by its name in mio: Keras leaves the name of a functional model out of its variables' paths."""
    import keras

    found = {}
    for layer in network.layers:
        if isinstance(layer, keras.Model) and not isinstance(layer, keras.Sequential):
            found.update(keras_weights(layer, f"{prefix}{layer.name}/"))
        else:
            found.update({prefix + variable.path: variable for variable in layer.weights})
    return found


def keras_layer(layer):
    """Of an entry of a job's layers, or of what a wrapper holds."""
    import keras

    arguments = {key: keras_layer(value) if key in ("layer", "backward_layer") else value
                 for key, value in layer.items() if key not in ("class", "inputs")}
    return getattr(keras.layers, layer["class"])(**arguments)


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
