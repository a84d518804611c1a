"""The scale that each initializer draws with, for shapes of given fan-in and fan-out.

The numbers are those that Keras hands to its random generator, recorded on the way.
"""

from unittest import mock

import keras
from keras.src.initializers import random_initializers

SHAPES = [[100, 32], [1, 1], [3, 3, 3, 32], [3, 5, 4, 8], [7]]
KINDS = ["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "RandomUniform",
         "RandomNormal", "TruncatedNormal"]
SCALINGS = [
    {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"},
    {"scale": 2.0, "mode": "fan_avg", "distribution": "truncated_normal"},
    {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"},
]


def record(kind, arguments, shape):
    """`truncated_normal` draws a normal of `stddev` again until it lies within 2 `stddev` of the mean."""
    calls = []

    def recorder(distribution):
        def draw(shape, dtype=None, seed=None, **parameters):
            calls.append({"distribution": distribution, **parameters})
        return draw

    with mock.patch.multiple(random_initializers.random, normal=recorder("normal"),
                             uniform=recorder("uniform"), truncated_normal=recorder("truncated_normal")):
        getattr(keras.initializers, kind)(seed=0, **arguments)(tuple(shape))
    if len(calls) != 1:
        raise AssertionError(f"{kind} drew {len(calls)} times, not once")
    fan_in, fan_out = random_initializers.compute_fans(tuple(shape))
    return {"class": kind, "arguments": arguments, "shape": shape, "fan_in": fan_in, "fan_out": fan_out, **calls[0]}


def golden():
    kinds = [(kind, {}) for kind in KINDS] + [("VarianceScaling", one) for one in SCALINGS]
    return {"cases": [record(kind, arguments, shape) for kind, arguments in kinds for shape in SHAPES]}
