"""Loads what mio has trained, holds its predictions to mio's, and trains it for another epoch in Keras.

    python go_on_in_keras.py [FOLDER]

FOLDER has runs/from-keras/model.keras and predictions.npz, which `mio predict` has written.
"""

import pathlib
import sys

import keras
import numpy


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    model = keras.models.load_model(folder / "runs/from-keras/model.keras")
    validation = dict(numpy.load(folder / "validation.npz"))
    inputs = [validation["words"], validation["customer"]]
    found = model.predict(inputs, verbose=0)
    expected = numpy.load(folder / "predictions.npz")
    for name in ("department", "priority"):
        # Both round sums of some tens of products of float32, layer after layer.
        numpy.testing.assert_allclose(found[name], expected[name], atol=2e-5)
    print("Keras predicts as mio does")

    train = dict(numpy.load(folder / "train.npz"))
    targets = {name: train[name] for name in ("department", "priority")}
    before = model.evaluate([train["words"], train["customer"]], targets, verbose=0, return_dict=True)["loss"]
    steps = int(model.optimizer.iterations)
    history = model.fit([train["words"], train["customer"]], targets, batch_size=32, epochs=1, verbose=0)
    after = int(model.optimizer.iterations)
    assert steps > 0 and after == steps + 24, "the optimizer goes on where mio was"
    print(f"Keras goes on after step {steps}: loss {before:.3f}, then {history.history['loss'][0]:.3f} in training, step {after}")


if __name__ == "__main__":
    main()
