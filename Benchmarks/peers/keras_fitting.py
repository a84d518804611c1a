"""Times Keras' `fit` through whole epochs, on one of Keras' backends; prints one JSON line.

`fit` in its best form: the data in memory as arrays, no validation, no callbacks but a clock, nothing printed.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

import measuring


def parser(description, epochs, steps_per_execution):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="a folder of .npz shards")
    parser.add_argument("--backend", choices=["tensorflow", "jax", "torch"], default="tensorflow")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=epochs, help="the first one, which compiles, is not counted")
    parser.add_argument("--steps-per-execution", type=int, default=steps_per_execution)
    parser.add_argument("--jit", choices=["on", "off"], default="on",
                        help="compile's jit_compile: XLA on TensorFlow, torch.compile on PyTorch; JAX always has it")
    parser.add_argument("--pipeline", choices=["arrays", "dataset"], default="arrays",
                        help="what fit is given: arrays, or (TensorFlow) a shuffled, cached, prefetching tf.data")
    return parser


def prepare(options):
    """Before anything imports Keras: its backend, and its cores. Returns the backend's version."""
    measuring.claim_cores(options.cores)
    os.environ["KERAS_BACKEND"] = options.backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["JAX_PLATFORMS"] = "cpu"
    if options.backend == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(options.cores)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        return {"tensorflow": tensorflow.__version__}
    if options.backend == "torch":
        import torch

        torch.set_num_threads(options.cores)
        return {"torch": torch.__version__}
    if options.cores == 1:  # Eigen's thread pool only costs on one core
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    import jax

    return {"jax": jax.__version__}


def read(folder):
    """All shards' arrays, joined."""
    import numpy

    paths = sorted(pathlib.Path(folder).glob("*.npz"))
    if not paths:
        sys.exit(f"--data {folder}: expected .npz shards, found none")
    shards = [numpy.load(path) for path in paths]
    return {name: numpy.concatenate([shard[name] for shard in shards]) for name in shards[0].files}


def pipeline(options, inputs, targets, batch_size):
    """What `fit` is given, as keyword arguments."""
    if options.pipeline == "arrays":
        return {"x": inputs, "y": targets, "batch_size": batch_size, "shuffle": True}
    import tensorflow

    rows = len(next(iter(inputs.values())))
    dataset = tensorflow.data.Dataset.from_tensor_slices((inputs, targets))
    dataset = dataset.shuffle(rows).batch(batch_size, drop_remainder=True)
    return {"x": dataset.prefetch(tensorflow.data.AUTOTUNE)}


def run(name, options, versions, model, inputs, targets, batch_size):
    """`model`: compiled. Prints what `fit` reached."""
    import keras

    class Clock(keras.callbacks.Callback):
        """When each epoch ended: what lies between two ends is an epoch."""

        ends = []

        def on_epoch_end(self, epoch, logs=None):
            self.ends.append(time.perf_counter())

    model.jit_compile = options.jit == "on" or options.backend == "jax"
    model.steps_per_execution = options.steps_per_execution
    history = model.fit(
        **pipeline(options, inputs, targets, batch_size), epochs=options.epochs, verbose=0, callbacks=[Clock()])
    seconds = [end - begin for begin, end in zip(Clock.ends, Clock.ends[1:])]
    rows = len(next(iter(inputs.values())))
    measuring.report({
        "program": f"keras-fit-{options.backend}",
        "versions": {"keras": keras.__version__, **versions},
        "model": name,
        "batch_size": batch_size,
        "cores": options.cores,
        "samples": rows,
        "epochs": options.epochs,
        "steps_per_execution": options.steps_per_execution,
        "jit": model.jit_compile,
        "pipeline": options.pipeline,
        "samples_per_second": rows / statistics.median(seconds),
        "slowest_epoch_seconds": max(seconds),
        "peak_memory_bytes": measuring.peak_memory_bytes(),
        "loss": float(history.history["loss"][-1]),
    })
