"""Holds the peers to each other: JAX' and PyTorch's model 2 must give Keras' losses, metrics and (JAX) Adam steps.

    python agreement.py        exits with 1 and a line for each number that differs

The same weights and batch for all. Tolerance: a sum of 100 products is rounded at most 100 times, by half of
float32's epsilon each; a chain of two layers twice that.
"""

import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "parity"))

import jax
import keras
import models
import numpy
import torch

import jax_model2
import torch_models

TOLERANCE = 100 * numpy.finfo(numpy.float32).eps
LOGS = ("loss", "kind_loss", "box_loss", "kind_accuracy", "box_mean_absolute_error")
STEPS = 3


def keras_logs(parameters, batch):
    """Keras' logs of the batch, and its kernels after `STEPS` steps."""
    model = models.two_heads()
    models.compile_two_heads(model, keras.optimizers.Adam(0.001))
    for name, one in parameters.items():
        model.get_layer(name).set_weights([numpy.array(one["kernel"]), numpy.array(one["bias"])])
    arrays = {name: numpy.array(array) for name, array in batch.items()}
    inputs, targets = {"input": arrays["input"]}, {name: arrays[name] for name in ("kind", "box")}
    logs = model.evaluate(inputs, targets, batch_size=len(arrays["kind"]), verbose=0, return_dict=True)
    for _ in range(STEPS):
        model.train_on_batch(inputs, targets)
    return [logs[name] for name in LOGS], {name: model.get_layer(name).get_weights()[0] for name in parameters}


def jax_logs(parameters, batch):
    total, logs = jax_model2.losses(parameters, batch)
    first = second = jax.tree_util.tree_map(jax.numpy.zeros_like, parameters)
    for step in range(STEPS):
        gradients = jax.grad(lambda parameters: jax_model2.losses(parameters, batch)[0])(parameters)
        parameters, first, second = jax_model2.adam(parameters, gradients, first, second, jax.numpy.float32(step + 1))
    return [float(log) for log in (total, *logs)], {name: one["kernel"] for name, one in parameters.items()}


def torch_logs(parameters, batch):
    """PyTorch's Adam adds its ε to another root, so its steps are not compared."""
    model = torch_models.TwoHeads()
    with torch.no_grad():
        for name, one in parameters.items():
            layer = getattr(model, name)
            layer.weight.copy_(torch.tensor(numpy.array(one["kernel"]).T))
            layer.bias.copy_(torch.tensor(numpy.array(one["bias"])))
        tensors = {name: torch.tensor(numpy.array(array)) for name, array in batch.items()}
        tensors["kind"] = tensors["kind"].long()
        total, logs = torch_models.TwoHeads.losses(model(tensors["input"]), tensors)
    return [float(log) for log in (total, *logs)]


def differences(program, names, expected, received, tolerance):
    for name, one, other in zip(names, expected, received):
        difference = numpy.abs(numpy.asarray(one) - numpy.asarray(other)).max()
        # Not `>`: a NaN differs too.
        if not difference <= tolerance * max(1, numpy.abs(one).max()):
            yield f"{program}: {name}: differs from Keras' by {difference}, expected at most {tolerance}"


def main():
    parameters, batch = jax_model2.draw(32)
    expected, kernels = keras_logs(parameters, batch)
    received, jax_kernels = jax_logs(parameters, batch)
    found = [
        *differences("JAX", LOGS, expected, received, TOLERANCE),
        *differences("JAX", kernels, kernels.values(), [jax_kernels[name] for name in kernels], STEPS * TOLERANCE),
        *differences("PyTorch", LOGS, expected, torch_logs(parameters, batch), TOLERANCE),
    ]
    print("\n".join(found) or f"{len(LOGS)} logs of JAX and PyTorch, and {STEPS} steps of JAX, are Keras'")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
