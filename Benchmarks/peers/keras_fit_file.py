"""Keras' `fit` on a `.keras` file, compiled as it was saved: samples a second through whole epochs.

`--data` is a folder that whole_models.py wrote, with the file and the samples.
"""

import pathlib

import keras_fitting
import whole_models


def main(options):
    versions = keras_fitting.prepare(options)
    import keras

    folder = pathlib.Path(options.data)
    keras.utils.set_random_seed(0)
    model = keras.models.load_model(folder / "model.keras")
    arrays = keras_fitting.read(folder)
    inputs = {tensor.name for tensor in model.inputs}
    keras_fitting.run(
        folder.name, options, versions, model, {name: array for name, array in arrays.items() if name in inputs},
        {name: array for name, array in arrays.items() if name not in inputs}, whole_models.BATCH_SIZE)


if __name__ == "__main__":
    main(keras_fitting.parser(__doc__, epochs=3, steps_per_execution=10).parse_args())
