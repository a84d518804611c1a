"""Trains the two models in float64 and in float32 from the same start on the same batches."""

import keras
import numpy

import models
import precision
import quantities
import tensors

OPTIMIZERS = ("sgd", "adam")


class Experiment:
    """A model, its batches, and how long and how fast it is trained."""

    def __init__(self, batch_size, steps, sgd=0.01, adam=0.001):
        self.batch_size, self.steps = batch_size, steps
        self.optimizers = {
            "sgd": {"class": "SGD", "learning_rate": sgd},
            "adam": {"class": "Adam", "learning_rate": adam},
        }

    def weights(self, model):
        """Each variable with its path in mio."""
        return [(variable.path, variable) for variable in model.weights]


class ImageMetadata(Experiment):
    name, seed = "model-image-metadata", 1

    def __init__(self, side, **training):
        super().__init__(**training)
        self.side = side

    def build(self, optimizer):
        model = models.image_metadata(self.side)
        models.compile_image_metadata(model, optimizer)
        return model

    def batch(self, step):
        return models.image_metadata_batch(step, self.batch_size, self.side)

    @property
    def longest_sum(self):
        """The answer's sum over its inputs, or a convolution kernel's gradient's over samples and positions."""
        inner, outer = self.side - 4, self.side - 2
        return max(64 * inner**2 + 32, self.batch_size * outer**2)


class TwoHeads(Experiment):
    name, seed, longest_sum = "model-two-heads", 2, 100

    def build(self, optimizer):
        model = models.two_heads()
        models.compile_two_heads(model, optimizer)
        return model

    def batch(self, step):
        return models.two_heads_batch(step, self.batch_size)


def train(experiment, optimizer, element):
    """One run. Returns the start's specifications, the logs (name → a value a step) and the final weights."""
    keras.backend.clear_session()
    with precision.precision(element):
        chosen = dict(experiment.optimizers[optimizer])
        model = experiment.build(precision.optimizer(chosen.pop("class"), element, **chosen))
        variables = experiment.weights(model)
        start = models.start(variables)
        for (_, variable), one in zip(variables, start):
            variable.assign(tensors.draw(experiment.seed, one))
        logs = {}
        for step in range(experiment.steps):
            inputs, targets = (
                {name: tensors.draw(experiment.seed, one) for name, one in part.items()}
                for part in experiment.batch(step)
            )
            model.reset_metrics()
            for name, value in model.train_on_batch(inputs, targets, return_dict=True).items():
                logs.setdefault(name, []).append(float(value))
        weights = [numpy.asarray(variable) for _, variable in variables]
        for variable in weights:
            if variable.dtype != element:
                raise AssertionError(f"a weight is {variable.dtype}, not {element}")
        return start, logs, weights


def golden(experiment, optimizer):
    """The golden tree of one experiment under one optimizer."""
    start, logs, weights = train(experiment, optimizer, "float64")
    _, logs32, weights32 = train(experiment, optimizer, "float32")
    longest, seed = experiment.longest_sum, experiment.seed
    finals = []
    for specification, weight, weight32 in zip(start, weights, weights32):
        first = tensors.draw(seed, specification).astype(numpy.float64)
        # A stored weight is rounded once a step; the way it went carries the gradients' relative errors.
        way = numpy.abs(weight - first).max()
        floor = quantities.ROUNDOFF * (
            numpy.sqrt(experiment.steps) * numpy.abs(weight).max() + numpy.sqrt(longest) * way
        )
        record = quantities.tensor(weight, weight32, longest, seed, floor)
        finals.append({"path": specification["path"], "largest_change": float(way), **record})
    inputs, targets = experiment.batch(0)
    job = getattr(experiment, "job", None)
    return {
        **({} if job is None else {"job": job}),
        "seed": seed,
        "optimizer": experiment.optimizers[optimizer],
        "steps": experiment.steps,
        "batch_size": experiment.batch_size,
        "longest_sum": longest,
        "start": start,
        "step_0": {"inputs": inputs, "targets": targets},
        "drawn": {  # the first numbers of each stream, to find a wrong stream before a wrong result
            name: numpy.asarray(tensors.draw(seed, one), numpy.float64).reshape(-1)[:4].tolist()
            for name, one in
            [(one["path"], one) for one in start] + list(inputs.items()) + list(targets.items())
        },
        "logs": {name: quantities.series(values, logs32[name], longest) for name, values in logs.items()},
        "weights": finals,
    }
