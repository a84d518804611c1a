"""Jobs that nobody thought of: models, samples with labels missing, optimizers, and ways to launch them."""

import dataclasses
import math
import random

import numpy

import random_layers
import random_parts

FILTERS = [1, 2, 3, 4, 5, 8, 12, 16, 24, 32, 33, 48, 64]
UNITS = [1, 2, 3, 4, 5, 8, 10, 16, 32, 33, 64, 100, 130]
LOSSES = {  # Keras' classes, which mio knows too
    "classes": "SparseCategoricalCrossentropy",
    "shares": "CategoricalCrossentropy",
    "answers": "BinaryCrossentropy",
    "mask": "BinaryCrossentropy",
    "squares": "MeanSquaredError",
    "distances": "MeanAbsoluteError",
    "huber": "Huber",
}
# The rest of Keras' losses: class → what the output ends in, what targets are. Pinball and WeightedBinaryCrossentropy are mio's.
FURTHER_LOSSES = {
    "KLDivergence": ("softmax", "shares"), "CategoricalFocalCrossentropy": ("softmax", "shares"),
    "CategoricalHinge": ("tanh", "shares"), "CategoricalGeneralizedCrossEntropy": ("softmax", "classes"),
    "BinaryFocalCrossentropy": ("sigmoid", "answers"), "Hinge": ("tanh", "answers"), "SquaredHinge": ("tanh", "answers"),
    "Dice": ("sigmoid", "answers"), "Tversky": ("sigmoid", "answers"), "Poisson": ("softplus", "counts"),
    "LogCosh": ("linear", "numbers"), "CosineSimilarity": ("linear", "numbers"),
    "MeanAbsolutePercentageError": ("linear", "far"), "MeanSquaredLogarithmicError": ("softplus", "counts"),
}
# Metrics of one number, by what targets are.
METRICS = {
    "classes": ["SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy", "MeanIoU"],
    "shares": ["CategoricalAccuracy", "TopKCategoricalAccuracy", "KLDivergence", "OneHotMeanIoU", "CosineSimilarity"],
    "answers": ["AUC", "Precision", "Recall", "BinaryAccuracy", "BinaryIoU", "TruePositives", "FalseNegatives",
                "SensitivityAtSpecificity", "PrecisionAtRecall"],
    "counts": ["Poisson", "MeanSquaredLogarithmicError"],
    "numbers": ["MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "LogCoshError", "R2Score"],
    "far": ["MeanAbsolutePercentageError"],
}
# Whose elements may be missing one by one, and the numbers that may say so beside NaN.
ELEMENTWISE = {"answers": [-1, 255], "mask": [-1, 255], "squares": [-200, 0.5], "distances": [-200], "huber": [-200]}
OPTIMIZERS = [
    {"class": "SGD", "learning_rate": 0.02},
    {"class": "SGD", "learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
    # Where a gradient is all rounding, Adam with a small epsilon steps by its sign.
    {"class": "Adam", "learning_rate": 0.001, "epsilon": 0.001},
    {"class": "AdamW", "learning_rate": 0.001, "epsilon": 0.001},
]
CLIPPING = [{}, {}, {}, {"clipnorm": 0.5}, {"global_clipnorm": 0.7}, {"clipvalue": 0.01}]


@dataclasses.dataclass
class Launch:
    """How mio trains a job: nothing of it may change a weight beyond rounding."""

    ranks: int
    ranks_per_group: int  # fewer than ranks: as if on several machines
    training: dict

    def __str__(self):
        options = " ".join(f"{key}={value}" for key, value in self.training.items())
        return f"{self.ranks} ranks in groups of {self.ranks_per_group}, {options}"


# Continuous functions: where one jumps, rounding decides. Not sparsemax: Keras 3.15.1 computes one for all rows, or none.
ACTIVATIONS = ["celu", "exponential", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax",
               "mish", "relu6", "selu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
               "squareplus", "tanh_shrink"]


class RandomJob:
    """One for each seed."""

    def __init__(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        # Drawn apart: the rest of a job is drawn as it is without these layers.
        self.varied = random.Random(f"layers of {seed}")
        self.share = self.varied.choice([0, 0.3, 0.6])
        # And again apart, what came later.
        self.later = random.Random(f"further parts of {seed}")
        self.later_share = self.later.choice([0, 0.5, 0.8])
        self.layers = []
        self.shapes = {}
        self.words = {}  # an input of integers → how many numbers there are
        self.inputs = self._inputs()
        joined, images = self._trunk()
        self.outputs = self._outputs(joined, images)
        self._drop_unused()
        self._drop_idle_biases()
        self._add_rules()
        choose = self.random.choice
        self.batch_size = choose([1, 2, 3, 5, 8, 8, 12, 16, 24])
        self.samples = self.batch_size * choose([1, 2, 4]) + choose([0, 1, self.batch_size // 2])
        self.epochs = 2
        self.optimizer = {**choose(OPTIMIZERS), **choose(CLIPPING)}
        if self.random.random() < 0.3:
            self.optimizer["weight_decay"] = 0.01
        if self.later.random() < self.later_share:
            self.optimizer = self._later_optimizer()
        self._weigh()

    # The model

    def _inputs(self):
        choose, between = self.random.choice, self.random.randint
        shapes = {}
        for index in range(choose([1, 1, 2, 2, 3])):
            kind = choose(["vector", "vector", "image", "image", "rows", "words"])
            if kind == "vector":
                shape = [choose([1, 2, 3, 7, 10, 16, 33, 64, 100])]
            elif kind == "image":
                shape = [between(4, 24), between(4, 24), choose([1, 2, 3, 3, 4, 5, 8, 9, 12, 16, 17, 20, 24, 32])]
            elif kind == "words":
                shape = [between(1, 6)]
                # Of the largest table few rows have a gradient, and mio lists them.
                self.words[f"input{index}"] = choose([2, 5, 30, 30, 40_000])
            else:
                shape = [between(2, 6), choose([3, 8, 17])]
            shapes[f"input{index}"] = shape
        self.shapes.update(shapes)
        return shapes

    def _add(self, kind, inputs, shape, **arguments):
        name = f"{kind.lower()}{len(self.layers)}"
        self.layers.append({"name": name, "class": kind, "inputs": inputs, **arguments})
        self.shapes[name] = shape
        return name

    def _activation(self):
        return self.random.choice(["linear", "relu", "relu", "relu", "tanh", "sigmoid", "gelu", "silu", "elu"])

    def _trunk(self):
        """From every input some layers, then all of them joined. Returns what joins them, and the images before it."""
        images, ends = [], []
        for name in self.inputs:
            if name in self.words:
                name = self._embedding(name)
            for _ in range(self.random.randint(0, 5)):
                layer = {3: self._image_layer, 2: self._sequence_layer}.get(len(self.shapes[name]), self._vector_layer)
                name = layer(name)
                name = self._varied(self._normalized(name))
                if self.later.random() < self.later_share:
                    name = random_layers.further(self, self.later, name)
                if len(self.shapes[name]) == 3:
                    images.append(name)
            shape = self.shapes[name]
            ends.append(name if len(shape) == 1 else self._add("Flatten", name, [math.prod(shape)]))
        joined = ends[0]
        if len(ends) > 1:
            joined = self._add("Concatenate", ends, [sum(self.shapes[end][0] for end in ends)])
        for _ in range(self.random.randint(0, 2)):
            joined = self._dense(joined)
        return joined, images

    def _embedding(self, source):
        width = self.random.choice([1, 3, 8, 17])
        return self._add("Embedding", source, [*self.shapes[source], width], input_dim=self.words[source],
                         output_dim=width, mask_zero=self.random.random() < 0.5)

    def _dense(self, source):
        units = self.random.choice(UNITS)
        return self._add("Dense", source, [*self.shapes[source][:-1], units], units=units,
                         activation=self._activation(), use_bias=self.random.random() < 0.8)

    def _activated(self, source):
        return self._add("Activation", source, self.shapes[source],
                         activation=self.random.choice(["relu", "tanh", "sigmoid"]))

    def _normalized(self, source):
        """Now and then over the features of a sample, or over the batch."""
        choose, chance = self.random.choice, self.random.random
        # After a model's results a normalization takes its biases away again: their gradients would be all rounding.
        if chance() < 0.8 or source.startswith("concatenate"):
            return source
        kind = choose(["LayerNormalization", "BatchNormalization", "BatchNormalization"])
        # Of a few nearly equal numbers the variance is rounding: with a small epsilon so would be the result.
        arguments = {"epsilon": choose([0.01, 0.1]), "center": chance() < 0.8, "scale": chance() < 0.8}
        if kind == "BatchNormalization":
            arguments["momentum"] = choose([0.5, 0.9, 0.99])
            arguments["trainable"] = chance() < 0.8
        return self._add(kind, source, self.shapes[source], **arguments)

    def _varied(self, source):
        """Now and then a layer that activates, scales, moves or joins what is there."""
        choose, shape = self.varied.choice, self.shapes[source]
        if self.varied.random() >= self.share:
            return source
        kind = choose(["activation", "layer", "layer", "gate", "gate", "dot", "moved"])
        if kind == "activation":
            return self._add("Activation", source, shape, activation=choose(ACTIVATIONS))
        if kind == "layer":
            name, arguments = choose([
                ("ReLU", {}), ("ReLU", {"max_value": 1.5, "negative_slope": 0.25, "threshold": 0.5}),
                ("LeakyReLU", {"negative_slope": 0.1}), ("ELU", {"alpha": 0.5}), ("PReLU", {}),
                ("PReLU", {"shared_axes": [1], "alpha_initializer": "ones"}), ("Softmax", {"axis": choose([-1, 1])}),
                ("UnitNormalization", {"axis": choose([-1, 1])}), ("Rescaling", {"scale": 0.5, "offset": -0.25}),
                ("Identity", {})])
            return self._add(name, source, shape, **arguments)
        if kind == "gate":
            units = choose([1, shape[-1]])
            gate = self._add("Dense", source, [*shape[:-1], units], units=units,
                             activation=choose(["sigmoid", "linear", "hard_tanh"]))
            joined = [source, gate] if choose([True, False]) else [gate, source]
            kind = choose(["Multiply", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Add"])
            if kind in ("Average", "Multiply", "Maximum") and choose([True, False]):
                joined.append(choose(joined))
            return self._add(kind, joined, shape)
        if kind == "dot" and len(shape) == 2:
            made = self._add("Dot", [source, source], [shape[0], shape[0]], axes=2, normalize=choose([True, False]))
            return self._add("Flatten", made, [shape[0] ** 2])
        if kind == "moved" and len(shape) == 1:
            made = self._add("RepeatVector", source, [2, *shape], n=2)
            return self._add("Flatten", made, [2 * shape[0]])
        if kind == "moved":
            order = [*range(1, len(shape) + 1)]
            self.varied.shuffle(order)
            return self._add("Permute", source, [shape[axis - 1] for axis in order], dims=order)
        return source

    def _model(self, source):
        """A model that is a layer, of two results, called twice where the shapes allow it: the same weights."""
        choose, width = self.random.choice, self.shapes[source][0]
        units, activation = choose(UNITS), self._activation()
        kind = choose(["Functional", "Sequential"])
        if kind == "Sequential":
            made = self._add(kind, source, [width], layers=[
                {"class": "Dense", "name": "d", "units": units, "activation": activation},
                {"class": "Dense", "name": "last", "units": width}])
        else:
            made = self._add(kind, source, [width], model={
                "inputs": {"x": {"shape": [width]}},
                "layers": [
                    {"name": "d", "class": "Dense", "inputs": "x", "units": units, "activation": activation},
                    {"name": "last", "class": "Dense", "inputs": "d", "units": width},
                ],
                "outputs": ["last", "d"],
            })
        name = f"again{len(self.layers)}"
        self.layers.append({"name": name, "layer": made, "inputs": made})
        self.shapes[name] = [width]
        ends = [made, name] + ([f"{made}:1", f"{name}:1"] if kind == "Functional" else [])
        self.shapes.update({f"{one}:1": [units] for one in (made, name)})
        return self._add("Concatenate", ends, [sum(self.shapes[end][0] for end in ends)])

    def _sum_with(self, before, after):
        """A shortcut, where shapes allow one, now and then."""
        if self.shapes[before] != self.shapes[after] or self.random.random() < 0.5:
            return after
        return self._add("Add", [before, after], self.shapes[after])

    def _vector_layer(self, source):
        if len(self.shapes[source]) == 1 and self.random.random() < 0.2:
            return self._model(source)
        if self.random.random() < 0.8:
            return self._sum_with(source, self._dense(source))
        return self._activated(source)

    def _sequence_layer(self, source):
        choose, (steps, features) = self.random.choice, self.shapes[source]
        kind = choose(["LSTM", "LSTM", "Bidirectional", "TimeDistributed", "vector"])
        if kind == "vector":
            return self._vector_layer(source)
        if kind == "TimeDistributed":
            units = choose(UNITS)
            if self.random.random() < 0.3:
                inner = {"class": "BatchNormalization", "name": "inner", "epsilon": 0.1, "momentum": choose([0.5, 0.9])}
                return self._add(kind, source, [steps, features], layer=inner)
            inner = {"class": "Dense", "name": "inner", "units": units, "activation": self._activation()}
            return self._add(kind, source, [steps, units], layer=inner)
        units = choose([unit for unit in UNITS if unit < 40])
        arguments = {
            "units": units, "return_sequences": choose([True, False]), "return_state": choose([True, False]),
            "use_bias": self.random.random() < 0.8,
            "activation": choose(["tanh", "tanh", "relu", "sigmoid", "silu"]),
            "recurrent_activation": choose(["sigmoid", "sigmoid", "hard_sigmoid", "tanh"]),
        }
        shape, states = [steps, units] if arguments["return_sequences"] else [units], 2
        if kind == "LSTM":
            name = self._add(kind, source, shape, go_backwards=choose([True, False]), **arguments)
        else:
            mode = choose(["concat", "sum", "mul", "ave"])
            shape, states = [*shape[:-1], shape[-1] * (2 if mode == "concat" else 1)], 4
            name = self._add(kind, source, shape, merge_mode=mode, layer={"class": "LSTM", "name": "inner", **arguments})
        if not arguments["return_state"]:
            return name
        found = [f"{name}:{index + 1}" for index in range(states)]
        if arguments["return_sequences"] and choose([True, False]):
            # The states of the one begin the other.
            return self._add("LSTM", [name, *found[:2]], [units], units=units)
        ends = found if arguments["return_sequences"] else [name, *found]
        return self._add("Concatenate", ends, [states * units + (0 if arguments["return_sequences"] else shape[-1])])

    def _image_layer(self, source):
        choose, height_width = self.random.choice, self.shapes[source][:2]
        kind = choose(["Conv2D"] * 6 + ["MaxPooling2D"] * 2 + ["Activation", "Dense"])
        if kind == "Dense":
            return self._dense(source)
        if kind == "Activation":
            return self._activated(source)
        padding = choose(["valid", "same"])
        window = min(choose([1, 2, 3, 3, 3, 5] if kind == "Conv2D" else [2, 2, 3]), *height_width)
        strides = choose([1, 1, 1, 2] if kind == "Conv2D" else [window, window, 1, 2])
        size = [(side - window) // strides + 1 if padding == "valid" else -(-side // strides) for side in height_width]
        arguments = {"padding": padding, "strides": strides}
        if kind == "MaxPooling2D":
            return self._add(kind, source, [*size, self.shapes[source][2]], pool_size=window, **arguments)
        filters = choose([self.shapes[source][2], *FILTERS])
        made = self._add(kind, source, [*size, filters], filters=filters, kernel_size=window,
                         activation=self._activation(), use_bias=self.random.random() < 0.8, **arguments)
        return self._sum_with(source, made)

    def _outputs(self, joined, images):
        """name → kind, loss, weight."""
        choose, outputs = self.random.choice, {}
        for _ in range(choose([1, 2, 2, 3])):
            kind = choose([one for one in LOSSES if one != "mask" or images])
            loss = {"class": LOSSES[kind]}
            if kind == "mask":
                source, filters = choose(images), choose([1, 1, 2, 3])
                activation = choose(["sigmoid", "linear"])
                loss["from_logits"] = activation == "linear"
                name = self._add("Conv2D", source, [*self.shapes[source][:2], filters], filters=filters,
                                 kernel_size=choose([1, 1, 3]), padding="same", activation=activation)
            else:
                units = choose([2, 3, 5, 10, 17] if kind in ("classes", "shares") else [1, 2, 4, 5])
                activation = {"classes": "softmax", "shares": "softmax", "answers": "sigmoid"}.get(kind)
                name = self._add("Dense", joined, [units], units=units,
                                 activation=activation or choose(["linear", "sigmoid", "tanh"]))
            outputs[name] = {"kind": kind, "loss": loss, "weight": choose([1.0, 0.5, 3.0]),
                             "missing": choose(["nothing", "samples", *["elements"] * 2 * (kind in ELEMENTWISE)]),
                             "number": choose([math.nan, *ELEMENTWISE[kind]] if kind in ELEMENTWISE else [math.nan]),
                             "targets": {"mask": "answers", "squares": "numbers", "distances": "numbers",
                                         "huber": "numbers"}.get(kind, kind)}
        if self.later.random() < self.later_share:
            outputs.update(self._later_output(joined))
        for name, output in outputs.items():
            if output["missing"] == "nothing" and output["kind"] != "mask" and self.later.random() < 0.5:
                output["metric"] = self._metric(name, output)
        return outputs

    def _later_output(self, joined):
        choose = self.later.choice
        kind = choose(list(FURTHER_LOSSES))
        activation, targets = FURTHER_LOSSES[kind]
        units = choose([2, 3, 5] if targets in ("classes", "shares") or kind == "CosineSimilarity" else [1, 2, 4])
        name = self._add("Dense", joined, [units], units=units, activation=activation)
        loss = {"class": kind}
        if "Focal" in kind:
            loss["gamma"] = choose([1.0, 2.0])
        if kind in ("Dice", "Tversky"):
            loss["axis"] = choose([None, 1, -1])
        if kind == "Tversky":
            loss.update(alpha=choose([0.25, 0.75]), beta=choose([0.5, 1.0]))
        return {name: {"kind": kind, "loss": loss, "weight": choose([1.0, 0.5]), "targets": targets, "number": math.nan,
                       "missing": "nothing" if kind in ("Dice", "Tversky") else choose(["nothing", "samples"])}}

    def _metric(self, name, output):
        """One of a single number, with arguments that fit the output."""
        kind, width = self.later.choice(METRICS[output["targets"]]), self.shapes[name][-1]
        arguments = {
            "SparseTopKCategoricalAccuracy": {"k": 2}, "TopKCategoricalAccuracy": {"k": 2},
            "MeanIoU": {"num_classes": width, "sparse_y_pred": False}, "OneHotMeanIoU": {"num_classes": width},
            "SensitivityAtSpecificity": {"specificity": 0.5, "num_thresholds": 11},
            "PrecisionAtRecall": {"recall": 0.5, "num_thresholds": 11}, "AUC": {"num_thresholds": 11},
        }.get(kind, {})
        return {"class": kind, **arguments}

    def _later_optimizer(self):
        """Any of Keras', with averages, clipping and schedules, at rates that let a few steps stay small."""
        draw = self.later
        # Lion steps by signs, of rounding where a gradient is rounding.
        kind = draw.choice([one for one in random_parts.OPTIMIZERS if one != "Lion"])
        (made,) = random_parts.optimizer_case(draw, kind)
        rate = {"SGD": 0.02, "Adagrad": 0.01, "Adadelta": 0.2, "Ftrl": 0.02}.get(kind, 0.001)
        given = made["learning_rate"]
        if isinstance(given, dict):
            scale = rate / max([given.get("initial_learning_rate", 0), given.get("warmup_target", 0), *given.get("values", [])])
            for name in ("initial_learning_rate", "warmup_target", "end_learning_rate"):
                if name in given:
                    given[name] *= scale
            if "values" in given:
                given["values"] = [one * scale for one in given["values"]]
        else:
            made["learning_rate"] = rate
        if "weight_decay" in made:
            made["weight_decay"] = 0.01
        return {"class": kind, **made}

    def _weigh(self):
        """Now and then weights of classes, and a loss' weight that moves."""
        draw = self.later
        for name, output in self.outputs.items():
            if output["kind"] == "classes" and draw.random() < 0.3:
                classes = self.shapes[name][-1]
                output["class_weight"] = draw.choice(
                    ["balanced", {one: draw.choice([0.5, 1.0, 2.0]) for one in range(classes) if draw.random() < 0.7}])
            if draw.random() < 0.2:
                output["schedule"] = draw.choice([
                    {"class": "ExponentialDecay", "initial_learning_rate": output["weight"], "decay_steps": 3, "decay_rate": 0.5},
                    {"class": "PiecewiseConstantDecay", "boundaries": [1, 3], "values": [output["weight"], 0.25, 1.5]}])

    def _drop_unused(self):
        used = set(self.outputs)
        for layer in reversed(self.layers):
            if layer["name"] in used:
                sources = layer["inputs"] if isinstance(layer["inputs"], list) else [layer["inputs"]]
                used.update(source.split(":")[0] for source in sources)
        self.layers = [layer for layer in self.layers if layer["name"] in used]
        self.inputs = {name: shape for name, shape in self.inputs.items() if name in used}

    def _drop_idle_biases(self):
        """A batch's normalization takes away what a bias adds to every sample: its gradient is rounding alone, of which an
        optimizer may make steps of any size."""
        for layer in self.layers:
            inner = layer.get("layer") if layer.get("class") == "TimeDistributed" else layer
            if self._adds(layer) and self._is_only_normalized(layer["name"]):
                inner["use_bias"] = False

    @staticmethod
    def _adds(layer):
        """Whether what is added to the layer's input at every position is added to its output, multiplied by something."""
        inner = layer["layer"] if layer.get("class") == "TimeDistributed" else layer
        whole = inner.get("class") == "Dense" or (
            inner.get("class") == "Conv2D" and (inner["padding"] == "valid" or inner["kernel_size"] == 1))
        # Of small numbers the others are nearly lines, too.
        return whole and inner.get("activation", "linear") != "relu"

    def _is_only_normalized(self, name):
        readers = [layer for layer in self.layers
                   if name in (layer["inputs"] if isinstance(layer["inputs"], list) else [layer["inputs"]])]

        def normalizes(layer):
            inner = layer["layer"] if layer.get("class") == "TimeDistributed" else layer
            if inner.get("class") == "BatchNormalization":
                return inner.get("trainable", True)
            passes = layer.get("class") in ("MaxPooling2D", "Add", "Flatten") or self._adds(layer)
            return passes and self._is_only_normalized(layer["name"])

        return bool(readers) and name not in self.outputs and all(normalizes(layer) for layer in readers)

    def _add_rules(self):
        """Regularizers and constraints of some weights, drawn apart: the rest of a job is the same without them."""
        draw = random.Random(f"rules of {self.seed}")
        share = draw.choice([0, 0, 0.4, 0.8])
        for layer in self.layers:
            weights = {"Dense": 2, "Conv2D": 4}.get(layer.get("class"))
            if layer.get("class") == "Embedding" and draw.random() < share:
                layer["embeddings_regularizer"] = {"class_name": "L2", "config": {"l2": 0.01}}
                layer["embeddings_constraint"] = {"class_name": "MaxNorm", "config": {"max_value": 0.05, "axis": 1}}
            # What a normalization or a mask does to it is drawn apart from the weights' rules.
            if layer.get("class") in ("Dense", "Conv2D", "Activation", "LayerNormalization", "BatchNormalization", "LSTM"):
                if draw.random() < share / 2:
                    layer["activity_regularizer"] = {"class_name": "L2", "config": {"l2": 0.001}}
            if not weights:
                continue
            axes = draw.choice([0, [*range(weights - 1)], weights - 1])
            choices = {
                "kernel_regularizer": [("L2", {"l2": 0.01}), ("L1", {"l1": 0.002}), ("L1L2", {"l1": 0.001, "l2": 0.02})],
                # No L1: biases begin at 0, where the sign of rounding decides.
                "bias_regularizer": [("L2", {"l2": 0.1})],
                "kernel_constraint": [("MaxNorm", {"max_value": 0.5, "axis": axes}), ("UnitNorm", {"axis": axes}),
                                      ("MinMaxNorm", {"min_value": 0.2, "max_value": 0.6, "rate": 0.7, "axis": axes})],
                "bias_constraint": [("NonNeg", {}), ("MaxNorm", {"max_value": 0.01, "axis": 0})],
            }
            for key, named in choices.items():
                if draw.random() < share:
                    name, config = draw.choice(named)
                    layer[key] = {"class_name": name, "config": config}

    def weights_with_l1(self):
        """Those whose regularizer takes absolute values."""
        def has_l1(layer):
            return "l1" in layer.get("kernel_regularizer", {}).get("config", {})

        return {f"{layer['name']}/kernel" for layer in self.layers if has_l1(layer)}

    # What trains it

    def job(self, with_rules=True):
        """As job.yaml has it, which may be JSON. Without rules to see where weights start: a constraint acts at any
        learning rate."""
        layers = [{key: value for key, value in layer.items()
                   if with_rules or not key.endswith(("_regularizer", "_constraint"))} for layer in self.layers]
        return {
            "name": "random",
            "seed": self.seed,
            "model": {
                "inputs": {name: {"shape": shape, **({"dtype": "int32"} if name in self.words else {})}
                           for name, shape in self.inputs.items()},
                "layers": layers,
                "outputs": list(self.outputs),
            },
            "outputs": {name: {"loss": one["loss"], "weight": one.get("schedule", one["weight"]), **self._missing_key(one),
                               **({"class_weight": one["class_weight"]} if "class_weight" in one else {}),
                               **({"metrics": [one["metric"]]} if "metric" in one else {})}
                        for name, one in self.outputs.items()},
            **self._freeze(),
            "data": {"train": {"files": "train-*.npz"}},
            "optimizer": self.optimizer,
            "training": {"epochs": self.epochs, "batch_size": self.batch_size, "shuffle": False},
            "logging": {"every_steps": 1},
            "checkpoints": {"keep": 1},
        }

    def _freeze(self):
        """Now and then a layer or a model, or a part of one. Drawn apart: the samples of a seed stay as they were."""
        drawn = random.Random(self.seed + 1)
        kinds = ("Dense", "Conv2D", "Embedding", "LayerNormalization", "BatchNormalization", "Functional", "Sequential")
        names = [layer["name"] for layer in self.layers
                 if layer.get("class") in kinds and layer["name"] not in self.outputs]
        if not names or drawn.random() < 0.6:
            return {}
        name = drawn.choice(names)
        nested = any(layer["name"] == name and layer.get("class") in ("Functional", "Sequential") for layer in self.layers)
        return {"freeze": [f"{name}/{drawn.choice(['*', 'd', 'la?t'])}" if nested else name]}

    def _missing_key(self, output):
        if math.isnan(output["number"]) or output["number"] == -1:
            return {}
        return {"missing_label" if output["kind"] in ("answers", "mask") else "missing_value": output["number"]}

    def arrays(self):
        """Samples by column. A third of some outputs' labels are missing, by samples or by elements, and some samples have
        weights."""
        drawn = numpy.random.default_rng(self.seed)
        arrays = {}
        for name, shape in self.inputs.items():
            size = [self.samples, *shape]
            if name in self.words:
                # Many zeros: those that a mask leaves out.
                arrays[name] = drawn.integers(0, self.words[name], size, dtype=numpy.int32) * (drawn.random(size) < 0.7)
            else:
                arrays[name] = drawn.standard_normal(size, dtype=numpy.float32)
        for name, output in self.outputs.items():
            shape = self.shapes[name]
            if output["targets"] == "classes":
                target = drawn.integers(0, shape[-1], self.samples, dtype=numpy.int32)
            elif output["targets"] == "shares":
                target = numpy.eye(shape[-1], dtype=numpy.float32)[drawn.integers(0, shape[-1], self.samples)]
            elif output["targets"] == "counts":
                target = drawn.integers(0, 5, [self.samples, *shape]).astype(numpy.float32)
            elif output["targets"] == "far":
                target = numpy.sign(drawn.standard_normal([self.samples, *shape])).astype(numpy.float32) * drawn.uniform(
                    0.5, 2, [self.samples, *shape]).astype(numpy.float32)
            elif output["targets"] == "answers":
                target = drawn.integers(0, 2, [self.samples, *shape]).astype(numpy.float32)
            else:
                target = drawn.standard_normal([self.samples, *shape], dtype=numpy.float32)
            if output["missing"] == "samples":
                target[drawn.random(self.samples) < 0.3] = -1 if output["targets"] == "classes" else output["number"]
            elif output["missing"] == "elements":
                target[drawn.random(target.shape) < 0.4] = output["number"]
            arrays[name] = target
            if drawn.random() < 0.3:
                arrays[f"{name}_weight"] = drawn.uniform(0, 2, self.samples).astype(numpy.float32)
        return arrays

    def launch(self):
        choose, training = self.random.choice, {"threads": self.random.choice([1, 2])}
        ranks = choose([1, 1, 2, 3, 4])
        if self.random.random() < 0.3:
            training["micro_batch"] = choose([1, 2])
        parts = choose([part for part in (1, 1, 2, 3) if self.batch_size % part == 0])
        if parts > 1:
            training.update(batch_size=self.batch_size // parts, accumulate=parts)
        if ranks != 3 and self.random.random() < 0.3:
            training["reproducible"] = "strict"
        return Launch(ranks, choose([one for one in (1, 2, ranks) if ranks % one == 0]), training)
