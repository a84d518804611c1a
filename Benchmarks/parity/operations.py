"""The layers that stand for Keras' operations on tensors, against `keras.ops`: each function of one and of two tensors, with
and without repeated axes and constants, sums along axes, parts of tensors and products of matrices."""

from keras import ops

import elementwise

# Of each element: its operation, and the numbers that it is given where those around 0 would not do.
UNARY = {
    "negative": (ops.negative, None), "absolute": (ops.absolute, None), "sqrt": (ops.sqrt, (0.25, 2)),
    "rsqrt": (ops.rsqrt, (0.25, 2)), "square": (ops.square, None), "reciprocal": (ops.reciprocal, (0.25, 2)),
    "exp": (ops.exp, (-4, 4)), "expm1": (ops.expm1, None), "log": (ops.log, (0.25, 4)), "log1p": (ops.log1p, (-0.5, 2)),
    "sin": (ops.sin, (-4, 4)), "cos": (ops.cos, (-4, 4)), "sign": (ops.sign, None),
}
BINARY = {
    "add": (ops.add, None), "subtract": (ops.subtract, None), "multiply": (ops.multiply, None),
    "divide": (ops.divide, (0.25, 2)), "maximum": (ops.maximum, None), "minimum": (ops.minimum, None),
    "power": (ops.power, (0.25, 2)),
}
REDUCTIONS = {"sum": ops.sum, "mean": ops.mean, "max": ops.max, "min": ops.min}


def case(kind, name, shapes, arguments, function, bounds=None):
    """As `elementwise.golden` takes it."""
    return kind, name, [(2, *shape) for shape in shapes], arguments, function, bounds


def unary():
    for name, (function, bounds) in UNARY.items():
        yield case("UnaryOperation", name, [(3, 20)], {"function": name}, function, bounds)
    for least, most in [(-0.5, 0.25), (0.0, 1e30)]:
        arguments = {"function": "clip", "minimum": least, "maximum": most}
        yield case("UnaryOperation", f"clip {least} {most}", [(3, 20)], arguments,
                   lambda x, least=least, most=most: ops.clip(x, least, most))


def binary():
    for name, (function, bounds) in BINARY.items():
        for shapes in [[(3, 5), (3, 5)], [(3, 5), (1, 5)], [(3, 1), (1, 5)], [(2, 1, 4), (1, 3, 1)]]:
            yield case("BinaryOperation", f"{name} of {shapes}", shapes, {"function": name}, function, bounds)
        for constant, given in [(0.75, 0.75), ([0.5, 1.5, 2.0], [[0.5, 1.5, 2.0]])]:
            for first in (False, True):
                arguments = {"function": name, "constant": constant} | ({"constant_first": True} if first else {})
                yield case(
                    "BinaryOperation", f"{name} with {constant} {'before' if first else 'behind'}", [(4, 3)], arguments,
                    lambda x, function=function, given=given, first=first: function(given, x) if first else function(x, given),
                    bounds)
    # Whole powers of what is negative too.
    for exponent in [2.0, 3.0, -1.0]:
        yield case("BinaryOperation", f"power {exponent} of negative numbers", [(3, 5)],
                   {"function": "power", "constant": exponent}, lambda x, exponent=exponent: ops.power(x, exponent))


def reductions():
    for name, function in REDUCTIONS.items():
        for axis in [[1], [-1], [1, 3], [1, 2, 3]]:
            for keepdims in (False, True):
                yield case(
                    "Reduction", f"{name} along {axis}{' kept' if keepdims else ''}", [(3, 4, 5)],
                    {"function": name, "axis": axis, "keepdims": keepdims},
                    lambda x, function=function, axis=axis, keepdims=keepdims: function(x, axis=tuple(axis), keepdims=keepdims))


def parts():
    for index, part in {
        "0": (0,), "-1": (-1,), "1:3": (slice(1, 3),), "::2": (slice(None, None, 2),), "..., 1": (..., 1),
        "1:, ..., ::3": (slice(1, None), ..., slice(None, None, 3)), ":, 2, 1:-1": (slice(None), 2, slice(1, -1)),
        "..., newaxis": (..., None), "newaxis, 1": (None, 1),
    }.items():
        yield case("GetItem", f"[{index}]", [(3, 4, 5)], {"index": index}, lambda x, part=part: x[(slice(None), *part)])


def products():
    for shapes in [[(3, 4), (4, 5)], [(2, 3, 4), (2, 4, 1)], [(1, 1), (1, 1)], [(20, 33), (33, 17)]]:
        yield case("Matmul", f"{shapes[0]} by {shapes[1]}", shapes, {}, ops.matmul)


def golden():
    return elementwise.golden(None, [*unary(), *binary(), *reductions(), *parts(), *products()])
