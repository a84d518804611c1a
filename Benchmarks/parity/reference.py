"""Keras' side of the parity proof: writes, or checks, the golden files of Tests/Goldens.

    reference.py write FOLDER    compute everything and write it
    reference.py check FOLDER    compute everything and compare it with what is there
    reference.py full  FOLDER    the full-size image model, three steps of SGD and of Adam

Tests/Goldens/README.md says what each file holds.
"""

import argparse
import json
import os
import pathlib
import sys

# oneDNN picks another order of summation on each kind of processor; without it TensorFlow's own kernels run.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import tensorflow  # noqa: E402

import attention  # noqa: E402
import callbacks  # noqa: E402
import elementwise  # noqa: E402
import layers  # noqa: E402
import losses  # noqa: E402
import masked  # noqa: E402
import metrics  # noqa: E402
import initializers  # noqa: E402
import missing  # noqa: E402
import nested  # noqa: E402
import normalized  # noqa: E402
import operations  # noqa: E402
import optimizers  # noqa: E402
import philox  # noqa: E402
import quantities  # noqa: E402
import random_parts  # noqa: E402
import recurrent  # noqa: E402
import schedules  # noqa: E402
import sequences  # noqa: E402
import training  # noqa: E402
import weight_rules  # noqa: E402

FILES = {
    "convolution": layers.convolution,
    "pooling": layers.pooling,
    "activation": elementwise.activation,
    "merging": elementwise.merging,
    "elementwise": elementwise.elementwise,
    "normalization": layers.normalization,
    "operations": operations.golden,
    "recurrent": recurrent.golden,
    "attention": attention.golden,
    "losses": losses.golden,
    "missing-elements": missing.golden,
    "masked": masked.golden,
    "metrics": metrics.golden,
    "initializers": initializers.golden,
    "optimizers": optimizers.golden,
    "schedules": schedules.golden,
    "callbacks": callbacks.golden,
    "weight-rules": weight_rules.golden,
    **random_parts.GOLDENS,
}
for experiment in (
    training.ImageMetadata(16, batch_size=4, steps=50),
    training.TwoHeads(batch_size=32, steps=50),
    nested.Nested(batch_size=10, steps=10, sgd=0.1, adam=0.01),
    nested.Frozen(batch_size=10, steps=10, sgd=0.1, adam=0.01),
    normalized.Normalized(batch_size=10, steps=20, sgd=0.05, adam=0.005),
    sequences.Sequences(batch_size=10, steps=10, sgd=0.1, adam=0.01),
):
    for optimizer in training.OPTIMIZERS:
        FILES[f"{experiment.name}-{optimizer}"] = (
            lambda experiment=experiment, optimizer=optimizer: training.golden(experiment, optimizer)
        )

# Four million numbers reach the answer: at the small model's rates one step would saturate its sigmoid.
full_size = training.ImageMetadata(256, batch_size=2, steps=3, sgd=1e-6, adam=1e-7)
FULL = {
    f"{full_size.name}-full-{optimizer}": (lambda optimizer=optimizer: training.golden(full_size, optimizer))
    for optimizer in training.OPTIMIZERS
}


def tree(compute):
    versions = {"keras": keras.__version__, "tensorflow": tensorflow.__version__}
    return {"versions": versions, **compute()}


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, compute in files.items():
        path = folder / f"{name}.json"
        path.write_text(text(tree(compute)) + "\n")
        print(f"{path}: {path.stat().st_size} bytes", flush=True)


def text(value, depth=0):
    """JSON with a line for each entry of the outer objects and lists, and the rest compact."""
    inner = "  " * (depth + 1)
    simple = len(json.dumps(value)) <= 110 - 2 * depth or depth > 5
    if simple or not isinstance(value, (dict, list)):
        return json.dumps(value, allow_nan=False)
    if isinstance(value, list):
        if all(isinstance(one, float) for one in value):
            return json.dumps(value, allow_nan=False)
        return "[\n" + ",\n".join(inner + text(one, depth + 1) for one in value) + "\n" + "  " * depth + "]"
    entries = (f"{inner}{json.dumps(name)}: {text(one, depth + 1)}" for name, one in value.items())
    return "{\n" + ",\n".join(entries) + "\n" + "  " * depth + "}"


def check(folder, files):
    """True if everything committed came out again."""
    same = True
    for name, compute in files.items():
        path = folder / f"{name}.json"
        if not path.exists():
            print(f"{path}: missing; make it with `reference.py write {folder}`")
            same = False
            continue
        found = list(quantities.differences(json.loads(path.read_text()), json.loads(text(tree(compute))), name))
        for line in found[:20]:
            print(line)
        print(f"{path}: {'reproduced' if not found else f'{len(found)} differences'}", flush=True)
        same = same and not found
    return same


def prepare():
    """Makes TensorFlow give the same numbers again."""
    philox.verify()
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.experimental.enable_op_determinism()
    tensorflow.get_logger().setLevel("ERROR")  # it warns of each loss' graph being another one
    keras.utils.set_random_seed(0)  # for nothing drawn here: determinism asks for a seed wherever one could be


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["write", "check", "full"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", help="the files whose name starts so")
    arguments = parser.parse_args()
    prepare()
    chosen = FULL if arguments.verb == "full" else FILES
    if arguments.only:
        chosen = {name: compute for name, compute in chosen.items() if name.startswith(arguments.only)}
    if not chosen:
        parser.error(f"no file's name starts with {arguments.only!r}")
    if arguments.verb == "check":
        sys.exit(0 if check(arguments.folder, chosen) else 1)
    write(arguments.folder, chosen)


if __name__ == "__main__":
    main()
