"""Builds the model in Keras and saves it with its data: model.keras, train.npz, validation.npz.

    python save_model.py [FOLDER]

Letters to a shop: twelve words and four numbers of the customer in, the department and the priority out.
"""

import pathlib
import sys

import keras
import numpy
from keras import layers

WORDS, LENGTH, DEPARTMENTS = 64, 12, 4


def build():
    words = keras.Input((LENGTH,), name="words", dtype="int32")
    customer = keras.Input((4,), name="customer")
    text = layers.Embedding(WORDS, 8, mask_zero=True, name="embedding")(words)
    text = layers.Bidirectional(layers.GRU(6), name="text")(text)
    features = layers.Concatenate(name="features")([text, layers.Dense(6, activation="relu", name="profile")(customer)])
    features = layers.Dropout(0.1, name="dropout")(layers.LayerNormalization(name="norm")(features))
    department = layers.Dense(DEPARTMENTS, activation="softmax", name="department")(features)
    priority = layers.Dense(1, activation="sigmoid", name="priority")(features)
    model = keras.Model([words, customer], {"department": department, "priority": priority}, name="letters")
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss={"department": "sparse_categorical_crossentropy", "priority": "binary_crossentropy"},
        loss_weights={"department": 1.0, "priority": 0.5},
        metrics={"department": ["accuracy"], "priority": ["accuracy"]})
    return model


def letters(count, random):
    """Each department has words of its own; bad customers with urgent words have priority. Word 0 is none."""
    department = random.integers(0, DEPARTMENTS, count)
    own = 1 + department[:, None] * 10 + random.integers(0, 10, (count, LENGTH))
    common = random.integers(41, WORDS, (count, LENGTH))
    words = numpy.where(random.random((count, LENGTH)) < 0.3, own, common)
    urgent = random.random(count) < 0.5
    words[urgent, 0] = 63
    words[~urgent & (words[:, 0] == 63), 0] = 62
    words[numpy.arange(LENGTH) >= random.integers(5, LENGTH + 1, count)[:, None]] = 0
    customer = random.normal(size=(count, 4)).round(2)
    priority = urgent & (customer[:, 0] + 0.5 * customer[:, 1] > -0.5)
    return {"words": words.astype("int32"), "customer": customer.astype("float32"),
            "department": department.astype("int32"), "priority": priority[:, None].astype("float32")}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    keras.utils.set_random_seed(1)
    build().save(folder / "model.keras")
    random = numpy.random.default_rng(2)
    numpy.savez_compressed(folder / "train.npz", **letters(768, random))
    numpy.savez_compressed(folder / "validation.npz", **letters(192, random))


if __name__ == "__main__":
    main()
