"""Losses: every reduction, sample weights, label smoothing, clipping, and what a head's logits change."""

import keras
import numpy
import tensorflow

import quantities
import tensors
from precision import precision

SEED = 4
BATCH = 6


def plain():
    """(class, arguments, prediction, target): prediction and target without their streams."""
    probabilities, logits = (0.02, 0.98), (-4, 4)
    for smoothing in (0.0, 0.1):
        for from_logits in (False, True):
            low, high = logits if from_logits else probabilities
            arguments = {"from_logits": from_logits, "label_smoothing": smoothing}
            yield "BinaryCrossentropy", arguments, ((BATCH, 3), low, high), ((BATCH, 3), 2, False)
            yield "CategoricalCrossentropy", arguments, ((BATCH, 5), low, high), ((BATCH,), 5, True)
    for from_logits in (False, True):
        low, high = logits if from_logits else probabilities
        yield "SparseCategoricalCrossentropy", {"from_logits": from_logits}, ((BATCH, 5), low, high), \
            ((BATCH,), 5, False)
    yield "SparseCategoricalCrossentropy", {"from_logits": True}, ((BATCH, 4, 5), *logits), ((BATCH, 4), 5, False)
    for shape in ((BATCH, 4), (BATCH, 3, 2)):
        yield "MeanSquaredError", {}, (shape, -2, 2), (shape, -2, 2)
        yield "MeanAbsoluteError", {}, (shape, -2, 2), (shape, -2, 2)
        yield "Huber", {}, (shape, -2, 2), (shape, -2, 2)
        yield "Huber", {"delta": 0.5}, (shape, -2, 2), (shape, -2, 2)
    yield from further()


def further():
    """The same of what came later."""
    probabilities, logits = (0.02, 0.98), (-4, 4)
    rows, numbers, one_hot = (BATCH, 5), (BATCH, 3), ((BATCH,), 5, True)
    yield "MeanAbsolutePercentageError", {}, (numbers, -2, 2), (numbers, 0.5, 2)
    yield "MeanSquaredLogarithmicError", {}, (numbers, -0.5, 4), (numbers, -0.5, 4)
    yield "LogCosh", {}, (numbers, -4, 4), (numbers, -4, 4)
    yield "Poisson", {}, (numbers, 0.05, 5), (numbers, 0, 5)
    yield "KLDivergence", {}, (rows, -0.02, 1.02), (rows, -0.02, 1.02)
    yield "CosineSimilarity", {}, ((BATCH, 4, 5), -2, 2), ((BATCH, 4, 5), -2, 2)
    for kind in ("Hinge", "SquaredHinge"):
        yield kind, {}, (numbers, -2, 2), (numbers, 2, False)
        yield kind, {}, (numbers, -2, 2), (numbers, -2, 2)
    yield "CategoricalHinge", {}, (rows, -1, 1), one_hot
    yield "CategoricalGeneralizedCrossEntropy", {"q": 0.7}, (rows, *probabilities), ((BATCH,), 5, False)
    for from_logits, drawn in ((False, probabilities), (True, logits)):
        for further in ({}, {"gamma": 1.5, "label_smoothing": 0.1}):
            shared = {"from_logits": from_logits, **further}
            yield "BinaryFocalCrossentropy", {**shared, "apply_class_balancing": bool(further)}, (numbers, *drawn), \
                (numbers, 2, False)
            weights = [0.1, 0.2, 0.3, 0.4, 0.5] if further else 0.25
            yield "CategoricalFocalCrossentropy", {**shared, "alpha": weights}, (rows, *drawn), one_hot
    yield "WeightedBinaryCrossentropy", {"from_logits": True, "positive_weight": 3.0}, (numbers, *logits), \
        (numbers, 2, False)
    yield "WeightedBinaryCrossentropy", {"from_logits": True, "positive_weight": [0.5, 1.0, 4.0]}, (numbers, *logits), \
        (numbers, 2, False)
    for axis in (None, 0, [1, 2], [0, 1, 2], -1, [1, 2, 3]):
        shape = (BATCH, 3, 2, 4)
        yield "Dice", {"axis": axis}, (shape, 0.02, 0.98), (shape, 2, False)
        yield "Tversky", {"axis": axis, "alpha": 0.25, "beta": 0.75}, (shape, 0.02, 0.98), (shape, 0, 1)
    yield "Pinball", {"quantiles": 0.9}, (numbers, -2, 2), (numbers, -2, 2)
    yield "Pinball", {"quantiles": [0.1, 0.5, 0.9]}, (numbers, -2, 2), ((BATCH,), -2, 2)


# What people write themselves, for Keras has no such losses.


def weighted_binary_crossentropy(y_true, y_pred, positive_weight):
    weight = tensorflow.constant(positive_weight, y_pred.dtype)
    losses = tensorflow.nn.weighted_cross_entropy_with_logits(tensorflow.cast(y_true, y_pred.dtype), y_pred, weight)
    return keras.ops.mean(losses, axis=-1)


