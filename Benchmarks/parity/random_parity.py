"""Trains random jobs in mio, launched in random ways, and in Keras, from the same start on the same batches.

    random_parity.py --count N [--seed FIRST]

A job that comes out otherwise is left in the folder that is named.
"""

import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy  # noqa: E402
import tensorflow  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "Benchmarks/peers"))

import jobs  # noqa: E402
import optimizers  # noqa: E402
import schedules  # noqa: E402
from precision import precision  # noqa: E402
from random_jobs import RandomJob  # noqa: E402

# A folder below .build, or any other: `MIO_CONFIGURATION=debug`.
MIO = REPOSITORY / ".build" / os.environ.get("MIO_CONFIGURATION", "release") / "mio"
FOLDER = REPOSITORY / ".cache/parity/random"
# Of the way that training has moved a tensor, at its largest: rounding, amplified by some steps.
MOST_DEVIATION = 2e-3
# Beyond, Keras in float64 is the truth: mio may miss it by as much as Keras in float32 does, not more by an order.
FACTOR = 8
# Of metrics of the first step, at the same weights: of sums of some hundred terms and 2^-24 each.
METRIC_DEVIATION = 1e-4
LIMIT_SECONDS = 120


class Failure(Exception):
    """mio ended otherwise than a training does."""


# mio


