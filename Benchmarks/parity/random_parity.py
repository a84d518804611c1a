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
from random_jobs import RandomJob  # noqa: E402

MIO = REPOSITORY / ".build/release/mio"
FOLDER = REPOSITORY / ".cache/parity/random"
# Of the way that training has moved a tensor, at its largest: rounding, amplified by some steps.
MOST_DEVIATION = 2e-3
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
    """The weights at the end, and every step's loss."""
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
    return tensors(run / "model.safetensors"), [one["loss"] for one in events if one["event"] == "step"]


# Keras


def keras_model(job):
    description = job.job()
    model = jobs.keras_network(description)
    losses = {}
    for name, output in job.outputs.items():
        arguments = {key: value for key, value in output["loss"].items() if key != "class"}
        make = getattr(keras.losses, output["loss"]["class"])
        if output["missing"] == "elements":
            losses[name] = LabelledElements(make(reduction="none", **arguments))
        else:
            losses[name] = make(reduction="sum", **arguments)
    model.compile(jobs.keras_optimizer(description), loss=losses,
                  loss_weights={name: output["weight"] for name, output in job.outputs.items()})
    return model


class LabelledElements(keras.losses.Loss):
    """The sum over rows of the mean over their elements that are no NaN, each made by a loss of Keras."""

    def __init__(self, loss):
        super().__init__(reduction="sum")
        self.loss = loss

    def call(self, target, prediction):
        is_labelled = target == target
        # A last axis of 1: the loss' own mean is of one element.
        losses = self.loss(tensorflow.where(is_labelled, target, 0)[..., None], prediction[..., None])
        count = keras.ops.sum(keras.ops.cast(is_labelled, losses.dtype), -1)
        return keras.ops.sum(tensorflow.where(is_labelled, losses, 0), -1) / keras.ops.maximum(count, 1)


def labelled(name, job, arrays, part):
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
    weights = weights.reshape(-1, *[1] * (is_labelled.ndim - 1)) * is_labelled
    return target, (weights / max(1, is_labelled.sum())).astype(numpy.float32)


def keras_training(job, arrays, start):
    keras.backend.clear_session()
    model = keras_model(job)
    weights = jobs.keras_weights(model)
    for name, variable in weights.items():
        variable.assign(start[name])
    losses = []
    for _ in range(job.epochs):
        for first in range(0, job.samples, job.batch_size):
            part = slice(first, first + job.batch_size)
            both = {name: labelled(name, job, arrays, part) for name in job.outputs}
            model.reset_metrics()
            logs = model.train_on_batch(
                {name: arrays[name][part] for name in job.inputs}, {name: one[0] for name, one in both.items()},
                sample_weight={name: one[1] for name, one in both.items()}, return_dict=True)
            losses.append(float(logs["loss"]))
    return {name: numpy.asarray(variable) for name, variable in weights.items()}, losses


# Both


def begin_moving_averages(start):
    """Sets back what a training moves at a learning rate of 0 as well."""
    for path, values in start.items():
        if path.endswith(("/moving_mean", "/moving_variance")):
            start[path] = numpy.full_like(values, path.endswith("variance"))


def deviation(start, ours, theirs, with_l1=()):
    """The worst tensor's, as a part of the way that it has gone; (deviation, name).

    An absolute value's slope jumps at 0: of elements that such a term has taken through 0, rounding decides the step at which
    they came there. They are left out."""
    def one(name):
        stays = start[name] * theirs[name] > 0 if name in with_l1 else numpy.ones(theirs[name].shape, bool)
        if not stays.any():
            return 0.0
        far = max(numpy.abs(theirs[name] - start[name]).max(), 1e-4 * numpy.abs(theirs[name]).max(), 1e-7)
        return float(numpy.abs(ours[name] - theirs[name])[stays].max() / far)
    return max((one(name), name) for name in theirs)


def compare(seed):
    """One job. Returns (what differs or None, a line about it)."""
    job = RandomJob(seed)
    folder = FOLDER / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    arrays, launch = job.arrays(), job.launch()
    (folder / "job.yaml").write_text(json.dumps(job.job(), indent=1))
    (folder / "start.yaml").write_text(json.dumps(job.job(with_rules=False), indent=1))
    cut = job.samples // 3
    for index, part in enumerate((slice(0, cut), slice(cut, None)) if cut else (slice(None),)):
        numpy.savez(folder / f"train-{index}.npz", **{name: values[part] for name, values in arrays.items()})

    line = f"{len(job.layers)} layers, {job.samples} samples, batches of {job.batch_size}; {launch}"
    try:
        start, _ = mio(folder, "start", job="start.yaml", **{"optimizer.learning_rate": 0, "optimizer.weight_decay": 0})
        begin_moving_averages(start)
        ours, our_losses = mio(folder, "trained", launch)
    except (Failure, subprocess.TimeoutExpired) as error:
        return f"mio: {error}", line
    theirs, their_losses = keras_training(job, arrays, start)
    worst, name = deviation(start, ours, theirs, job.weights_with_l1())
    line += f": {worst:.1e}"
    if not worst <= MOST_DEVIATION:
        return f"{name} is {worst:.1e} of its way from Keras'", line
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