def pinball(y_true, y_pred, quantiles):
    quantiles = tensorflow.constant(quantiles, y_pred.dtype)
    error = (y_true if len(y_true.shape) == len(y_pred.shape) else y_true[..., None]) - y_pred
    return keras.ops.mean(keras.ops.maximum(quantiles * error, (quantiles - 1) * error), axis=-1)


class Written(keras.losses.Loss):
    """A loss that Keras does not have."""

    def __init__(self, function, arguments, reduction):
        super().__init__(reduction=reduction)
        self.function, self.arguments = function, arguments

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred, **self.arguments)


def make_loss(kind, arguments, reduction="sum_over_batch_size"):
    if kind == "Pinball":
        return Written(pinball, arguments, reduction)
    if kind == "WeightedBinaryCrossentropy":
        return Written(weighted_binary_crossentropy, {"positive_weight": arguments["positive_weight"]}, reduction)
    if keras.config.floatx() == "float64":
        # Keras rounds its log 2, and numbers in a list, to float32 in float64 too.
        if kind == "LogCosh":
            return Written(lambda y_true, y_pred: log_cosh(y_pred - y_true), {}, reduction)
        arguments = {name: numpy.asarray(value, "float64") if isinstance(value, list) else value
                     for name, value in arguments.items()}
    return getattr(keras.losses, kind)(reduction=reduction, **arguments)


def log_cosh(error):
    return keras.ops.mean(error + keras.ops.softplus(-2 * error) - numpy.log(2), axis=-1)


WEIGHTINGS = [("sum_over_batch_size", False), ("sum_over_batch_size", True), ("mean_with_sample_weight", True),
              ("mean_with_sample_weight", False), ("sum", True)]


def evaluate(make, target, prediction, weight, element, head=None):
    """Loss and its gradient by the prediction, or by the logits that `head` activates; in a graph, as in `fit`."""
    with precision(element):
        loss = make()
        watched = tensorflow.constant(prediction, element)
        target = target if target.dtype == numpy.int32 else target.astype(element)
        weight = None if weight is None else weight.astype(element)

        @tensorflow.function
        def compute(watched):
            with tensorflow.GradientTape() as tape:
                tape.watch(watched)
                value = loss(target, head(watched) if head else watched, sample_weight=weight)
            return value, tape.gradient(value, watched)

        value, gradient = compute(watched)
        return float(value), numpy.asarray(gradient)


def record(make, target, prediction, weight, head=None, cancels=False):
    """`cancels`: whether losses of both signs are added up: those of a prediction that is its target are all -1."""
    size = evaluate(make, prediction, prediction, weight, "float64")[0] if cancels else None
    double, single = (evaluate(make, target, prediction, weight, one, head) for one in ("float64", "float32"))
    terms = prediction.size
    return {"loss": quantities.scalar(double[0], single[0], terms, size),
            "gradient": quantities.tensor(double[1], single[1], terms, SEED)}


def region(kind, arguments, axes):
    """Of a loss that compares sums: whether they go through all samples, and the axes that its values have."""
    if kind not in ("Dice", "Tversky"):
        return False, axes - 1
    given = arguments.get("axis")
    summed = range(axes) if given is None else [given] if isinstance(given, int) else given
    summed = {axis % axes for axis in summed}
    return 0 in summed, axes - len(summed)


def drawn_cases(every):
    for index, (kind, arguments, prediction, target) in enumerate(every):
        stream = 100 + 10 * index
        drawn = {"prediction": tensors.uniform(stream, *prediction)}
        if len(target) == 3 and isinstance(target[2], bool):
            drawn["target"] = tensors.classes(stream + 1, *target)
        else:
            drawn["target"] = tensors.uniform(stream + 1, *target)
        # Keras broadcasts a weight a sample over further axes only if the weights have them, of size 1.
        of_batch, axes = region(kind, arguments, len(prediction[0]))
        weights = tensors.uniform(50, (BATCH,) + (1,) * max(axes - 1, 0), 0, 2)
        # Of sums over all samples Keras multiplies one value with all weights. That is the mean weight unless `sum` adds
        # them up, or other axes are left, of which it takes the weights to be.
        alone = of_batch and axes > 0
        weightings = [(one, weighted and not alone and not (of_batch and one == "sum")) for one, weighted in WEIGHTINGS]
        if kind in ("Dice", "Tversky") and axes > 1:
            # Keras divides a sum over samples and further axes by the sum of the samples' weights alone.
            weightings = [one for one in weightings if one != ("mean_with_sample_weight", True)]
        values = {name: tensors.draw(SEED, one) for name, one in drawn.items()}
        results = []
        for reduction, weighted in dict.fromkeys(weightings):
            def make(kind=kind, arguments=arguments, reduction=reduction):
                return make_loss(kind, arguments, reduction)
            weight = tensors.draw(SEED, weights) if weighted else None
            results.append({"reduction": reduction, "sample_weight": weights if weighted else None,
                            **record(make, values["target"], values["prediction"], weight, cancels=kind == "CosineSimilarity")})
        yield {"class": kind, "arguments": arguments, "drawn": drawn, "results": results}


