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
            each.append(float(metric.result()))
        metric.reset_state()
        for part in (slice(0, 4), slice(4, 6)):  # two updates of unequal size
            metric.update_state(numpy.asarray(target)[part], numpy.asarray(prediction, element)[part],
                                None if weight is None else numpy.asarray(weight, element)[part])
        return each, float(metric.result())


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
    return {"cases": cases}
