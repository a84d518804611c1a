"""Keras' `fit` on the model of a job file that has it inline: samples a second through whole epochs.

The model, losses, optimizer and batch size are those of the file, which names them as Keras does.
"""

import jobs
import keras_fitting


def main(options):
    versions = keras_fitting.prepare(options)
    import keras

    job = jobs.read(options.job)
    arrays = keras_fitting.read(options.data)
    keras.utils.set_random_seed(0)
    keras_fitting.run(
        job["name"], options, versions, jobs.keras_model(job), {name: arrays[name] for name in job["model"]["inputs"]},
        {name: arrays[name] for name in job["model"]["outputs"]}, job["training"]["batch_size"])


if __name__ == "__main__":
    parser = keras_fitting.parser(__doc__, epochs=4, steps_per_execution=10)
    parser.add_argument("--job", required=True)
    main(parser.parse_args())
