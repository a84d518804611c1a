"""Every loss, metric, optimizer, schedule, activation, constraint, regularizer and layer of images at random arguments, in the forms of the
other golden files.

    random_parts.py FOLDER [--count N] [--seed S]    writes random-*.json, N of each class

`Tests/Goldens` has a few of each class. `scripts/parity --parts N` makes as many as are wanted, and has mio's tests read those.
"""

import argparse
import os
import pathlib
import random

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy  # noqa: E402
import tensorflow  # noqa: E402

import elementwise  # noqa: E402
import images  # noqa: E402
import losses  # noqa: E402
import metrics  # noqa: E402
import optimizers  # noqa: E402
import quantities  # noqa: E402
import schedules  # noqa: E402
import tensors  # noqa: E402
from precision import precision  # noqa: E402

COUNT = 3
SEED = 21
BATCH = losses.BATCH


def rounded(draw, low, high):
    """A number that float32 has exactly."""
    return float(numpy.float32(draw.uniform(low, high)))


# Losses


def rows(draw, least=1, most=9):
    return (BATCH, *[draw.randint(1, 4) for _ in range(draw.choice([0, 0, 1, 2]))], draw.randint(least, most))


def loss_case(draw, kind):
    """(arguments, prediction, target), as `losses.plain` has them."""
    smoothing = draw.choice([0.0, 0.0, 0.1, 0.25])
    from_logits = draw.random() < 0.5
    drawn = (-4, 4) if from_logits else (0.02, 0.98)
    if kind in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
        shape = rows(draw)
        arguments = {"from_logits": from_logits, "label_smoothing": smoothing}
        if "Focal" in kind:
            arguments |= {"gamma": draw.choice([0.5, 1.0, 2.0, 3.0]), "alpha": draw.choice([0.25, 0.75]),
                          "apply_class_balancing": draw.random() < 0.5}
        return arguments, (shape, *drawn), (shape, 2, False)
    if kind in ("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge"):
        shape = rows(draw, 2)
        target = (shape[:-1], shape[-1], True)
        if kind == "CategoricalHinge":
            return {}, (shape, -1, 1), target
        arguments = {"from_logits": from_logits, "label_smoothing": smoothing}
        if "Focal" in kind:
            weights = [draw.choice([0.25, 0.5, 1.0]) for _ in range(shape[-1])]
            arguments |= {"gamma": draw.choice([0.5, 1.0, 2.0]), "alpha": draw.choice([0.25, weights])}
        return arguments, (shape, *drawn), target
    if kind == "SparseCategoricalCrossentropy":
        shape = rows(draw, 2)
        return {"from_logits": from_logits}, (shape, *drawn), (shape[:-1], shape[-1], False)
    if kind == "CategoricalGeneralizedCrossEntropy":
        shape = rows(draw, 2)
        return {"q": draw.choice([0.25, 0.5, 0.75])}, (shape, 0.02, 0.98), (shape[:-1], shape[-1], False)
    if kind in ("Dice", "Tversky"):
        shape = rows(draw)
        places = list(range(len(shape)))
        axis = draw.choice([None, draw.sample(places, draw.randint(1, len(places))), draw.choice(places) - len(shape)])
        arguments = {"axis": axis}
        if kind == "Tversky":
            arguments |= {"alpha": draw.choice([0.25, 0.5, 1.0]), "beta": draw.choice([0.25, 0.75, 1.5])}
        target = (shape, 2, False) if draw.random() < 0.5 else (shape, 0.05, 1)
        return arguments, (shape, 0.02, 0.98), target
    if kind in ("Hinge", "SquaredHinge"):
        shape = rows(draw)
        return {}, (shape, -2, 2), draw.choice([(shape, 2, False), (shape, -2, 2)])
    if kind == "Pinball":
        shape = rows(draw)
        arguments = {"quantiles": draw.choice([0.125, 0.5, [rounded(draw, 0.1, 0.9) for _ in range(shape[-1])]])}
        return arguments, (shape, -2, 2), (shape if shape[-1] == 1 or isinstance(arguments["quantiles"], float) else shape[:-1], -2, 2)
    if kind == "WeightedBinaryCrossentropy":
        shape = rows(draw)
        weight = draw.choice([0.5, 4.0, [rounded(draw, 0.25, 4) for _ in range(shape[-1])]])
        return {"from_logits": True, "positive_weight": weight}, (shape, -4, 4), (shape, 2, False)
    shape = rows(draw, 2 if kind == "CosineSimilarity" else 1)
    low, high, target_low, target_high = {
        "MeanAbsolutePercentageError": (-2, 2, 0.5, 2), "MeanSquaredLogarithmicError": (-0.5, 4, -0.5, 4),
        "Poisson": (0.05, 5, 0, 5), "KLDivergence": (-0.02, 1.02, -0.02, 1.02), "LogCosh": (-4, 4, -4, 4),
    }.get(kind, (-2, 2, -2, 2))
    arguments = {"delta": draw.choice([0.5, 1.0, 2.0])} if kind == "Huber" else {}
    return arguments, (shape, low, high), (shape, target_low, target_high)


