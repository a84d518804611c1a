"""Whole models of Keras, saved, trained by mio and by Keras from the same file on the same batches, and loaded back.

    keras_files.py make FOLDER [NAME ...]       models, data, jobs, and what Keras makes of them
    keras_files.py compare FOLDER [NAME ...]    what mio has made of them: losses, predictions, files
    keras_files.py list

For each model FOLDER/NAME has model.keras (or model.h5), data.npz, job.yaml, expected.npz. Between the two steps mio trains
job.yaml into FOLDER/NAME/run-RANKS at some numbers of ranks.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy  # noqa: E402

import tensorflow  # noqa: E402

from keras_models import MODELS  # noqa: E402

STEPS = 30
# Rounding of float32, amplified by 30 steps: relative to the largest value.
MOST_DEVIATION = 2e-4


def sum_rows(apply):
    """Adam on TensorFlow squares the gradient of each occurrence of a row of an Embedding, where Keras on JAX and on Torch, and
    mio, square their sum. This lets TensorFlow do the same."""

    def applied(self, gradients, variables=None):
        dense = [tensorflow.convert_to_tensor(one) if isinstance(one, tensorflow.IndexedSlices) else one for one in gradients]
        return apply(self, dense, variables)

    return applied


keras.optimizers.Optimizer.apply = sum_rows(keras.optimizers.Optimizer.apply)


def batches(count, size):
    start = 0
    while True:
        if start + size > count:
            start = 0
        yield slice(start, start + size)
        start += size


def arrays(model, data, names):
    """The arrays of a batch as the model takes them."""
    functional = getattr(model, "_functional", model)
    structure = functional._inputs_struct if names == "inputs" else functional._outputs_struct
    if isinstance(structure, dict):
        return {key: data[key] for key in structure}
    order = [tensor.name for tensor in model.inputs] if names == "inputs" else functional.output_names
    if isinstance(structure, (list, tuple)):
        return [data[name] for name in order]
    return data[order[0]]


def make(folder, name):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model, data, options = MODELS[name]()
    batch_size = options.get("batch_size", 8)
    count = len(next(iter(data.values())))
    assert count % batch_size == 0
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    part = slice(0, batch_size)

    def step(model, part):
        x = arrays(model, {key: value[part] for key, value in data.items()}, "inputs")
        y = arrays(model, {key: value[part] for key, value in data.items()}, "outputs")
        logs = model.train_on_batch(x, y, return_dict=True)
        model.reset_metrics()
        return float(logs["loss"])

    # Two steps, so that the file has the state of an optimizer.
    for _ in range(options.get("steps_before", 2)):
        step(model, part)
    path = own / "model.keras"
    model.save(path)
    model = keras.models.load_model(path)
    losses = [step(model, part) for part, _ in zip(batches(count, batch_size), range(STEPS))]
    predictions = keras.tree.flatten(model.predict(arrays(model, data, "inputs"), batch_size=count, verbose=0))
    numpy.savez(
        own / "expected.npz", losses=losses, **{f"output_{index}": array for index, array in enumerate(predictions)})
    numpy.savez(own / "data.npz", **data)
    epochs = -(-STEPS // (count // batch_size))
    assert epochs * (count // batch_size) == STEPS, "30 steps are whole epochs"
    inputs = options.get("inputs", {})
    job = {
        "model": {"file": "model.keras", "inputs": inputs} if inputs else "model.keras",
        "data": {"train": {"files": "data.npz"}},
        "training": {"epochs": epochs, "batch_size": batch_size, "shuffle": False, "threads": 1},
        "logging": {"every_steps": 1, "tensorboard": False},
        "run_directory": "run",
    }
    (own / "job.yaml").write_text(json.dumps(job))


def deviation(mine, theirs):
    mine, theirs = numpy.asarray(mine, numpy.float64), numpy.asarray(theirs, numpy.float64)
    if mine.shape != theirs.shape:
        return numpy.inf
    return float(numpy.max(numpy.abs(mine - theirs)) / max(numpy.max(numpy.abs(theirs)), 1e-6)) if theirs.size else 0.0


def compare(folder, name):
    """The worst deviations by what they are of."""
    own = folder / name
    expected = numpy.load(own / "expected.npz")
    data = dict(numpy.load(own / "data.npz"))
    found = {}
    for run in sorted(own.glob("run-*")):
        events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        losses = [event["loss"] for event in events if event["event"] == "step"]
        found[f"{run.name} losses"] = deviation(losses, expected["losses"])
        keras.backend.clear_session()
        model = keras.models.load_model(run / "model.keras")
        predictions = keras.tree.flatten(
            model.predict(arrays(model, data, "inputs"), batch_size=len(next(iter(data.values()))), verbose=0))
        found[f"{run.name} predictions"] = max(
            deviation(mine, expected[f"output_{index}"]) for index, mine in enumerate(predictions))
        before = int(keras.models.load_model(own / "model.keras").optimizer.iterations.numpy())
        found[f"{run.name} iterations"] = abs(int(model.optimizer.iterations.numpy()) - before - STEPS)
        # It goes on.
        x, y = arrays(model, data, "inputs"), arrays(model, data, "outputs")
        logs = model.train_on_batch(x, y, return_dict=True)
        found[f"{run.name} goes on"] = 0.0 if numpy.isfinite(logs["loss"]) else numpy.inf
    if not found:
        found["no run"] = numpy.inf
    return found


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "list":
        print("\n".join(MODELS))
        return 0
    folder, names = pathlib.Path(arguments[0]), arguments[1:] or list(MODELS)
    if command == "make":
        for name in names:
            make(folder, name)
            print(f"made {name}", flush=True)
        return 0
    failed = 0
    for name in names:
        try:
            found = compare(folder, name)
        except Exception as error:  # one model must not hide the others
            found = {f"{type(error).__name__}: {error}"[:300]: numpy.inf}
        worst = max(found.values())
        failed += not worst <= MOST_DEVIATION
        print(f"{'ok  ' if worst <= MOST_DEVIATION else 'FAIL'} {name:28}" +
              ", ".join(f"{key} {value:.1e}" for key, value in found.items()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
