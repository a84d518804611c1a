"""Keras' `fit` on model 2, its shards as `mio-bench shards` writes them: samples a second through whole epochs."""

import pathlib
import sys

import keras_fitting

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "parity"))


def main(options):
    versions = keras_fitting.prepare(options)
    import keras
    import models

    arrays = keras_fitting.read(options.data)
    inputs = {"input": arrays["input"]}
    targets = {"kind": arrays["kind"].astype("int32"), "box": arrays["box"]}
    keras.utils.set_random_seed(0)
    model = models.two_heads()
    models.compile_two_heads(model, keras.optimizers.Adam(0.001))
    keras_fitting.run("two-heads", options, versions, model, inputs, targets, options.batch_size)


if __name__ == "__main__":
    parser = keras_fitting.parser(__doc__, epochs=4, steps_per_execution=50)
    parser.add_argument("--batch-size", type=int, default=32)
    main(parser.parse_args())
