"""Times a Keras model's training step on TensorFlow, on a given number of cores; prints one JSON line.

The step is what `fit` runs, `Model.train_step` in a `tf.function`, without `fit`'s data pipeline and
callbacks: the batch is in memory already. TensorFlow's defaults otherwise, oneDNN included.
"""

import argparse
import os
import time

import measuring


def arguments(description, batch_size, steps, warm_up, steps_per_call):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cores", type=int, default=1, help="cores to run on, and TensorFlow's threads")
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--steps", type=int, default=steps, help="timed steps")
    parser.add_argument("--warm-up", type=int, default=warm_up, help="steps before them")
    parser.add_argument("--steps-per-call", type=int, default=steps_per_call,
                        help="steps in one call of the tf.function, as fit's steps_per_execution")
    parser.add_argument("--precision", choices=["float32", "mixed_bfloat16"], default="float32",
                        help="Keras' dtype policy")
    parser.add_argument("--jit", choices=["on", "off"], default="off", help="compile the step with XLA")
    return parser.parse_args()


def run(name, build, batch, options):
    """`build()`: the compiled model; `batch(size)`: (inputs, targets) as numpy arrays."""
    measuring.claim_cores(options.cores)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(options.cores)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    keras.config.set_dtype_policy(options.precision)
    keras.utils.set_random_seed(0)
    model = build()
    data = tensorflow.nest.map_structure(tensorflow.constant, batch(options.batch_size))
    model.optimizer.build(model.trainable_variables)

    @tensorflow.function(jit_compile=options.jit == "on")
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
    first_step = measuring.seconds_since_process_start()
    for _ in range(options.warm_up // options.steps_per_call):
        timed()
    calls = max(1, options.steps // options.steps_per_call)
    results = [timed() for _ in range(calls)]
    measuring.report({
        "program": "keras-tensorflow",
        "versions": {"keras": keras.__version__, "tensorflow": tensorflow.__version__},
        "model": name,
        "precision": options.precision,
        "jit": options.jit == "on",
        "batch_size": options.batch_size,
        "cores": options.cores,
        "steps": calls * options.steps_per_call,
        "steps_per_call": options.steps_per_call,
        **measuring.times([seconds for seconds, _ in results], options.batch_size),
        "first_step_seconds": first_step,
        "peak_memory_bytes": measuring.peak_memory_bytes(),
        "loss": results[-1][1],
    })