def tensors(path):
    """Of a safetensors file of float32."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    found = {}
    for name, one in json.loads(content[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in one["data_offsets"])
            found[name] = numpy.frombuffer(content[begin:end], numpy.float32).reshape(one["shape"])
    return found


def mio(folder, name, launch=None, job="job.yaml", **settings):
    """The weights at the end, every step's loss, and what else the first step has logged."""
    ranks, per_group = (launch.ranks, launch.ranks_per_group) if launch else (1, 1)
    training = launch.training if launch else {}
    settings = {"name": name, **{f"training.{key}": value for key, value in training.items()}, **settings}
    command = [MIO, "train", "-n", str(ranks), job, "--resume", "never"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    environment = {**os.environ, "MIO_RANKS_PER_GROUP": str(per_group), "MIO_CACHE": str(FOLDER / "tuning")}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if ended.returncode:
        raise Failure(f"exit status {ended.returncode}: {ended.stderr.strip()[-800:]}")
    run = folder / "runs" / name
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [one for one in events if one["event"] == "step"]
    return tensors(run / "model.safetensors"), [one["loss"] for one in steps], steps[0]


# Keras


def keras_model(job, element):
    description = job.job()
    model = jobs.keras_network(description)
    losses = {}
    for name, output in job.outputs.items():
        arguments = {key: value for key, value in output["loss"].items() if key != "class"}
        make = getattr(keras.losses, output["loss"]["class"])
        if output["missing"] == "elements":
            losses[name] = LabelledElements(make(reduction="none", **arguments))
        else:
            losses[name] = make(reduction="sum_over_batch_size" if compares_sums(output) else "sum", **arguments)
    model.compile(keras_optimizer(description["optimizer"], element), loss=losses,
                  loss_weights={name: 1.0 if "schedule" in output else output["weight"]
                                for name, output in job.outputs.items()},
                  metrics={name: [keras_metric(output["metric"])] if "metric" in output else []
                           for name, output in job.outputs.items()})
    return model


def compares_sums(output):
    """Whether the loss is one of all samples, so that a mean of it is none of what is labelled."""
    return output["loss"]["class"] in ("Dice", "Tversky")


def keras_metric(metric):
    arguments = {key: value for key, value in metric.items() if key != "class"}
    return getattr(keras.metrics, metric["class"])(name="drawn", **arguments)


def keras_schedule(given, element="float32"):
    return schedules.make(given["class"], {key: value for key, value in given.items() if key != "class"}, element)


def keras_optimizer(given, element):
    arguments = {key: value for key, value in given.items() if key != "class"}
    if isinstance(arguments["learning_rate"], dict):
        arguments["learning_rate"] = keras_schedule(arguments["learning_rate"], element)
    made = optimizers.precision.optimizer(given["class"], element, **arguments)
    apply = made.apply
    # A table's gradient comes in parts, one for each place of a row. Keras 3.15.1 on TensorFlow squares the parts instead of their
    # sum where an optimizer squares a gradient: Adam's v of a row that a batch names twice is too small.
    made.apply = lambda gradients, variables=None: apply([tensorflow.convert_to_tensor(one) for one in gradients], variables)
    return made


class LabelledElements(keras.losses.Loss):
    """The sum over rows of the mean over their elements that are no NaN, each made by a loss of Keras."""

    def __init__(self, loss):
        super().__init__(reduction="sum")
        self.loss = loss

    def call(self, target, prediction):
        is_labelled = target == target
        # A last axis of 1: the loss' own mean is of one element.
        target = tensorflow.where(is_labelled, target, tensorflow.zeros_like(target))
        losses = self.loss(target[..., None], prediction[..., None])
        count = keras.ops.sum(keras.ops.cast(is_labelled, losses.dtype), -1)
        losses = tensorflow.where(is_labelled, losses, tensorflow.zeros_like(losses))
        return keras.ops.sum(losses, -1) / keras.ops.maximum(count, 1)


def labelled(name, job, arrays, part, step):
    """Targets and weights of a batch's samples with which Keras' *sum* is mio's mean over what is labelled: Keras has
    no missing labels."""
    target, output = arrays[name][part].copy(), job.outputs[name]
    if target.dtype == numpy.int32:
        is_labelled = target >= 0
        target[~is_labelled] = 0
    else:
        missing = numpy.isnan(target) | (target == output["number"])
        target[missing] = numpy.nan if output["missing"] == "elements" else 0
        is_labelled = ~missing.all(axis=-1)
    weights = arrays.get(f"{name}_weight", numpy.ones(job.samples, numpy.float32))[part]
    if "schedule" in output:
        weights = weights * float(keras_schedule(output["schedule"])(step))
    if compares_sums(output):
        return target, weights.astype(numpy.float32)
    if "class_weight" in output:
        weights = weights * class_weights(output["class_weight"], arrays[name])[target]
    weights = weights.reshape(-1, *[1] * (is_labelled.ndim - 1)) * is_labelled
    return target, (weights / max(1, is_labelled.sum())).astype(numpy.float32)


def class_weights(given, targets):
    """By class; balanced ones from all labels that there are."""
    size = int(targets.max()) + 1 if given == "balanced" else max([*given, *targets.tolist(), 0]) + 1
    found = numpy.ones(max(size, 1))
    if given == "balanced":
        counts = numpy.bincount(targets[targets >= 0], minlength=len(found))
        found[counts > 0] = counts.sum() / ((counts > 0).sum() * counts[counts > 0])
    else:
        found[list(given)] = list(given.values())
    return found


def keras_training(job, arrays, start, element="float32"):
    """The weights at the end, every step's loss, and the first step's metrics by output."""
    keras.backend.clear_session()
    with precision(element):
        model = keras_model(job, element)
        weights = jobs.keras_weights(model)
        for name, variable in weights.items():
            variable.assign(start[name])
        losses, metrics = [], {}
        for _ in range(job.epochs):
            for first in range(0, job.samples, job.batch_size):
                part = slice(first, first + job.batch_size)
                both = {name: labelled(name, job, arrays, part, len(losses)) for name in job.outputs}
                model.reset_metrics()
                logs = model.train_on_batch(
                    {name: typed(arrays[name][part], element) for name in job.inputs},
                    {name: typed(one[0], element) for name, one in both.items()},
                    sample_weight={name: typed(one[1], element) for name, one in both.items()}, return_dict=True)
                if not losses:
                    metrics = {name: float(logs[f"{name}_drawn" if len(job.outputs) > 1 else "drawn"])
                               for name, output in job.outputs.items() if "metric" in output}
                losses.append(float(logs["loss"]))
        # What `fit` ends with: averages in the place of weights.
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return {name: numpy.asarray(variable, "float64") for name, variable in weights.items()}, losses, metrics


def typed(values, element):
    return values.astype(element) if values.dtype == numpy.float32 else values


# Both


def begin_moving_averages(start):
    """Sets back what a training moves at a learning rate of 0 as well."""
    for path, values in start.items():
        if path.endswith(("/moving_mean", "/moving_variance")):
            start[path] = numpy.full_like(values, path.endswith("variance"))


def deviations(start, ours, theirs, with_l1=()):
    """Each tensor's, as a part of the way that it has gone; (deviation, name), the worst one first.

    An absolute value's slope jumps at 0: of elements that such a term has taken through 0, rounding decides the step at which
    they came there. They are left out."""
    def one(name):
        stays = start[name] * theirs[name] > 0 if name in with_l1 else numpy.ones(theirs[name].shape, bool)
        if not stays.any():
            return 0.0
        far = max(numpy.abs(theirs[name] - start[name]).max(), 1e-4 * numpy.abs(theirs[name]).max(), 1e-7)
        return float(numpy.abs(ours[name] - theirs[name])[stays].max() / far)
    return sorted(((one(name), name) for name in theirs), reverse=True)


def beyond_rounding(job, arrays, start, ours, theirs, worst):
    """Of tensors that deviate, those that Keras in float64 does not excuse: it is missed by Keras in float32 as well.

    A gradient that is all rounding, a sum that cancels or a kink that rounding decides moves weights by as much as other rounding."""
    exact, _, _ = keras_training(job, arrays, start, "float64")
    for deviation, name in worst:
        if deviation <= MOST_DEVIATION:
            continue
        allowed = FACTOR * numpy.abs(theirs[name] - exact[name]).max()
        missed = numpy.abs(ours[name] - exact[name]).max()
        if not missed <= allowed:
            yield f"{name} is {deviation:.1e} of its way from Keras', and {missed / allowed:.1f} of what rounding allows"


def different_metrics(job, logged, expected):
    for name, value in expected.items():
        found = [key for key in logged if key.startswith(f"{name}_") and key not in (f"{name}_loss", f"{name}_loss_weight")]
        if len(found) != 1:
            yield f"the metric of {name} is not logged: {sorted(logged)}"
            continue
        ours = logged[found[0]]
        if numpy.isfinite(value) and not (ours is not None and abs(ours - value) <= METRIC_DEVIATION * max(1, abs(value))):
            yield f"{found[0]}: mio {ours}, Keras {value}"


def compare(seed):
    """One job. Returns (what differs or None, a line about it)."""
    job = RandomJob(seed)
    folder = FOLDER / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    arrays, launch = job.arrays(), job.launch()
    (folder / "job.yaml").write_text(json.dumps(job.job(), indent=1))
    (folder / "start.yaml").write_text(json.dumps(
        {**job.job(with_rules=False), "optimizer": {"class": "SGD", "learning_rate": 0.0}}, indent=1))
    cut = job.samples // 3
    for index, part in enumerate((slice(0, cut), slice(cut, None)) if cut else (slice(None),)):
        numpy.savez(folder / f"train-{index}.npz", **{name: values[part] for name, values in arrays.items()})

    line = f"{len(job.layers)} layers, {job.samples} samples, batches of {job.batch_size}; {launch}"
    try:
        start, _, _ = mio(folder, "start", job="start.yaml")
        begin_moving_averages(start)
        ours, our_losses, logged = mio(folder, "trained", launch)
    except (Failure, subprocess.TimeoutExpired) as error:
        return f"mio: {error}", line
    theirs, their_losses, metrics = keras_training(job, arrays, start)
    worst = deviations(start, ours, theirs, job.weights_with_l1())
    line += f": {worst[0][0]:.1e}" if worst else ": no weights"
    if worst and not worst[0][0] <= MOST_DEVIATION:
        wrong = list(beyond_rounding(job, arrays, start, ours, theirs, worst))
        if wrong:
            return "; ".join(wrong), line
        line += ", as much as Keras in float64 allows"
    wrong = list(different_metrics(job, logged, metrics))
    if wrong:
        return "; ".join(wrong), line
    if not numpy.allclose(our_losses, their_losses, rtol=1e-3, atol=1e-5):
        return f"losses: mio {our_losses}, Keras {their_losses}", line
    shutil.rmtree(folder)
    return None, line


def main(options):
    tensorflow.get_logger().setLevel("ERROR")
    failed = []
    for seed in range(options.seed, options.seed + options.count):
        difference, line = compare(seed)
        print(f"{seed}: {line}", flush=True)
        if difference:
            failed.append(seed)
            print(f"{seed}: {difference}; see {FOLDER / str(seed)}", flush=True)
    print(f"{options.count - len(failed)} of {options.count} jobs as in Keras")
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the first job")
    sys.exit(main(parser.parse_args()))
