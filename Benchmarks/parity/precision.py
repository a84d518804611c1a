"""Keras in float64 or float32 for a while."""

import contextlib

import keras
import numpy


@contextlib.contextmanager
def precision(element):
    """All of Keras computes in `element` inside. The policy that layers take is kept apart from `floatx`: both."""
    keras.config.set_floatx(element)
    keras.config.set_dtype_policy(element)
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def optimizer(kind, element, **arguments):
    """The optimizer in `element`, all the way: Keras rounds a Python float that it casts (Adam's betas for their
    powers, the weight decay) to float32 first, in float64 too. A numpy float64 stays what it is."""
    if element == "float64":
        if kind in ("Adam", "AdamW"):
            arguments = {"beta_1": 0.9, "beta_2": 0.999, **arguments}
        if kind == "AdamW":
            arguments = {"weight_decay": 0.004, **arguments}
        arguments = {
            name: numpy.float64(value) if isinstance(value, float) and name != "learning_rate" else value
            for name, value in arguments.items()
        }
    return getattr(keras.optimizers, kind)(**arguments)
