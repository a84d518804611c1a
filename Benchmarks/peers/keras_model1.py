"""Keras on TensorFlow: one training step of model 1 (image and metadata in, one answer out) with Adam."""

import pathlib
import sys

import keras_timing

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "parity"))


def build():
    import keras
    import models

    model = models.image_metadata(256)
    # A small rate: four million inputs of the last layer saturate its sigmoid at Adam's default.
    models.compile_image_metadata(model, keras.optimizers.Adam(1e-7))
    return model


def batch(size):
    import models
    import tensors

    inputs, targets = models.image_metadata_batch(0, size, 256)
    return tuple({name: tensors.draw(1, one) for name, one in part.items()} for part in (inputs, targets))


if __name__ == "__main__":
    keras_timing.run("image-metadata", build, batch,
                     keras_timing.arguments(__doc__, batch_size=8, steps=10, warm_up=2, steps_per_call=1))
