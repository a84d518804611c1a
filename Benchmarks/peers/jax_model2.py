"""JAX: one training step of model 2 (one vector in, two answers out) with Adam, under jit."""

import argparse
import os
import time

import measuring


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=1, help="cores to run on, and XLA's threads")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=4000, help="timed steps")
    parser.add_argument("--warm-up", type=int, default=400, help="steps before them")
    parser.add_argument("--steps-per-call", type=int, default=1,
                        help="steps in one call of the compiled function, joined by lax.scan")
    return parser.parse_args()


def draw(size):
    """Parameters as Glorot would have them, and a batch of made-up numbers."""
    import jax.numpy
    import numpy

    random = numpy.random.default_rng(0)

    def dense(rows, columns):
        limit = (6 / (rows + columns)) ** 0.5
        kernel = random.uniform(-limit, limit, (rows, columns)).astype("float32")
        return {"kernel": jax.numpy.array(kernel), "bias": jax.numpy.zeros(columns, "float32")}

    parameters = {
        "kind_hidden": dense(100, 32), "kind": dense(32, 10),
        "box_hidden": dense(100, 64), "box": dense(64, 4),
    }
    batch = {
        "input": jax.numpy.array(random.uniform(-1, 1, (size, 100)).astype("float32")),
        "kind": jax.numpy.array(random.integers(0, 10, size).astype("int32")),
        "box": jax.numpy.array(random.uniform(0, 1, (size, 4)).astype("float32")),
    }
    return parameters, batch


def losses(parameters, batch):
    """The total loss, and Keras' four logs: both losses, the accuracy, the mean absolute error."""
    import jax

    def dense(name, x):
        return x @ parameters[name]["kernel"] + parameters[name]["bias"]

    logits = dense("kind", jax.nn.relu(dense("kind_hidden", batch["input"])))
    box = jax.nn.sigmoid(dense("box", jax.nn.relu(dense("box_hidden", batch["input"]))))
    labels = batch["kind"]
    chosen = jax.numpy.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    kind_loss = -chosen.mean()
    box_loss = ((box - batch["box"]) ** 2).mean()
    accuracy = (logits.argmax(axis=1) == labels).mean()
    error = abs(box - batch["box"]).mean()
    return kind_loss + 0.5 * box_loss, (kind_loss, box_loss, accuracy, error)


def adam(parameters, gradients, first, second, count):
    """Keras' Adam at its default rate: p −= rate √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε)."""
    import jax

    rate = 0.001 * jax.numpy.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    map_ = jax.tree_util.tree_map
    first = map_(lambda m, g: m + (g - m) * 0.1, first, gradients)
    second = map_(lambda v, g: v + (g * g - v) * 0.001, second, gradients)
    parameters = map_(
        lambda p, m, v: p - rate * m / (jax.numpy.sqrt(v) + 1e-7), parameters, first, second)
    return parameters, first, second


def main(options):
    measuring.claim_cores(options.cores)
    if options.cores == 1:  # Eigen's thread pool only costs on one core
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    parameters, batch = draw(options.batch_size)
    zeros = jax.tree_util.tree_map(jax.numpy.zeros_like, parameters)
    state = (parameters, zeros, jax.tree_util.tree_map(jax.numpy.zeros_like, zeros), jax.numpy.float32(1))

    def one(state, batch):
        parameters, first, second, count = state
        (loss, logs), gradients = jax.value_and_grad(losses, has_aux=True)(parameters, batch)
        return (*adam(parameters, gradients, first, second, count), count + 1), (loss, logs)

    def several(state, batch):
        state, logs = jax.lax.scan(lambda s, _: one(s, batch), state, length=options.steps_per_call)
        return state, jax.tree_util.tree_map(lambda log: log[-1], logs)

    step = jax.jit(one if options.steps_per_call == 1 else several, donate_argnums=0)
    state, (loss, _) = step(state, batch)
    jax.block_until_ready(loss)
    first_step = measuring.seconds_since_process_start()
    for _ in range(options.warm_up // options.steps_per_call):
        state, (loss, _) = step(state, batch)
    jax.block_until_ready(loss)

    # The time of twenty groups of calls: within one, calls may queue up, as they do in a training loop.
    calls = max(1, options.steps // options.steps_per_call // 20)
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(calls):
            state, (loss, logs) = step(state, batch)
        jax.block_until_ready((state, loss, logs))
        seconds.append((time.perf_counter() - began) / (calls * options.steps_per_call))
    measuring.report({
        "program": "jax",
        "versions": {"jax": jax.__version__},
        "model": "two-heads",
        "batch_size": options.batch_size,
        "cores": options.cores,
        "steps": 20 * calls * options.steps_per_call,
        "steps_per_call": options.steps_per_call,
        **measuring.times(seconds, options.batch_size),
        "first_step_seconds": first_step,
        "peak_memory_bytes": measuring.peak_memory_bytes(),
        "loss": float(loss),
    })


if __name__ == "__main__":
    main(arguments())
