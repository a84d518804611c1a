"""Learning rates at a step. An optimizer takes the rate at its iteration count before the update: 0 first."""

import keras
import numpy

import quantities
from precision import precision

STEPS = [0, 1, 5, 9, 10, 11, 15, 20, 25, 50, 99, 100, 101, 105, 109, 110, 111, 150, 1000]

CASES = [
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 100}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 100, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.0, "decay_steps": 100, "warmup_target": 0.1, "warmup_steps": 10}),
    ("CosineDecay", {"initial_learning_rate": 0.01, "decay_steps": 100, "alpha": 0.05, "warmup_target": 0.1,
                     "warmup_steps": 10}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.96}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 100}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 100, "end_learning_rate": 0.01, "power": 0.5,
                         "cycle": True}),
    ("PiecewiseConstantDecay", {"boundaries": [10, 100], "values": [0.1, 0.05, 0.001]}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 16}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 16, "t_mul": 1.0, "m_mul": 0.5,
                             "alpha": 0.1}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 13, "t_mul": 1.5, "m_mul": 0.8}),
]


def make(kind, arguments, element):
    """The schedule in `element`: it computes in the type of the rate it starts from."""
    exact = numpy.dtype(element).type
    arguments = {name: exact(value) if name == "initial_learning_rate" else value for name, value in arguments.items()}
    if kind == "PiecewiseConstantDecay":
        arguments = {**arguments, "values": [exact(value) for value in arguments["values"]]}
    return getattr(keras.optimizers.schedules, kind)(**arguments)


def run(kind, arguments, element):
    with precision(element):
        schedule = make(kind, arguments, element)
        return numpy.asarray([float(schedule(keras.ops.convert_to_tensor(step, "int32"))) for step in STEPS])


def golden(every=CASES):
    cases = []
    for kind, arguments in every:
        double, single = run(kind, arguments, "float64"), run(kind, arguments, "float32")
        difference, floor = numpy.abs(single - double), quantities.ROUNDOFF * numpy.sqrt(8)
        if kind in ("CosineDecay", "CosineDecayRestarts", "PolynomialDecay"):  # 1 + cos and 1 − p cancel: the error is of the largest rate
            tolerance = numpy.full(len(STEPS), max(quantities.FACTOR * difference.max(), floor * double.max()))
        else:  # a power: the error is relative
            tolerance = double * max(quantities.FACTOR * (difference / double).max(), floor)
        cases.append({"class": kind, "arguments": arguments,
                      "learning_rate": quantities.quantity(double, single, tolerance)})
    return {"steps": STEPS, "cases": cases}
