"""Whole models of Keras, saved, trained by mio and by Keras from the same file on the same batches, and loaded back.

    keras_files.py make FOLDER [NAME ...]       models, data, jobs, and what Keras makes of them
    keras_files.py compare FOLDER [NAME ...]    what mio has made of them: losses, predictions, files
    keras_files.py list

For each model FOLDER/NAME has model.keras (or model.h5), data.npz, job.yaml, expected.npz. Between the two steps mio trains
job.yaml into FOLDER/NAME/run-RANKS at some numbers of ranks, and writes the untrained model to FOLDER/NAME/exported.keras.
"""

import io
import json
import os
import pathlib
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ["KERAS_BACKEND"] = "tensorflow"

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy  # noqa: E402

import tensorflow  # noqa: E402

import keras_more_models  # noqa: E402, F401
from keras_models import MODELS, random  # noqa: E402

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
        # An output without a loss has no targets.
        return {key: data[key] for key in structure if key in data}
    order = [tensor.name for tensor in model.inputs] if names == "inputs" else functional.output_names
    if isinstance(structure, (list, tuple)):
        return [data[name] for name in order]
    return data[order[0]]


def train(model, data, options, batch_size):
    """30 steps: their losses; or with callbacks the epochs of `fit`: every number that they log."""
    x, y = arrays(model, data, "inputs"), arrays(model, data, "outputs")
    if "callbacks" not in options:
        count = len(next(iter(data.values())))
        losses = []
        for part, _ in zip(batches(count, batch_size), range(STEPS)):
            cut = {key: value[part] for key, value in data.items()}
            logs = model.train_on_batch(arrays(model, cut, "inputs"), arrays(model, cut, "outputs"), return_dict=True)
            model.reset_metrics()
            losses.append(float(logs["loss"]))
        # As `fit` does at its end.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return {"step_loss": losses}
    held = options["validation"]
    callbacks = []
    for config in options["callbacks"]:
        arguments = {key: value for key, value in config.items() if key != "class"}
        callbacks.append(getattr(keras.callbacks, config["class"])(**arguments))
    history = model.fit(
        x, y, batch_size=batch_size, epochs=options["epochs"], shuffle=False, callbacks=callbacks, verbose=0,
        validation_data=(arrays(model, held, "inputs"), arrays(model, held, "outputs")), validation_batch_size=batch_size)
    return {f"epoch_{key}": value for key, value in history.history.items()}


def sensitivity(path, data, options, batch_size, expected):
    """How far Keras itself comes from `expected` if every weight is off by a rounding at the start, at each step: what deep
    batch normalization makes of rounding."""
    model = keras.models.load_model(path)
    generator = random(11)
    for weight in model.weights:
        if weight.dtype == "float32":
            value = weight.numpy()
            weight.assign(value * (1 + generator.choice([-1.0, 1.0], value.shape) * 2.0**-24))
    losses = train(model, data, options, batch_size)["step_loss"]
    count = len(next(iter(data.values())))
    predictions = keras.tree.flatten(model.predict(arrays(model, data, "inputs"), batch_size=count, verbose=0))
    return max([deviation(losses, expected["step_loss"])]
               + [deviation(array, expected[f"output_{index}"]) for index, array in enumerate(predictions)])


