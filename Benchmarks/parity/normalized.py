"""A model with batch normalizations: of an image's channels, of a vector, one that is called twice, and one that is frozen.

The batch of 10 falls unevenly on 3 and 4 ranks. The moving averages are among the weights that are compared.
"""

import keras

import tensors
import training

JOB = {
    "model": {
        "inputs": {"image": {"shape": [6, 5, 2]}, "numbers": {"shape": [7]}},
        "layers": [
            {"name": "conv", "class": "Conv2D", "inputs": "image", "filters": 4, "kernel_size": 3, "use_bias": False},
            {"name": "channels", "class": "BatchNormalization", "inputs": "conv", "momentum": 0.8},
            {"name": "active", "class": "Activation", "inputs": "channels", "activation": "tanh"},
            {"name": "flat", "class": "Flatten", "inputs": "active"},
            {"name": "features", "class": "Dense", "inputs": "flat", "units": 6},
            {"name": "hidden", "class": "Dense", "inputs": "numbers", "units": 6},
            {"name": "shared", "class": "BatchNormalization", "inputs": "features", "momentum": 0.7, "epsilon": 0.01},
            {"name": "again", "layer": "shared", "inputs": "hidden"},
            {"name": "both", "class": "Add", "inputs": ["shared", "again"]},
            {"name": "frozen", "class": "BatchNormalization", "inputs": "both", "trainable": False},
            {"name": "last", "class": "BatchNormalization", "inputs": "frozen", "scale": False, "center": False},
            {"name": "kind", "class": "Dense", "inputs": "last", "units": 5, "activation": "softmax"},
            {"name": "box", "class": "Dense", "inputs": "again", "units": 2},
        ],
        "outputs": ["kind", "box"],
    },
    "outputs": {
        "kind": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "box": {"loss": "mean_squared_error", "weight": 0.5},
    },
}


class Normalized(training.Experiment):
    name, seed, longest_sum = "model-normalized", 9, 10 * 12
    job = JOB

    def build(self, optimizer):
        layers = keras.layers
        image, numbers = keras.Input((6, 5, 2), name="image"), keras.Input((7,), name="numbers")
        made = layers.Conv2D(4, 3, use_bias=False, name="conv")(image)
        made = layers.BatchNormalization(momentum=0.8, name="channels")(made)
        made = layers.Flatten(name="flat")(layers.Activation("tanh", name="active")(made))
        made = layers.Dense(6, name="features")(made)
        hidden = layers.Dense(6, name="hidden")(numbers)
        shared = layers.BatchNormalization(momentum=0.7, epsilon=0.01, name="shared")
        made, again = shared(made), shared(hidden)
        both = layers.Add(name="both")([made, again])
        both = layers.BatchNormalization(trainable=False, name="frozen")(both)
        both = layers.BatchNormalization(scale=False, center=False, name="last")(both)
        kind = layers.Dense(5, activation="softmax", name="kind")(both)
        box = layers.Dense(2, name="box")(again)
        model = keras.Model({"image": image, "numbers": numbers}, {"kind": kind, "box": box})
        model.compile(
            optimizer=optimizer,
            loss={"kind": "sparse_categorical_crossentropy", "box": "mean_squared_error"},
            loss_weights={"kind": 1.0, "box": 0.5},
            metrics={"kind": ["accuracy"]},
            jit_compile=False,
        )
        return model

    def batch(self, step):
        stream, size = 3000 + 10 * step, self.batch_size
        inputs = {
            "image": tensors.uniform(stream + 0, (size, 6, 5, 2), -1, 1),
            "numbers": tensors.uniform(stream + 1, (size, 7), -1, 1),
        }
        targets = {
            "kind": tensors.classes(stream + 5, (size,), 5),
            "box": tensors.uniform(stream + 6, (size, 2), 0, 1),
        }
        return inputs, targets
