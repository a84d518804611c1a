"""Keras in float64 or float32 for a while."""

import contextlib

import keras


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