def head_cases():
    """Losses of a head that ends in softmax or sigmoid, by its logits, up to where the probability is 0 or 1.

    `probability` is what the same loss gives from the activated output, where it clips it to [1e-7, 1 - 1e-7]:
    Keras in a graph, as mio, takes the logits instead.
    """
    saturated = [[0.5, -1.25, 3.0], [60.0, -60.0, 0.0], [-200.0, 200.0, 20.0]]
    heads = [
        ("BinaryCrossentropy", keras.activations.sigmoid, [[1, 0, 1], [1, 1, 0], [1, 0, 0]]),
        ("CategoricalCrossentropy", keras.activations.softmax, [[0, 1, 0], [0, 1, 0], [1, 0, 0]]),
        ("SparseCategoricalCrossentropy", keras.activations.softmax, [1, 1, 0]),
    ]
    for kind, head, target in heads:
        sparse = kind.startswith("Sparse")
        target = numpy.asarray(target, numpy.int32 if sparse else numpy.float32)
        logits = numpy.asarray(saturated, numpy.float32)

        def make(kind=kind):
            return getattr(keras.losses, kind)()
        yield {"class": kind, "activation": head.__name__, "logits": saturated, "target": target.tolist(),
               **record(make, target, logits, None, head)}


def clipped_cases():
    """Predictions of exactly 0 and 1. In float32 1 - 1e-7 is 1 - 2^-23, so the two types differ: take `float32`."""
    for kind, prediction, target in [
        ("BinaryCrossentropy", [[0.0, 1.0, 0.0, 1.0]], [[1, 0, 0, 1]]),
        ("CategoricalCrossentropy", [[0.0, 1.0, 0.0]], [[1, 0, 0]]),
        ("SparseCategoricalCrossentropy", [[0.0, 1.0, 0.0]], [0]),
    ]:
        sparse = kind.startswith("Sparse")
        target = numpy.asarray(target, numpy.int32 if sparse else numpy.float32)

        def make(kind=kind):
            return getattr(keras.losses, kind)()
        yield {"class": kind, "prediction": prediction, "target": target.tolist(),
               **record(make, target, numpy.asarray(prediction, numpy.float32), None)}


def missing_cases():
    """Rows of which elements are missing. Keras has no word for that: it gets each row without them, and rows that have
    none left are left out; the mean over the rows is taken here."""
    rows, width = 7, 5
    weights = tensors.uniform(400, (rows,), 0, 2)
    present = [[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 1, 0, 1, 1], [0, 1, 0, 0, 0],
               [1, 1, 1, 1, 1]]
    kinds = [("BinaryCrossentropy", {"from_logits": True}, (-4, 4)), ("BinaryCrossentropy", {}, (0.02, 0.98)),
             ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, (-4, 4)),
             ("MeanSquaredError", {}, (-2, 2)), ("MeanAbsoluteError", {}, (-2, 2)), ("Huber", {"delta": 0.5}, (-2, 2))]
    for index, (kind, arguments, (low, high)) in enumerate(kinds):
        stream = 410 + 10 * index
        drawn = {"prediction": tensors.uniform(stream, (rows, width), low, high)}
        if kind == "BinaryCrossentropy":
            drawn["target"] = tensors.classes(stream + 1, (rows, width), 2)
        else:
            drawn["target"] = tensors.uniform(stream + 1, (rows, width), low, high)
        values = {name: tensors.draw(SEED, one) for name, one in drawn.items()}
        for weighted in (False, True):
            weight = tensors.draw(SEED, weights) if weighted else None
            both = [labelled_elements(kind, arguments, values["target"], values["prediction"], present, weight, one)
                    for one in ("float64", "float32")]
            (double, double_gradient), (single, single_gradient) = both
            yield {"class": kind, "arguments": arguments, "drawn": drawn, "present": present,
                   "sample_weight": weights if weighted else None,
                   "loss": quantities.scalar(double, single, rows * width),
                   "gradient": quantities.tensor(double_gradient, single_gradient, rows * width, SEED)}


def labelled_elements(kind, arguments, target, prediction, present, weight, element):
    """Mean over the rows that have a label, and its gradient by all predictions."""
    with precision(element):
        loss = getattr(keras.losses, kind)(**arguments)
        watched = tensorflow.constant(prediction, element)
        labelled = [numpy.flatnonzero(row) for row in present]

        @tensorflow.function
        def compute(watched):
            with tensorflow.GradientTape() as tape:
                tape.watch(watched)
                losses = [
                    loss(target[row : row + 1, places].astype(element), tensorflow.gather(watched[row : row + 1], places, axis=1))
                    * (1 if weight is None else weight.astype(element)[row])
                    for row, places in enumerate(labelled) if len(places)]
                value = tensorflow.add_n(losses) / len(losses)
            return value, tape.gradient(value, watched)

        value, gradient = compute(watched)
        return float(value), numpy.asarray(gradient)


def golden():
    return {"seed": SEED, "drawn": list(drawn_cases(plain())), "heads": list(head_cases()),
            "clipped": list(clipped_cases()), "missing": list(missing_cases())}
