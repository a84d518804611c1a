"""Ten steps of a model whose weights have regularizers and constraints: shared, frozen and plain ones, with clipping.

All factors and bounds are float32 numbers: Keras rounds a Python float that it casts to float32, in float64 too.
"""

import keras
import numpy

import models
import precision
import quantities
import tensors

SEED, STEPS, BATCH = 7, 10, 6
OPTIMIZER = {"class": "SGD", "learning_rate": 0.25, "momentum": 0.5, "global_clipnorm": 0.5}
DRAWN = {
    "image": tensors.uniform(100, (STEPS * BATCH, 5, 5, 2), -1, 1),
    "a": tensors.uniform(101, (STEPS * BATCH, 4), -1, 1),
    "b": tensors.uniform(102, (STEPS * BATCH, 4), -1, 1),
    "y": tensors.uniform(103, (STEPS * BATCH, 3), -1, 1),
}
# A convolution kernel's gradient is a sum over samples and positions.
LONGEST_SUM = BATCH * 9


def build():
    from keras import constraints, regularizers

    image, a, b = (keras.Input(DRAWN[name]["shape"][1:], name=name) for name in ("image", "a", "b"))
    features = keras.layers.Conv2D(
        5, 3, activation="tanh", kernel_regularizer=regularizers.L2(2**-6), bias_regularizer=regularizers.L1(2**-7),
        kernel_constraint=constraints.MaxNorm(0.625, axis=[0, 1, 2]), bias_constraint=constraints.NonNeg(), name="conv",
    )(image)
    features = keras.layers.LayerNormalization(
        gamma_regularizer=regularizers.L2(2**-5), beta_constraint=constraints.NonNeg(), name="norm")(features)
    features = keras.layers.Flatten(name="flat")(features)
    frozen = keras.layers.Dense(
        4, activation="tanh", kernel_regularizer=regularizers.L2(8.0), kernel_constraint=constraints.UnitNorm(),
        trainable=False, name="frozen",
    )(features)
    shared = keras.layers.Dense(
        4, activation="tanh", kernel_regularizer=regularizers.L1L2(l1=2**-7, l2=2**-6),
        kernel_constraint=constraints.MinMaxNorm(0.25, 0.75, rate=0.5), bias_constraint=constraints.MaxNorm(0.0625),
        name="shared",
    )
    joined = keras.layers.Concatenate(name="joined")([features, frozen, shared(a), shared(b)])
    y = keras.layers.Dense(3, kernel_constraint=constraints.UnitNorm(axis=1), name="y")(joined)
    return keras.Model({"image": image, "a": a, "b": b}, {"y": y})


def run(element):
    keras.backend.clear_session()
    with precision.precision(element):
        model = build()
        chosen = dict(OPTIMIZER)
        optimizer = precision.optimizer(chosen.pop("class"), element, **chosen)
        model.compile(optimizer=optimizer, loss={"y": "mean_squared_error"}, metrics={"y": ["mean_absolute_error"]},
                      jit_compile=False)
        start = models.start([(one.path, one) for one in model.weights])
        model.set_weights([tensors.draw(SEED, one) for one in start])
        values = {name: tensors.draw(SEED, one).astype(element) for name, one in DRAWN.items()}
        targets = {"y": values.pop("y")}
        logs = {"loss": [], "regularization_loss": [], "mean_absolute_error": []}
        for step in range(STEPS):
            rows = slice(step * BATCH, (step + 1) * BATCH)
            logs["regularization_loss"].append(float(sum(model.losses)))
            model.reset_metrics()
            result = model.train_on_batch({name: one[rows] for name, one in values.items()},
                                          {name: one[rows] for name, one in targets.items()}, return_dict=True)
            logs["loss"].append(float(result["loss"]))
            logs["mean_absolute_error"].append(float(result["mean_absolute_error"]))
        evaluated = model.evaluate(values, targets, batch_size=BATCH, return_dict=True, verbose=0)
        evaluation = {"loss": float(evaluated["loss"]), "regularization_loss": float(sum(model.losses))}
        weights = [numpy.asarray(variable) for variable in model.weights]
        for variable in weights:
            if variable.dtype != element:
                raise AssertionError(f"a weight is {variable.dtype}, not {element}")
        return start, logs, evaluation, weights


def golden():
    start, logs, evaluation, weights = run("float64")
    _, logs32, evaluation32, weights32 = run("float32")
    return {
        "seed": SEED, "optimizer": OPTIMIZER, "steps": STEPS, "batch_size": BATCH, "longest_sum": LONGEST_SUM,
        "drawn": DRAWN, "start": start,
        "logs": {name: quantities.series(values, logs32[name], LONGEST_SUM) for name, values in logs.items()},
        "evaluation": {name: quantities.scalar(value, evaluation32[name], LONGEST_SUM)
                       for name, value in evaluation.items()},
        "weights": [
            {"path": one["path"], **quantities.tensor(weight, weight32, LONGEST_SUM * STEPS, SEED)}
            for one, weight, weight32 in zip(start, weights, weights32)
        ],
    }