def make(folder, name):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model, data, options = MODELS[name]()
    batch_size = options.get("batch_size", 8)
    count = len(next(iter(data.values())))
    assert count % batch_size == 0
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    path = own / options.get("file", "model.keras")
    if "compile" not in options:
        # Two steps, so that the file has the state of an optimizer.
        cut = {key: value[:batch_size] for key, value in data.items()}
        for _ in range(2):
            model.train_on_batch(arrays(model, cut, "inputs"), arrays(model, cut, "outputs"))
    model.save(path)
    model = keras.models.load_model(path)
    if "compile" in options:
        options["compile"](model)
    expected = train(model, data, options, batch_size)
    predictions = keras.tree.flatten(model.predict(arrays(model, data, "inputs"), batch_size=count, verbose=0))
    expected.update({f"output_{index}": array for index, array in enumerate(predictions)})
    if options.get("sensitive"):
        expected["sensitivity"] = sensitivity(path, data, options, batch_size, expected)
    expected["iterations"] = model.optimizer.iterations.numpy()
    expected["learning_rate"] = numpy.float32(model.optimizer.learning_rate)
    numpy.savez(own / "expected.npz", **expected)
    numpy.savez(own / "data.npz", **data)
    epochs = options.get("epochs", -(-STEPS // (count // batch_size)))
    assert "epochs" in options or epochs * (count // batch_size) == STEPS, "30 steps are whole epochs"
    inputs = options.get("inputs", {})
    job = {
        "model": {"file": path.name, "inputs": inputs} if inputs else path.name,
        "data": {"train": {"files": "data.npz"}},
        "training": {"epochs": epochs, "batch_size": batch_size, "shuffle": False, "threads": 1},
        "logging": {"every_steps": 1, "tensorboard": False},
        "run_directory": "run", **options.get("job", {}),
    }
    if "callbacks" in options:
        numpy.savez(own / "validation.npz", **options["validation"])
        job["data"]["validation"] = {"files": "validation.npz"}
        job["callbacks"] = options["callbacks"]
    (own / "job.yaml").write_text(json.dumps(job))


def deviation(mine, theirs):
    mine, theirs = numpy.asarray(mine, numpy.float64), numpy.asarray(theirs, numpy.float64)
    if mine.shape != theirs.shape:
        return numpy.inf
    return float(numpy.max(numpy.abs(mine - theirs)) / max(numpy.max(numpy.abs(theirs)), 1e-6)) if theirs.size else 0.0


def variables(path, scratch):
    """Every data set of a file's weights and optimizer, by its path."""
    keras.backend.clear_session()
    if path.suffix != ".keras":  # mio writes .keras only: what Keras makes of it
        scratch.unlink(missing_ok=True)
        keras.models.load_model(path).save(scratch)
        path = scratch
    found = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def round_trip(own, path):
    """Keras → mio → Keras: the number of variables that are missing or have another bit."""
    exported, again = own / "exported.keras", own / "again.keras"
    keras.backend.clear_session()
    keras.models.load_model(exported).save(again)
    first = variables(path, own / "scratch.keras")
    wrong = 0
    for other in (variables(exported, again), variables(again, again)):
        keys = first.keys() | other.keys()
        # What mio writes is compiled, so Keras gives an optimizer to a model that had none.
        if not any(key.startswith("optimizer/") for key in first):
            keys = {key for key in keys if not key.startswith("optimizer/")}
        for key in keys:
            a, b = first.get(key), other.get(key)
            wrong += a is None or b is None or a.shape != b.shape or a.tobytes() != b.astype(a.dtype).tobytes()
    return float(wrong)


def compare(folder, name):
    """The worst deviations by what they are of."""
    own = folder / name
    expected = dict(numpy.load(own / "expected.npz"))
    data = dict(numpy.load(own / "data.npz"))
    options = json.loads((own / "job.yaml").read_text())
    path = own / (options["model"]["file"] if isinstance(options["model"], dict) else options["model"])
    found = {"round trip": round_trip(own, path)}
    for run in sorted(own.glob("run-*")):
        events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for kind in ("step", "epoch"):
            for key in [key for key in expected if key.startswith(f"{kind}_")]:
                numbers = [float(event[key.removeprefix(f"{kind}_")]) for event in events if event["event"] == kind]
                found[f"{run.name} {key}"] = deviation(numbers, expected[key])
        keras.backend.clear_session()
        model = keras.models.load_model(run / "model.keras")
        predictions = keras.tree.flatten(
            model.predict(arrays(model, data, "inputs"), batch_size=len(next(iter(data.values()))), verbose=0))
        found[f"{run.name} predictions"] = max(
            deviation(mine, expected[f"output_{index}"]) for index, mine in enumerate(predictions))
        found[f"{run.name} iterations"] = abs(int(model.optimizer.iterations.numpy()) - int(expected["iterations"]))
        found[f"{run.name} learning rate"] = deviation(float(model.optimizer.learning_rate), expected["learning_rate"])
        # It goes on.
        x, y = arrays(model, data, "inputs"), arrays(model, data, "outputs")
        logs = model.train_on_batch(x, y, return_dict=True)
        found[f"{run.name} goes on"] = 0.0 if numpy.isfinite(logs["loss"]) else numpy.inf
    if len(found) == 1:
        found["no run"] = numpy.inf
    return found


def tolerance(folder, name):
    """That of rounding; of a sensitive model four times what one rounding of each weight makes: a step rounds more often."""
    expected = numpy.load(folder / name / "expected.npz")
    return max(MOST_DEVIATION, 4 * float(expected["sensitivity"])) if "sensitivity" in expected else MOST_DEVIATION


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
        worst, most = max(found.values()), tolerance(folder, name)
        failed += not worst <= most
        print(f"{'ok  ' if worst <= most else 'FAIL'} {name:28} tolerance {most:.1e}: " +
              ", ".join(f"{key} {value:.1e}" for key, value in found.items() if value > 0), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