LOSSES = ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
          "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "CosineSimilarity", "Dice", "Hinge", "Huber",
          "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
          "MeanSquaredLogarithmicError", "Pinball", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky",
          "WeightedBinaryCrossentropy"]


def cases_of(kinds, make, count, seed):
    for kind in kinds:
        draw = random.Random(f"{kind} {seed}")
        for _ in range(count):
            yield kind, *make(draw, kind)


def random_losses(count, seed):
    return {"seed": losses.SEED, "drawn": list(losses.drawn_cases(cases_of(LOSSES, loss_case, count, seed)))}


# Metrics


def metric_case(draw, kind):
    """(arguments, target, prediction) of six samples. Predictions are 64ths, which float32 has: ties and thresholds are met."""
    width, samples = draw.randint(2, 6), 6
    shares = [[draw.randint(0, 64) / 64 for _ in range(width)] for _ in range(samples)]
    numbers = [[draw.randint(-128, 128) / 32 for _ in range(width)] for _ in range(samples)]
    answers = [[draw.randint(0, 1) for _ in range(width)] for _ in range(samples)]
    classes = [draw.randrange(width) for _ in range(samples)]
    one_hot = numpy.eye(width)[classes].tolist()
    threshold = draw.randint(8, 56) / 64
    if kind == "AUC":
        arguments = {"curve": draw.choice(["ROC", "PR", "PRGAIN"]),
                     "summation_method": draw.choice(["interpolation", "minoring", "majoring"]),
                     **draw.choice([{}, {"num_thresholds": draw.randint(2, 30)}])}
        if draw.random() < 0.4:
            arguments |= {"multi_label": True, "num_labels": width}
        return arguments, answers, shares
    if kind in ("Precision", "Recall"):
        arguments = draw.choice([{}, {"thresholds": threshold}, {"thresholds": sorted([threshold, 0.5, 0.875])},
                                 {"top_k": draw.randint(1, width)}])
        if draw.random() < 0.4:
            arguments["class_id"] = draw.randrange(width)
        return arguments, answers, shares
    if kind in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
        return draw.choice([{}, {"thresholds": threshold}, {"thresholds": [0.25, threshold]}]), answers, shares
    if " at " in kind:
        raise AssertionError(kind)
    if "At" in kind:
        name = {"SensitivityAtSpecificity": "specificity", "SpecificityAtSensitivity": "sensitivity",
                "PrecisionAtRecall": "recall", "RecallAtPrecision": "precision"}[kind]
        arguments = {name: draw.choice([0.25, 0.5, 0.75]), "num_thresholds": draw.choice([1, 5, 9, 33])}
        if draw.random() < 0.3:
            arguments["class_id"] = draw.randrange(width)
        return arguments, answers, shares
    if kind in ("F1Score", "FBetaScore"):
        arguments = {"average": draw.choice([None, "micro", "macro", "weighted"])}
        if draw.random() < 0.5:
            arguments["threshold"] = threshold
        if kind == "FBetaScore":
            arguments["beta"] = draw.choice([0.5, 2.0])
        return arguments, one_hot if "threshold" not in arguments else answers, shares
    if kind == "BinaryIoU":
        return {"target_class_ids": draw.choice([[0], [1], [0, 1]]), "threshold": threshold}, answers, shares
    if kind in ("IoU", "MeanIoU"):
        arguments = {"num_classes": width, "sparse_y_pred": False}
        if kind == "IoU":
            arguments["target_class_ids"] = draw.sample(range(width), draw.randint(1, width))
        elif draw.random() < 0.4:
            arguments["ignore_class"] = draw.randrange(width)
        return arguments, classes, shares
    if kind in ("OneHotIoU", "OneHotMeanIoU"):
        arguments = {"num_classes": width}
        if kind == "OneHotIoU":
            arguments["target_class_ids"] = draw.sample(range(width), draw.randint(1, width))
        return arguments, one_hot, shares
    if kind == "R2Score":
        return {"class_aggregation": draw.choice(["uniform_average", "variance_weighted_average", None]),
                "num_regressors": draw.choice([0, 0, 1, 2])}, numbers, shares
    if kind in ("SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy"):
        return ({"k": draw.randint(1, width)} if "TopK" in kind else {}), classes, shares
    if kind in ("CategoricalAccuracy", "TopKCategoricalAccuracy"):
        return ({"k": draw.randint(1, width)} if "TopK" in kind else {}), one_hot, shares
    if kind == "BinaryAccuracy":
        return {"threshold": threshold}, answers, shares
    if kind in ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
        from_logits = draw.random() < 0.5
        arguments = {"from_logits": from_logits}
        if not kind.startswith("Sparse"):
            arguments["label_smoothing"] = draw.choice([0.0, 0.25])
        inside = [[max(one, 1 / 64) if one < 1 else 63 / 64 for one in row] for row in shares]
        target = {"B": answers, "C": one_hot, "S": classes}[kind[0]]
        return arguments, target, numbers if from_logits else inside
    if kind in ("Hinge", "SquaredHinge"):
        return {}, draw.choice([answers, numbers]), [[draw.randint(-64, 64) / 32 for _ in range(width)] for _ in range(samples)]
    if kind == "CategoricalHinge":
        return {}, one_hot, shares
    if kind in ("KLDivergence",):
        return {}, one_hot, shares
    if kind == "Poisson":
        return {}, [[draw.randint(0, 5) for _ in range(width)] for _ in range(samples)], \
            [[draw.randint(1, 128) / 32 for _ in range(width)] for _ in range(samples)]
    if kind == "MeanSquaredLogarithmicError":
        return {}, [[abs(one) for one in row] for row in numbers], shares
    if kind == "MeanAbsolutePercentageError":
        return {}, [[one or 0.5 for one in row] for row in numbers], shares
    return {}, numbers, shares


