"""What a golden file holds of a result: Keras' float64 value, its float32 value, and the tolerance.

float64 is the truth that both float32 programs approach. A float32 program other than Keras may err as
much as Keras does, not more by an order: with d = |float32 - float64| of Keras,

    tolerance = max(4 d, floor),    floor = u sqrt(n) |value|,    u = 2^-24,

where n is the length of the longest sum in the computation; u sqrt(n) is the expected relative error of a
float32 sum of n terms whose roundings are independent. The floor is there because Keras' own d may be small
by luck. For a tensor d and |value| are the largest of all its elements.
"""

import numpy

import philox

ROUNDOFF = 2.0**-24
FACTOR = 4
PROJECTION_STREAM = 9000
SMALL = 64


def quantity(value, single, tolerance):
    """One record: `value` of float64, `single` of float32, both scalars or both arrays."""
    return {
        "value": numpy.asarray(value, numpy.float64).tolist(),
        "float32": numpy.asarray(single, numpy.float64).tolist(),
        "tolerance": numpy.asarray(tolerance, numpy.float64).tolist(),
    }


def scalar(value, single, terms, size=None):
    """`size`: what the value is a sum of, where its terms cancel; otherwise the value."""
    floor = ROUNDOFF * numpy.sqrt(terms) * abs(float(value if size is None else size))
    return quantity(value, single, max(FACTOR * abs(float(single) - float(value)), floor))


def series(values, singles, terms):
    """One number a step. A step's error also holds the errors of the steps before it, so that d is the largest
    difference up to the step and |value| the largest value up to it."""
    values, singles = numpy.asarray(values, numpy.float64), numpy.asarray(singles, numpy.float64)
    difference = numpy.maximum.accumulate(numpy.abs(singles - values))
    size = numpy.maximum.accumulate(numpy.abs(values))
    return quantity(values, singles, numpy.maximum(FACTOR * difference, ROUNDOFF * numpy.sqrt(terms) * size))


def tensor(value, single, terms, seed, floor=None):
    """The record of a tensor: all its numbers if there are at most 64, else `first`, `last`, `sum`,
    `sum_of_squares` and `projection`, which together show a wrong value, a wrong order, a wrong shape.

    `floor`: the elements' floor, where it is not u sqrt(n) max |value|.
    """
    value, single = numpy.asarray(value, numpy.float64), numpy.asarray(single, numpy.float64)
    if value.shape != single.shape:
        raise AssertionError(f"float64 has the shape {value.shape}, float32 {single.shape}")
    record = {"shape": list(value.shape)}
    value, single = value.reshape(-1), single.reshape(-1)
    difference, largest = numpy.abs(single - value), numpy.abs(value).max()
    if floor is None:
        floor = ROUNDOFF * numpy.sqrt(terms) * largest
    element = max(FACTOR * difference.max(), floor)
    if value.size <= SMALL:
        return {**record, "values": quantity(value, single, element)}
    signs = philox.uniform(seed, PROJECTION_STREAM, [value.size], -1, 1).astype(numpy.float64)
    # Of a sum over N elements: the elements' errors may all point one way (d), independent roundings grow as sqrt(N).
    total = max(FACTOR * difference.sum(), numpy.sqrt(value.size) * floor)
    squares = max(
        FACTOR * (difference * numpy.abs(single + value)).sum(), numpy.sqrt(value.size) * floor * 2 * largest
    )
    return {
        **record,
        "first": quantity(value[:8], single[:8], element),
        "last": quantity(value[-8:], single[-8:], element),
        "sum": quantity(value.sum(), single.sum(), total),
        "sum_of_squares": quantity((value**2).sum(), (single**2).sum(), squares),
        "projection": quantity((value * signs).sum(), (single * signs).sum(), total),
    }


# Keras' float64 must come out again within the float32 tolerance times this: float64 has 29 bits more, of which
# 9 are left to the order of summation, which differs between processors.
DOUBLE_SLACK = 2.0**-20


def differences(expected, received, path=""):
    """Compares two golden trees; yields one line a difference. Quantities by their tolerance, the rest exactly."""
    if isinstance(expected, dict) and "tolerance" in expected and isinstance(received, dict):
        tolerance = numpy.asarray(expected["tolerance"])
        for name, allowed in (("float32", 2 * tolerance), ("value", DOUBLE_SLACK * tolerance + 1e-300)):
            here, there = numpy.asarray(expected[name]), numpy.asarray(received[name])
            if here.shape != there.shape:
                yield f"{path}.{name}: expected the shape {here.shape}, received {there.shape}"
            elif not (numpy.abs(here - there) <= allowed).all():
                worst = numpy.max(numpy.abs(here - there) / allowed)
                yield f"{path}.{name}: {worst:.3g} times the tolerance away: expected {here}, received {there}"
    elif isinstance(expected, dict) and isinstance(received, dict):
        for name in sorted(expected.keys() | received.keys()):
            if name not in expected or name not in received:
                yield f"{path}.{name}: only in the {'new' if name in received else 'committed'} file"
            else:
                yield from differences(expected[name], received[name], f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(received, list) and len(expected) == len(received):
        for index, (one, other) in enumerate(zip(expected, received)):
            yield from differences(one, other, f"{path}[{index}]")
    elif expected != received:
        yield f"{path}: expected {expected!r}, received {received!r}"
