"""Models that read numbers of words, and models whose steps are masked, trained as Keras trains them.

Keras on TensorFlow gives Adam an Embedding's gradient as a list of rows, in which a number that a batch has twice stands
twice, and squares them one by one: its result is another than that of Keras' other backends, and of the formula. Here the
optimizer gets the sum, as there.
"""

import json
import sys
import pathlib

import keras
import numpy
import tensorflow

import models
import precision
import quantities
import tensors

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "peers"))

import jobs  # noqa: E402

SEED, STEPS, BATCH_SIZE = 7, 5, 6
SGD = {"class": "SGD", "learning_rate": 0.1, "momentum": 0.9}
SLOW = {"class": "SGD", "learning_rate": 0.003}
ADAM = {"class": "Adam", "learning_rate": 0.01}


def layer(name, kind, inputs, **arguments):
    return {"name": name, "class": kind, "inputs": inputs, **arguments}


def words(stream, steps=6, count=4):
    return tensors.classes(stream, (BATCH_SIZE, steps), count)


TEXT = {"shape": [6], "dtype": "int32"}
TAG = {"tag": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}}
BOX = {"box": {"loss": "mean_squared_error", "metrics": ["mean_absolute_error"]}}


def cases():
    """name, inputs, layers, outputs, optimizer, specifications of the first batch's inputs and targets"""
    tags = {"tag": tensors.classes(2005, (BATCH_SIZE, 6), 3)}
    for mask_zero in (True, False):
        yield (f"words, mask_zero {mask_zero}", {"text": TEXT}, [
            layer("words", "Embedding", "text", input_dim=4, output_dim=5, mask_zero=mask_zero),
            layer("tag", "Dense", "words", units=3, activation="softmax")], TAG, ADAM, {"text": words(2000)}, tags)
    yield ("words under rules", {"text": TEXT}, [
        layer("words", "Embedding", "text", input_dim=4, output_dim=5, mask_zero=True, embeddings_regularizer="l2",
              embeddings_constraint="max_norm"),
        layer("tag", "Dense", "words", units=3, activation="softmax")], TAG, ADAM, {"text": words(2000)}, tags)
    yield ("words as floats", {"text": {"shape": [6]}}, [
        layer("words", "Embedding", "text", input_dim=4, output_dim=3),
        layer("flat", "Flatten", "words"),
        layer("box", "Dense", "flat", units=2)], BOX, SGD,
        {"text": tensors.uniform(2000, (BATCH_SIZE, 6), -0.9, 4)}, {"box": tensors.uniform(2005, (BATCH_SIZE, 2), 0, 1)})
    steps = {"box": tensors.uniform(2005, (BATCH_SIZE, 6, 2), 0, 1)}
    yield ("two tables, added", {"text": TEXT, "more": TEXT}, [
        layer("words", "Embedding", "text", input_dim=4, output_dim=3, mask_zero=True),
        layer("others", "Embedding", "more", input_dim=4, output_dim=3, mask_zero=True),
        layer("sum", "Add", ["words", "others"]),
        layer("box", "Dense", "sum", units=2)], BOX, ADAM, {"text": words(2000), "more": words(2001)}, steps)
    yield ("masked features", {"vectors": {"shape": [6, 2]}}, [
        layer("masked", "Masking", "vectors", mask_value=1.0),
        layer("hidden", "Dense", "masked", units=4, activation="tanh"),
        layer("normalized", "LayerNormalization", "hidden"),
        layer("gelu", "Activation", "normalized", activation="silu"),
        layer("box", "Dense", "gelu", units=2)], BOX, SGD,
        {"vectors": tensors.classes(2000, (BATCH_SIZE, 6, 2), 2)}, steps)
    for axis, name in ((2, "beside"), (1, "after")):
        outputs = {"box": tensors.uniform(2005, (BATCH_SIZE, 6 if axis == 2 else 12, 2), 0, 1)}
        for other in (True, False):
            yield (f"masks {name} each other, the other {'masked' if other else 'not'}", {"text": TEXT, "more": TEXT}, [
                layer("words", "Embedding", "text", input_dim=3, output_dim=3, mask_zero=True),
                layer("others", "Embedding", "more", input_dim=3, output_dim=3, mask_zero=other),
                layer("joined", "Concatenate", ["words", "others"], axis=axis),
                layer("box", "Dense", "joined", units=2)], BOX, SGD,
                {"text": words(2000, count=3), "more": words(2001, count=3)}, outputs)
    for kind in ("Multiply", "Maximum", "Minimum"):
        for other in (True, False):
            yield (f"{kind} of words, the other {'masked' if other else 'not'}", {"text": TEXT, "more": TEXT}, [
                layer("words", "Embedding", "text", input_dim=3, output_dim=3, mask_zero=True),
                layer("others", "Embedding", "more", input_dim=3, output_dim=3, mask_zero=other),
                layer("joined", kind, ["words", "others"]),
                layer("box", "Dense", "joined", units=2)], BOX, SGD,
                {"text": words(2000, count=3), "more": words(2001, count=3)}, steps)
    yield ("a mask that a Reshape drops", {"text": TEXT}, [
        layer("words", "Embedding", "text", input_dim=4, output_dim=4, mask_zero=True),
        layer("same", "Reshape", "words", target_shape=[6, 4]),
        layer("tag", "Dense", "same", units=3, activation="softmax")], TAG, SGD, {"text": words(2000)}, tags)
    yield ("a sum over the steps", {"text": TEXT}, [
        layer("words", "Embedding", "text", input_dim=4, output_dim=4, mask_zero=True),
        layer("box", "Dense", "words", units=2)],
        {"box": {"loss": {"class": "MeanAbsoluteError", "reduction": "sum"}}}, SLOW, {"text": words(2000)}, steps)


