"""What Keras' callbacks decide, epoch by epoch, of numbers that are made up."""

import random

import keras

import quantities

NAME = "val_loss"


class FakeOptimizer:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate


class FakeModel:
    """What a callback asks of a model."""

    def __init__(self, learning_rate):
        self.optimizer = FakeOptimizer(learning_rate)
        self.stop_training = False
        self.weights_of = None
        self.epoch = None

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.weights_of = weights


def values(rng):
    """A curve that falls or rises with noise; rounded, so that equal values and exact deltas occur."""
    slope = rng.choice([-0.05, 0.0, 0.05])
    return [round(1 + slope * epoch + rng.uniform(-0.2, 0.2), 2) for epoch in range(rng.randint(4, 16))]


def early_stopping(rng):
    arguments = {
        "monitor": NAME, "mode": rng.choice(["min", "max"]), "min_delta": rng.choice([0, 0.03, -0.1]),
        "patience": rng.randint(0, 4), "baseline": rng.choice([None, 0.9, 1.1]),
        "restore_best_weights": rng.random() < 0.6, "start_from_epoch": rng.choice([0, 0, 2]),
    }
    model = FakeModel(0.1)
    callback = keras.callbacks.EarlyStopping(**arguments)
    callback.set_model(model)
    callback.on_train_begin()
    curve, done = values(rng), 0
    for epoch, value in enumerate(curve):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {NAME: value})
        done = epoch + 1
        if model.stop_training:
            break
    callback.on_train_end()
    return {"class": "EarlyStopping", "arguments": arguments, "values": curve, "epochs": done,
            "weights_of": -1 if model.weights_of is None else model.weights_of}


def plateau(rng):
    arguments = {
        "monitor": NAME, "mode": rng.choice(["min", "max"]), "min_delta": rng.choice([0, 0.0001, 0.05]),
        "patience": rng.randint(1, 3), "factor": rng.choice([0.1, 0.5]), "cooldown": rng.randint(0, 3),
        "min_lr": rng.choice([0, 0.02]),
    }
    model = FakeModel(0.1)
    callback = keras.callbacks.ReduceLROnPlateau(**arguments)
    callback.set_model(model)
    callback.on_train_begin()
    curve, rates = values(rng), []
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {NAME: value})
        rates.append(model.optimizer.learning_rate)
    return {"class": "ReduceLROnPlateau", "arguments": arguments, "values": curve, "learning_rates": rates}


def best_only(rng):
    arguments = {"monitor": NAME, "mode": rng.choice(["min", "max"]), "save_best_only": True,
                 "initial_value_threshold": rng.choice([None, 0.95])}
    callback = keras.callbacks.ModelCheckpoint("x.keras", **arguments)
    model = FakeModel(0.1)
    saved = []
    model.save = lambda path, overwrite: saved.append(model.epoch)
    callback.set_model(model)
    curve = values(rng)
    for epoch, value in enumerate(curve):
        model.epoch = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {NAME: value})
    return {"class": "ModelCheckpoint", "arguments": arguments, "values": curve, "saved": saved}


def golden():
    rng = random.Random(5)
    cases = [make(rng) for make in (early_stopping, plateau, best_only) for _ in range(40)]
    for case in cases:
        case["arguments"] = {key: value for key, value in case["arguments"].items() if value is not None}
    return {"cases": cases}
