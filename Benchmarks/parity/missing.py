"""Two Dense layers trained on targets of which elements are missing. Keras has no word for that: it gets each sample's
labelled elements alone, and no sample that has none."""

import keras
import numpy
import tensorflow

import precision
import quantities
import tensors

SEED = 6
ROWS, BATCHES, VALIDATION, EPOCHS = 24, [slice(0, 8), slice(8, 16), slice(16, 19)], slice(19, 24), 2
LEARNING_RATE, TAGS_WEIGHT, KERNEL = 0.2, 0.5, 0.1
DRAWN = {
    "x": tensors.uniform(100, (ROWS, 4), -1, 1),
    "table": tensors.uniform(101, (ROWS, 3), -1, 1),
    "tags": tensors.classes(102, (ROWS, 2), 2),
    "table_weight": tensors.uniform(103, (ROWS,), 0, 2),
}
LONGEST_SUM = 8 * 3 * 4


def present():
    """1 for each element that has a label."""
    row, place = numpy.indices((ROWS, 3))
    table = ((3 * row + place) % 4 >= 2) & (row % 6 != 5)
    tags = ((row + place) % 3 != 0)[:, :2]
    tags[[9, 16]] = False
    return {"table": table, "tags": tags}


class Training:
    def __init__(self, element):
        self.element = element
        self.values = {name: tensors.draw(SEED, one).astype(element) for name, one in DRAWN.items()}
        self.places = {name: [numpy.flatnonzero(row) for row in rows] for name, rows in present().items()}
        x = keras.Input((4,))
        start = keras.initializers.Constant(float(numpy.float32(KERNEL)))
        table = keras.layers.Dense(3, kernel_initializer=start, name="table")(x)
        tags = keras.layers.Dense(2, kernel_initializer=start, name="tags")(x)
        self.model = keras.Model(x, [table, tags])
        self.optimizer = precision.optimizer("SGD", element, learning_rate=LEARNING_RATE)

    def mean(self, function, name, predictions, rows, weights=None, by_weights=False):
        """Of a function of Keras over the rows that have a label, each without its missing elements."""
        numbers = range(*rows.indices(ROWS))
        labelled = [(index, row) for index, row in enumerate(numbers) if len(self.places[name][row])]
        terms = []
        for index, row in labelled:
            places = self.places[name][row]
            value = function(self.values[name][row : row + 1, places],
                             tensorflow.gather(predictions[index : index + 1], places, axis=1))
            terms.append(value[0] * (1 if weights is None else weights[row]))
        divisor = sum(weights[row] for _, row in labelled) if by_weights else len(labelled)
        return tensorflow.add_n(terms) / divisor

    def evaluate(self, rows):
        """The total loss, and what mio logs."""
        table, logits = self.model(self.values["x"][rows])
        weights = self.values["table_weight"]

        def binary(target, prediction):
            return keras.losses.binary_crossentropy(target, prediction, from_logits=True)

        def accuracy(target, prediction):
            return keras.ops.mean(keras.metrics.binary_accuracy(target, prediction), axis=-1)

        tags = keras.ops.sigmoid(logits)
        logs = {
            "table_loss": self.mean(keras.losses.mean_squared_error, "table", table, rows, weights),
            "tags_loss": self.mean(binary, "tags", logits, rows),
            "table_mean_absolute_error": self.mean(keras.losses.mean_absolute_error, "table", table, rows),
            "table_mean_squared_error":
                self.mean(keras.losses.mean_squared_error, "table", table, rows, weights, by_weights=True),
            "tags_binary_accuracy": self.mean(accuracy, "tags", tags, rows),
        }
        return {"loss": logs["table_loss"] + TAGS_WEIGHT * logs["tags_loss"], **logs}

    def run(self):
        steps, validations = [], []
        for _ in range(EPOCHS):
            for rows in BATCHES:
                with tensorflow.GradientTape() as tape:
                    logs = self.evaluate(rows)
                self.optimizer.apply(tape.gradient(logs["loss"], self.model.trainable_variables),
                                     self.model.trainable_variables)
                steps.append({name: float(value) for name, value in logs.items()})
            validations.append({name: float(value) for name, value in self.evaluate(VALIDATION).items()})
        return steps, validations, {one.path: numpy.asarray(one) for one in self.model.weights}


def golden():
    runs = []
    for element in ("float64", "float32"):
        keras.backend.clear_session()
        with precision.precision(element):
            runs.append(Training(element).run())
    (steps, validations, weights), (steps32, validations32, weights32) = runs

    def series(double, single):
        return {name: quantities.series([one[name] for one in double], [one[name] for one in single], LONGEST_SUM)
                for name in double[0]}

    return {
        "seed": SEED, "drawn": DRAWN, "longest_sum": LONGEST_SUM,
        "present": {name: rows.astype(int).tolist() for name, rows in present().items()},
        "steps": series(steps, steps32), "validation": series(validations, validations32),
        "weights": {path: quantities.tensor(weight, weights32[path], LONGEST_SUM, SEED)
                    for path, weight in weights.items()},
    }
