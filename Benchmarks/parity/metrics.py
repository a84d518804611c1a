"""Metrics where ties, thresholds or sample weights decide."""

import keras
import numpy

import quantities
from precision import precision

TIED = [
    [0.1, 0.4, 0.4, 0.1, 0.0],  # the two best are equal
    [0.2, 0.2, 0.2, 0.2, 0.2],  # all are
    [0.5, 0.3, 0.1, 0.1, 0.0],
    [0.0, 0.1, 0.2, 0.3, 0.4],
    [0.3, 0.3, 0.2, 0.1, 0.1],
    [0.1, 0.1, 0.2, 0.2, 0.4],
]
CLASSES = [2, 0, 0, 2, 0, 1]
ONE_HOT = numpy.eye(5)[CLASSES].tolist()
WEIGHTS = [1.0, 2.0, 0.5, 0.0, 1.5, 3.0]
BINARY = [[0.5], [0.5000001], [0.49], [0.9], [0.2], [0.0]]
BINARY_TARGET = [[1], [1], [0], [0], [1], [0]]
VECTOR = [[0.5, -1.0], [2.0, 0.0], [1.5, 1.5], [-0.5, 0.25], [3.0, -2.0], [0.0, 0.0]]
VECTOR_TARGET = [[0.0, -1.0], [1.0, 1.0], [1.5, 2.0], [0.5, 0.25], [-1.0, 2.0], [0.125, 0.0]]

CASES = [
    ("SparseCategoricalAccuracy", {}, CLASSES, TIED),
    ("CategoricalAccuracy", {}, ONE_HOT, TIED),
    *[("SparseTopKCategoricalAccuracy", {"k": k}, CLASSES, TIED) for k in (1, 2, 3, 5)],
    *[("TopKCategoricalAccuracy", {"k": k}, ONE_HOT, TIED) for k in (1, 2, 3, 5)],
    ("BinaryAccuracy", {}, BINARY_TARGET, BINARY),
    ("BinaryAccuracy", {"threshold": 0.3}, BINARY_TARGET, BINARY),
    ("MeanAbsoluteError", {}, VECTOR_TARGET, VECTOR),
    ("MeanSquaredError", {}, VECTOR_TARGET, VECTOR),
]

SCORES = [
    [0.05, 0.70, 0.25],
    [0.40, 0.35, 0.25],
    [0.90, 0.05, 0.05],
    [0.10, 0.30, 0.60],
    [0.50, 0.20, 0.30],
    [0.00, 1.00, 0.50],
]
ANSWERS = [[0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 0]]
CHOICES = [1, 0, 0, 2, 1, 1]
ONE_OF_THREE = numpy.eye(3)[CHOICES].tolist()
NUMBERS = [[0.5, -1.5, 2.0], [2.25, 0.5, 1.0], [1.5, 1.75, -0.5], [-0.5, 0.375, 0.0], [3.0, -2.0, 4.0], [1.0, 0.25, 3.5]]
COUNTS = [[1, 0, 2], [3, 1, 0], [0, 2, 1], [1, 1, 4], [2, 0, 0], [5, 3, 1]]
LOGITS = [[2.5, -1.0, 0.5], [-0.25, 0.0, 1.0], [3.0, 1.5, -2.0], [0.1, 0.2, 0.3], [-4.0, 4.0, 0.0], [1.0, -1.0, 2.0]]
WHOLE_WEIGHTS = [1, 2, 3, 0, 1, 2]