METRICS = ["AUC", "Precision", "Recall", "TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives",
           "SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision", "F1Score",
           "FBetaScore", "BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "R2Score", "CosineSimilarity",
           "KLDivergence", "Poisson", "LogCoshError", "MeanSquaredLogarithmicError", "MeanAbsolutePercentageError",
           "MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "Hinge", "SquaredHinge", "CategoricalHinge",
           "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "TopKCategoricalAccuracy",
           "SparseTopKCategoricalAccuracy", "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"]


def random_metrics(count, seed):
    return {"cases": list(metrics.further(cases_of(METRICS, metric_case, count, seed)))}


# Optimizers and schedules


def schedule_case(draw, kind):
    rate = draw.choice([0.25, 0.125, 0.0625])
    if kind == "PiecewiseConstantDecay":
        count = draw.randint(1, 4)
        return {"boundaries": sorted(draw.sample(range(1, 120), count)), "values": [rounded(draw, 0.01, 0.5) for _ in range(count + 1)]},
    arguments = {"initial_learning_rate": rate}
    if kind == "CosineDecay":
        arguments |= {"decay_steps": draw.randint(1, 120), "alpha": draw.choice([0.0, 0.25])}
        if draw.random() < 0.5:
            arguments |= {"warmup_target": draw.choice([0.5, 0.03125]), "warmup_steps": draw.randint(1, 30)}
    elif kind == "CosineDecayRestarts":
        arguments |= {"first_decay_steps": draw.randint(4, 40), "t_mul": draw.choice([1.0, 2.0, 1.5]),
                      "m_mul": draw.choice([1.0, 0.75]), "alpha": draw.choice([0.0, 0.125])}
    elif kind == "PolynomialDecay":
        arguments |= {"decay_steps": draw.randint(1, 120), "end_learning_rate": draw.choice([0.0, 0.015625]),
                      "power": draw.choice([1.0, 0.5, 2.0]), "cycle": draw.random() < 0.5}
    else:
        arguments |= {"decay_steps": draw.randint(1, 120), "decay_rate": draw.choice([0.5, 0.875, 1.5]),
                      "staircase": draw.random() < 0.5}
    return arguments,


