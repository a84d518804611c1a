"""A model of layers of sequences: an encoder whose states begin a decoder, both directions, and an answer for every step.

The golden file holds the job that mio trains; Keras builds the same by hand.
"""

import keras

import tensors
import training

STEPS, FEATURES = 6, 4

JOB = {
    "model": {
        "inputs": {"sequence": {"shape": [STEPS, FEATURES]}},
        "layers": [
            {"name": "encoder", "class": "LSTM", "inputs": "sequence", "units": 5, "return_sequences": True,
             "return_state": True},
            {"name": "both", "class": "Bidirectional", "inputs": "encoder",
             "layer": {"class": "LSTM", "name": "inner", "units": 3, "return_sequences": True}},
            {"name": "words", "class": "TimeDistributed", "inputs": "both",
             "layer": {"class": "Dense", "name": "scores", "units": 4, "activation": "softmax"}},
            {"name": "decoder", "class": "LSTM", "inputs": ["both", "encoder:1", "encoder:2"], "units": 5,
             "go_backwards": True},
            {"name": "answer", "class": "Dense", "inputs": "decoder", "units": 2},
        ],
        "outputs": ["words", "answer"],
    },
    "outputs": {
        "words": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "answer": {"loss": "mean_squared_error", "weight": 0.5},
    },
}


class Sequences(training.Experiment):
    name, seed, longest_sum = "model-sequences", 8, STEPS * 60
    job = JOB

    def build(self, optimizer):
        layers = keras.layers
        sequence = keras.Input((STEPS, FEATURES), name="sequence")
        encoded, h, c = layers.LSTM(5, return_sequences=True, return_state=True, name="encoder")(sequence)
        both = layers.Bidirectional(layers.LSTM(3, return_sequences=True, name="inner"), name="both")(encoded)
        words = layers.TimeDistributed(layers.Dense(4, activation="softmax", name="scores"), name="words")(both)
        decoded = layers.LSTM(5, go_backwards=True, name="decoder")(both, initial_state=[h, c])
        answer = layers.Dense(2, name="answer")(decoded)
        model = keras.Model({"sequence": sequence}, {"words": words, "answer": answer})
        model.compile(
            optimizer=optimizer,
            loss={"words": "sparse_categorical_crossentropy", "answer": "mean_squared_error"},
            loss_weights={"words": 1.0, "answer": 0.5},
            metrics={"words": ["accuracy"]},
            jit_compile=False,
        )
        return model

    def batch(self, step):
        stream, size = 2000 + 10 * step, self.batch_size
        inputs = {"sequence": tensors.uniform(stream, (size, STEPS, FEATURES), -1, 1)}
        targets = {
            "words": tensors.classes(stream + 5, (size, STEPS), 4),
            "answer": tensors.uniform(stream + 6, (size, 2), 0, 1),
        }
        return inputs, targets
