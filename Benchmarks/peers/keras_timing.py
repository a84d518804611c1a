"""Times a Keras model's training step on TensorFlow, on a given number of cores; prints one JSON line.

The step is what `fit` runs, `Model.train_step` in a `tf.function`, without `fit`'s data pipeline and
callbacks: the batch is in memory already. TensorFlow's defaults otherwise, oneDNN included.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import sys
import time


def seconds_since_process_start():
    """From the kernel's record of when this process began, so that Python's own start counts."""
    fields = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # field 22, starttime, counted from field 3
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def arguments(description, batch_size, steps, warm_up, steps_per_call):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cores", type=int, default=1, help="cores to run on, and TensorFlow's threads")
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--steps", type=int, default=steps, help="timed steps")
    parser.add_argument("--warm-up", type=int, default=warm_up, help="steps before them")
    parser.add_argument("--steps-per-call", type=int, default=steps_per_call,
                        help="steps in one call of the tf.function, as fit's steps_per_execution")
    return parser.parse_args()


def claim_cores(count):
    """Binds the process to the first `count` of the cores it may use; before TensorFlow counts them."""
    allowed = sorted(os.sched_getaffinity(0))
    if count < 1 or count > len(allowed):
        sys.exit(f"--cores {count}: this process may use {len(allowed)}")
    os.sched_setaffinity(0, allowed[:count])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"


def run(name, build, batch, options):
    """`build()`: the compiled model; `batch(size)`: (inputs, targets) as numpy arrays."""
    claim_cores(options.cores)
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(options.cores)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    keras.utils.set_random_seed(0)
    model = build()
    data = tensorflow.nest.map_structure(tensorflow.constant, batch(options.batch_size))
    model.optimizer.build(model.trainable_variables)

    @tensorflow.function
    def step(data):
        if options.steps_per_call > 1:
            for _ in tensorflow.range(options.steps_per_call - 1):
                model.train_step(data)
        return model.train_step(data)

    def timed():
        began = time.perf_counter()
        logs = step(data)
        loss = float(logs["loss"])  # waits for the step
        return (time.perf_counter() - began) / options.steps_per_call, loss

    timed()
    first_step = seconds_since_process_start()
    for _ in range(options.warm_up // options.steps_per_call):
        timed()
    calls = max(1, options.steps // options.steps_per_call)
    results = [timed() for _ in range(calls)]
    times = sorted(seconds for seconds, _ in results)
    print(json.dumps({
        "program": "keras-tensorflow",
        "versions": {"keras": keras.__version__, "tensorflow": tensorflow.__version__},
        "model": name,
        "batch_size": options.batch_size,
        "cores": options.cores,
        "steps": calls * options.steps_per_call,
        "steps_per_call": options.steps_per_call,
        "median_step_milliseconds": statistics.median(times) * 1e3,
        "fastest_step_milliseconds": times[0] * 1e3,
        "slowest_step_milliseconds": times[-1] * 1e3,
        "samples_per_second": options.batch_size / statistics.median(times),
        "first_step_seconds": first_step,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "loss": results[-1][1],
    }))