# The same with metrics that keep more than two sums, and those that are losses too.
FURTHER = [
    *[("AUC", {"curve": curve, "summation_method": method}, ANSWERS, SCORES)
      for curve in ("ROC", "PR", "PRGAIN") for method in ("interpolation", "minoring", "majoring")],
    ("AUC", {"num_thresholds": 7}, ANSWERS, SCORES),
    ("AUC", {"thresholds": [0.15, 0.5, 0.33]}, ANSWERS, SCORES),
    ("AUC", {"multi_label": True, "num_labels": 3}, ANSWERS, SCORES),
    ("AUC", {"multi_label": True, "curve": "PR", "label_weights": [1.0, 2.0, 0.5]}, ANSWERS, SCORES),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5]}, ANSWERS, SCORES),
    ("AUC", {"from_logits": True}, ANSWERS, LOGITS),
    *[(kind, arguments, ANSWERS, SCORES) for kind in ("Precision", "Recall") for arguments in (
        {}, {"thresholds": 0.3}, {"thresholds": [0.1, 0.5, 0.7]}, {"thresholds": [0.0, 0.5, 1.0]}, {"top_k": 1},
        {"top_k": 2, "class_id": 1}, {"class_id": 2, "thresholds": 0.25})],
    ("Precision", {"top_k": 2}, ONE_HOT, TIED),
    *[(kind, arguments, ANSWERS, SCORES)
      for kind in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
      for arguments in ({}, {"thresholds": [0.25, 0.75]})],
    *[(kind, arguments, ANSWERS, SCORES) for kind, arguments in (
        ("SensitivityAtSpecificity", {"specificity": 0.6}), ("SpecificityAtSensitivity", {"sensitivity": 0.6}),
        ("PrecisionAtRecall", {"recall": 0.5}), ("RecallAtPrecision", {"precision": 0.7}),
        ("SensitivityAtSpecificity", {"specificity": 0.6, "num_thresholds": 1}),
        ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 9, "class_id": 1}))],
    *[("F1Score", {"average": average}, ONE_OF_THREE, SCORES) for average in (None, "micro", "macro", "weighted")],
    ("F1Score", {"threshold": 0.3}, ANSWERS, SCORES),
    ("FBetaScore", {"beta": 2.0, "average": "macro", "threshold": 0.5}, ANSWERS, SCORES),
    ("BinaryIoU", {}, ANSWERS, SCORES),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, ANSWERS, SCORES),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2], "sparse_y_pred": False}, CHOICES, SCORES),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False, "ignore_class": 1}, CHOICES, SCORES),
    ("MeanIoU", {"num_classes": 5}, COUNTS, [[1, 0, 2], [3, 2, 0], [1, 2, 1], [1, 1, 7], [2, 1, 0], [4, 3, 1]]),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [1]}, ONE_OF_THREE, SCORES),
    ("OneHotMeanIoU", {"num_classes": 3}, ONE_OF_THREE, SCORES),
    *[("R2Score", {"class_aggregation": one}, NUMBERS, SCORES)
      for one in ("uniform_average", "variance_weighted_average", None)],
    ("R2Score", {"num_regressors": 2}, NUMBERS, SCORES),
    ("CosineSimilarity", {}, NUMBERS, SCORES),
    ("KLDivergence", {}, ONE_OF_THREE, SCORES),
    ("Poisson", {}, COUNTS, SCORES),
    ("LogCoshError", {}, NUMBERS, SCORES),
    ("MeanSquaredLogarithmicError", {}, NUMBERS, SCORES),
    ("MeanAbsolutePercentageError", {}, [[0.5, 1.0, -2.0]] * 6, SCORES),
    ("RootMeanSquaredError", {}, NUMBERS, SCORES),
    ("Hinge", {}, ANSWERS, LOGITS),
    ("SquaredHinge", {}, ANSWERS, LOGITS),
    ("CategoricalHinge", {}, ONE_OF_THREE, SCORES),
    ("BinaryCrossentropy", {}, ANSWERS, SCORES),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, ANSWERS, LOGITS),
    ("CategoricalCrossentropy", {}, ONE_OF_THREE, SCORES),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, ONE_OF_THREE, LOGITS),
    ("SparseCategoricalCrossentropy", {}, CHOICES, SCORES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, CHOICES, LOGITS),
]


def run(kind, arguments, target, prediction, weight, element):
    if "TopK" in kind:
        element = "float32"  # TensorFlow's in_top_k knows no other
    with precision(element):
        # Each sample alone and all together: the first shows which ones count, the second the mean.
        metric = getattr(keras.metrics, kind)(**arguments)
        each = []
        for index in range(len(target)):
            metric.reset_state()
            metric.update_state(numpy.asarray(target)[index : index + 1],
                                numpy.asarray(prediction, element)[index : index + 1])
            each.append(numpy.asarray(metric.result(), "float64"))
        metric.reset_state()
        if weight is not None and "IoU" in kind and "OneHot" not in kind and numpy.ndim(target) == 2:
            weight = numpy.repeat(numpy.asarray(weight)[:, None], len(target[0]), axis=1)  # one an element
        for part in (slice(0, 4), slice(4, 6)):  # two updates of unequal size
            metric.update_state(numpy.asarray(target)[part], numpy.asarray(prediction, element)[part],
                                None if weight is None else numpy.asarray(weight, element)[part])
        return each, numpy.asarray(metric.result(), "float64")


def golden():
    cases = []
    for kind, arguments, target, prediction in CASES:
        case = {"class": kind, "arguments": arguments, "target": target, "prediction": prediction, "results": []}
        for weight in (None, WEIGHTS):
            double, single = (run(kind, arguments, target, prediction, weight, one)
                              for one in ("float64", "float32"))
            case["each"] = quantities.quantity(double[0], single[0], 4 * quantities.ROUNDOFF * max(1, *double[0]))
            case["results"].append({"sample_weight": weight,
                                    "result": quantities.scalar(double[1], single[1], len(target))})
        cases.append(case)
    return {"cases": cases, "further": list(further(FURTHER))}


def further(every):
    for kind, arguments, target, prediction in every:
        case = {"class": kind, "arguments": arguments, "target": target, "prediction": prediction, "results": []}
        for weight in (None, WHOLE_WEIGHTS if "IoU" in kind else WEIGHTS):
            double, single = (run(kind, arguments, target, prediction, weight, one)
                              for one in ("float64", "float32"))
            if numpy.isfinite(double[0]).all() and numpy.isfinite(single[0]).all():
                case["each"] = record(double[0], single[0])
            else:  # of a single sample Keras may have no number
                print("not a number of a single sample:", kind, arguments)
            case["results"].append({"sample_weight": weight, "result": record(double[1], single[1])})
        yield case


def record(double, single):
    """Numbers of a metric, of which each is made of some ten roundings of numbers up to 1 or itself, or what Keras' are."""
    double, single = numpy.asarray(double), numpy.asarray(single)
    floor = 10 * quantities.ROUNDOFF * numpy.maximum(1, numpy.abs(double))
    return quantities.quantity(double, single, numpy.maximum(quantities.FACTOR * numpy.abs(single - double), floor))