SCHEDULES = ["CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
             "PolynomialDecay"]


def random_schedules(count, seed):
    return schedules.golden(cases_of(SCHEDULES, schedule_case, count, seed))


def optimizer_case(draw, kind):
    beta = {"beta_1": draw.choice([0.5, 0.875]), "beta_2": draw.choice([0.75, 0.96875])}
    own = {
        "SGD": {"momentum": draw.choice([0.0, 0.5, 0.875]), "nesterov": draw.random() < 0.5},
        "Adam": {**beta, "amsgrad": draw.random() < 0.5}, "AdamW": {**beta, "amsgrad": draw.random() < 0.5},
        "Adamax": beta, "Nadam": beta, "Lion": beta,
        "RMSprop": {"rho": draw.choice([0.5, 0.875]), "momentum": draw.choice([0.0, 0.5]), "centered": draw.random() < 0.5},
        "Adagrad": {"initial_accumulator_value": draw.choice([0.125, 0.5])},
        "Adadelta": {"rho": draw.choice([0.5, 0.875])},
        "Ftrl": {"learning_rate_power": draw.choice([-0.5, -0.75]), "initial_accumulator_value": draw.choice([0.125, 0.25]),
                 "l1_regularization_strength": draw.choice([0.0, 0.25]), "l2_regularization_strength": draw.choice([0.0, 0.125]),
                 "l2_shrinkage_regularization_strength": draw.choice([0.0, 0.0625]), "beta": draw.choice([0.0, 0.0625])},
    }[kind]
    if kind in ("Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad", "Adadelta"):
        own["epsilon"] = draw.choice([2**-10, 2**-20])
    rate = draw.choice([0.125, 0.03125])
    if draw.random() < 0.3:
        name = draw.choice(SCHEDULES)
        (given,) = schedule_case(draw, name)
        rate = {"class": name, **given}
    arguments = {"learning_rate": rate, **own}
    arguments |= draw.choice([{}, {"clipnorm": 0.5}, {"clipvalue": 0.25}, {"global_clipnorm": 0.75}])
    if draw.random() < 0.5:
        arguments["weight_decay"] = 0.125
    if draw.random() < 0.3:
        arguments |= {"use_ema": True, "ema_momentum": draw.choice([0.5, 0.875])}
        if draw.random() < 0.6:
            arguments["ema_overwrite_frequency"] = draw.randint(1, 4)
    return arguments,


OPTIMIZERS = ["SGD", "Adam", "AdamW", "Adamax", "Nadam", "Lion", "RMSprop", "Adagrad", "Adadelta", "Ftrl"]


def random_optimizers(count, seed):
    return optimizers.golden(cases_of(OPTIMIZERS, optimizer_case, count, seed))


# Activations, constraints, regularizers


