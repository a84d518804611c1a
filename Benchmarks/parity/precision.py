"""Keras in float64 or float32 for a while."""

import contextlib
import inspect

import keras
import keras.src
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


@contextlib.contextmanager
def exact_casts():
    """Python floats that Keras casts inside stay what they are: Nadam's 0.96, which it rounds to float32 first."""
    cast = keras.src.ops.cast
    keras.src.ops.cast = lambda x, dtype: cast(numpy.float64(x) if isinstance(x, float) else x, dtype)
    try:
        yield
    finally:
        keras.src.ops.cast = cast


def optimizer(kind, element, **arguments):
    """The optimizer in `element`, all the way: Keras rounds a Python float that it casts (Adam's betas for their
    powers, the weight decay) to float32 first, in float64 too. A numpy float64 stays what it is."""
    if element == "float64":
        defaults = inspect.signature(getattr(keras.optimizers, kind)).parameters
        given = {name: one.default for name, one in defaults.items() if isinstance(one.default, float)}
        arguments = {**given, **arguments}
        arguments = {
            name: numpy.float64(value) if isinstance(value, float) and name != "learning_rate" else value
            for name, value in arguments.items()
        }
    return getattr(keras.optimizers, kind)(**arguments)
