"""Keras on TensorFlow: one training step of model 2 (one vector in, two answers out) with Adam."""

import pathlib
import sys

import keras_timing

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "parity"))


def build():
    import keras
    import models

    model = models.two_heads()
    models.compile_two_heads(model, keras.optimizers.Adam(0.001))
    return model


def batch(size):
    import models
    import tensors

    inputs, targets = models.two_heads_batch(0, size)
    return tuple({name: tensors.draw(2, one) for name, one in part.items()} for part in (inputs, targets))


if __name__ == "__main__":
    keras_timing.run("two-heads", build, batch,
                     keras_timing.arguments(__doc__, batch_size=32, steps=2000, warm_up=200, steps_per_call=50))