def later(specification, step):
    return {**specification, "stream": specification["stream"] + 10 * step}


def compiled(job, element):
    model = jobs.keras_network(job)
    chosen = dict(job["optimizer"])
    optimizer = precision.optimizer(chosen.pop("class"), element, **chosen)
    update = optimizer.apply_gradients
    optimizer.apply_gradients = lambda pairs: update([(tensorflow.convert_to_tensor(g), v) for g, v in pairs])

    def loss(given):
        if isinstance(given, str):
            return given
        arguments = {key: value for key, value in given.items() if key != "class"}
        return getattr(keras.losses, given["class"])(**arguments)

    outputs = job["outputs"]
    model.compile(
        optimizer, loss={name: loss(one["loss"]) for name, one in outputs.items()},
        metrics={name: one.get("metrics", []) for name, one in outputs.items()}, jit_compile=False)
    return model


def train(job, inputs, targets, element):
    with precision.precision(element):
        keras.backend.clear_session()
        model = compiled(job, element)
        start = models.start([(one.path, one) for one in model.weights])
        model.set_weights([tensors.draw(SEED, one) for one in start])
        logs = {}
        for step in range(STEPS):
            x, y = ({name: tensors.draw(SEED, later(one, step)) for name, one in part.items()}
                    for part in (inputs, targets))
            model.reset_metrics()
            for name, value in model.train_on_batch(x, y, return_dict=True).items():
                logs.setdefault(name, []).append(float(value))
        return start, logs, [numpy.asarray(variable) for variable in model.weights]


def golden():
    found = []
    for name, given, layers, outputs, optimizer, inputs, targets in cases():
        job = {"model": {"inputs": given, "layers": layers, "outputs": list(outputs)}, "outputs": outputs,
               "optimizer": optimizer}
        start, logs, weights = train(job, inputs, targets, "float64")
        _, logs32, weights32 = train(job, inputs, targets, "float32")
        longest = BATCH_SIZE * 12
        finals = []
        for specification, weight, weight32 in zip(start, weights, weights32):
            first = tensors.draw(SEED, specification).astype(numpy.float64)
            way = numpy.abs(weight - first).max()
            floor = quantities.ROUNDOFF * (
                numpy.sqrt(STEPS) * numpy.abs(weight).max() + numpy.sqrt(longest) * way)
            finals.append({"path": specification["path"],
                           **quantities.tensor(weight, weight32, longest, SEED, floor)})
        found.append({
            "name": name, "job": job, "start": start, "inputs": inputs, "targets": targets,
            "logs": {key: quantities.series(values, logs32[key], longest) for key, values in logs.items()},
            "weights": finals})
    return {"seed": SEED, "steps": STEPS, "batch_size": BATCH_SIZE, "cases": json.loads(json.dumps(found))}
