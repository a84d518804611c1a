"""Tensors that a golden file describes instead of holding: each is drawn from one Philox stream.

A specification is the JSON object that stands in the file:
    {"shape": [...], "stream": n, "low": a, "high": b}     float32, uniform in [a, b)
    {"shape": [...], "stream": n, "classes": c}            whole numbers 0 ..< c
    {"shape": [...], "stream": n, "classes": c, "one_hot": true}   those, as rows of c numbers 0 or 1 (float32)
"""

import numpy

import philox


def uniform(stream, shape, low, high):
    low, high = float(numpy.float32(low)), float(numpy.float32(high))
    return {"shape": list(shape), "stream": stream, "low": low, "high": high}


def classes(stream, shape, count, one_hot=False):
    specification = {"shape": list(shape), "stream": stream, "classes": count}
    return {**specification, "one_hot": True} if one_hot else specification


def draw(seed, specification):
    """The specified tensor: float32, or int32 for classes that are not one-hot."""
    shape, stream = specification["shape"], specification["stream"]
    if "classes" not in specification:
        return philox.uniform(seed, stream, shape, specification["low"], specification["high"])
    drawn = philox.classes(seed, stream, shape, specification["classes"])
    if specification.get("one_hot"):
        return numpy.eye(specification["classes"], dtype=numpy.float32)[drawn]
    return drawn