def random_activations(count, seed):
    def every():
        for kind in elementwise.ACTIVATIONS:
            draw = random.Random(f"{kind} {seed}")
            for _ in range(count):
                shape = (2, *[draw.randint(1, 5) for _ in range(draw.randint(0, 2))], draw.randint(1, 40))
                yield f"Activation {kind}", shape, {"activation": kind}
    return elementwise.golden("Activation", every(), low=-6)


CONSTRAINTS = ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]


def constraint_case(draw, kind):
    shape = [draw.randint(1, 6) for _ in range(draw.randint(1, 4))]
    axes = draw.choice([draw.randrange(len(shape)), draw.sample(range(len(shape)), draw.randint(1, len(shape)))])
    arguments = {"MaxNorm": {"max_value": draw.choice([0.25, 1.0, 2.0]), "axis": axes}, "UnitNorm": {"axis": axes}, "NonNeg": {},
                 "MinMaxNorm": {"min_value": draw.choice([0.25, 0.5]), "max_value": draw.choice([0.75, 1.5]),
                                "rate": draw.choice([1.0, 0.5]), "axis": axes}}[kind]
    return arguments, shape


REGULARIZERS = {"L1": ["l1"], "L2": ["l2"], "L1L2": ["l1", "l2"]}


def regularizer_case(draw, kind):
    shape = [draw.randint(1, 9) for _ in range(draw.randint(1, 3))]
    return {name: draw.choice([0.0078125, 0.25, 0.0]) for name in REGULARIZERS[kind]}, shape


def random_rules(count, seed):
    """What a constraint makes of a weight; a regularizer's term and its gradient."""
    constraints, regularizers = [], []
    for index, (kind, arguments, shape) in enumerate(cases_of(CONSTRAINTS, constraint_case, count, seed)):
        drawn = tensors.uniform(1000 + index, shape, -1.5, 1.5)
        found = []
        for element in ("float64", "float32"):
            with precision(element):
                made = getattr(keras.constraints, kind)(**arguments)
                found.append(numpy.asarray(made(keras.ops.convert_to_tensor(tensors.draw(SEED, drawn), element))))
        constraints.append({"class": kind, "arguments": arguments, "drawn": drawn,
                            "projected": quantities.tensor(*found, int(numpy.prod(shape)), SEED)})
    for index, (kind, arguments, shape) in enumerate(cases_of(REGULARIZERS, regularizer_case, count, seed)):
        drawn = tensors.uniform(2000 + index, shape, -1.5, 1.5)
        terms, gradients = [], []
        for element in ("float64", "float32"):
            with precision(element):
                made = getattr(keras.regularizers, kind)(**arguments)
                watched = tensorflow.constant(tensors.draw(SEED, drawn), element)
                with tensorflow.GradientTape() as tape:
                    tape.watch(watched)
                    term = made(watched)
                gradient = tape.gradient(term, watched)
                terms.append(float(term))
                gradients.append(numpy.zeros(shape) if gradient is None else numpy.asarray(gradient))
        size = int(numpy.prod(shape))
        regularizers.append({"class": kind, "arguments": arguments, "drawn": drawn,
                             "term": quantities.scalar(*terms, size), "gradient": quantities.tensor(*gradients, size, SEED)})
    return {"seed": SEED, "constraints": constraints, "regularizers": regularizers}


PARTS = {"random-losses": random_losses, "random-metrics": random_metrics, "random-optimizers": random_optimizers,
         "random-schedules": random_schedules, "random-activations": random_activations, "random-rules": random_rules,
         "random-images": images.golden}
GOLDENS = {name: (lambda make=make: make(COUNT, SEED)) for name, make in PARTS.items()}


def main(options):
    import reference

    reference.prepare()
    reference.write(options.folder, {name: (lambda make=make: make(options.count, options.seed))
                                     for name, make in PARTS.items() if not options.only or name in options.only})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=COUNT, help="of each class")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", nargs="*", help="the files with these names")
    main(parser.parse_args())
