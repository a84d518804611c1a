"""Five steps of each optimizer on two small variables with given gradients."""

import contextlib

import keras
import numpy

import precision
import quantities
import schedules
import tensors

SEED = 5
STEPS = 5
SCHEDULE = {"class": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5,
            "staircase": True}

CASES = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.5}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.25}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 100.0}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": SCHEDULE}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.001}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    ("Adam", {"learning_rate": 0.01, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.01, "global_clipnorm": 0.5}),
    ("Adam", {"learning_rate": SCHEDULE}),
    ("AdamW", {"learning_rate": 0.01}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("AdamW", {"learning_rate": SCHEDULE, "weight_decay": 0.1, "clipvalue": 0.25}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.9, "epsilon": 0.001, "weight_decay": 0.1}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True}),
    ("RMSprop", {"learning_rate": SCHEDULE, "momentum": 0.5, "centered": True, "clipnorm": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 0.001, "weight_decay": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.8, "epsilon": 0.001, "global_clipnorm": 0.5}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.001, "weight_decay": 0.1}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": SCHEDULE, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.001, "weight_decay": 0.1}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lion", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.1}),
    ("Ftrl", {"learning_rate": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.7, "initial_accumulator_value": 0.2,
              "l1_regularization_strength": 0.3, "l2_regularization_strength": 0.1,
              "l2_shrinkage_regularization_strength": 0.05, "beta": 0.01}),
    ("Ftrl", {"learning_rate": SCHEDULE, "l1_regularization_strength": 1.0, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}),
    ("Adam", {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 2}),
]

VARIABLES = [tensors.uniform(10, (6,), -1, 1), tensors.uniform(11, (2, 3), -1, 1)]


def gradients(step):
    """Of the two variables. The second variable's norm is smaller, so clipping each apart from both together shows."""
    return [tensors.uniform(100 + 10 * step, (6,), -1, 1), tensors.uniform(101 + 10 * step, (2, 3), -0.25, 0.25)]


def run(kind, arguments, element):
    exact = kind == "Nadam" and element == "float64"
    with precision.precision(element), precision.exact_casts() if exact else contextlib.nullcontext():
        arguments = dict(arguments)
        if isinstance(arguments["learning_rate"], dict):
            schedule = dict(arguments["learning_rate"])
            arguments["learning_rate"] = schedules.make(schedule.pop("class"), schedule, element)
        chosen = precision.optimizer(kind, element, **arguments)
        variables = [keras.Variable(tensors.draw(SEED, one), dtype=element) for one in VARIABLES]
        steps = []
        for step in range(STEPS):
            drawn = [keras.ops.convert_to_tensor(tensors.draw(SEED, one), element) for one in gradients(step)]
            chosen.apply(drawn, variables)
            steps.append([numpy.asarray(variable).copy() for variable in variables])
        chosen.finalize_variable_values(variables)
        return steps, [numpy.asarray(variable).copy() for variable in variables]


def golden(every=CASES):
    cases = []
    for kind, arguments in every:
        (doubles, last), (singles, last_single) = run(kind, arguments, "float64"), run(kind, arguments, "float32")
        case = {
            "class": kind, "arguments": arguments,
            "after_step": [
                [quantities.tensor(double, single, 12 * (step + 1), SEED) for double, single in zip(*both)]
                for step, both in enumerate(zip(doubles, singles))
            ],
        }
        if "use_ema" in arguments:  # what `fit` ends with
            case["final"] = [quantities.tensor(double, single, 12 * STEPS, SEED) for double, single in zip(last, last_single)]
        cases.append(case)
    return {"seed": SEED, "variables": VARIABLES, "gradients": [gradients(step) for step in range(STEPS)],
            "cases": cases}
