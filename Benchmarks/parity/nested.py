"""A model of models: an encoder called twice, with a model in it, a sequence called twice, and layers that are frozen.

The golden file holds the job that mio trains; Keras builds the same by hand.
"""

import keras

import tensors
import training

JOB = {
    "model": {
        "inputs": {"left": {"shape": [6]}, "right": {"shape": [6]}, "extra": {"shape": [3]}},
        "layers": [
            {
                "name": "encoder", "class": "Functional", "inputs": "left",
                "model": {
                    "inputs": {"x": {"shape": [6]}},
                    "layers": [
                        {"name": "d", "class": "Dense", "inputs": "x", "units": 5, "activation": "tanh"},
                        {
                            "name": "inner", "class": "Functional", "inputs": "d",
                            "model": {
                                "inputs": {"x": {"shape": [5]}},
                                "layers": [
                                    {"name": "d", "class": "Dense", "inputs": "x", "units": 4, "activation": "tanh"}
                                ],
                                "outputs": ["d"],
                            },
                        },
                        {"name": "e", "class": "Dense", "inputs": "d", "units": 3},
                    ],
                    "outputs": ["inner", "e"],
                },
            },
            {"name": "again", "layer": "encoder", "inputs": "right"},
            {"name": "near", "class": "Concatenate", "inputs": ["encoder", "again:1", "extra"]},
            {"name": "far", "class": "Concatenate", "inputs": ["again", "encoder:1", "extra"]},
            {
                "name": "tower", "class": "Sequential", "inputs": "near",
                "layers": [
                    {"name": "d", "class": "Dense", "units": 6, "activation": "sigmoid"},
                    {"name": "last", "class": "Dense", "units": 4},
                ],
            },
            {"name": "tower_far", "layer": "tower", "inputs": "far"},
            {"name": "both", "class": "Add", "inputs": ["tower", "tower_far"]},
            {"name": "kind", "class": "Dense", "inputs": "both", "units": 5, "activation": "softmax"},
            {"name": "box", "class": "Dense", "inputs": "tower_far", "units": 2},
        ],
        "outputs": ["kind", "box"],
    },
    "outputs": {
        "kind": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "box": {"loss": "mean_squared_error", "weight": 0.5},
    },
}


def build():
    """The model, and its parts by path."""
    dense = keras.layers.Dense
    x = keras.Input((5,), name="x")
    inner = keras.Model(x, dense(4, activation="tanh", name="d")(x), name="inner")
    x = keras.Input((6,), name="x")
    hidden = dense(5, activation="tanh", name="d")(x)
    encoder = keras.Model(x, [inner(hidden), dense(3, name="e")(hidden)], name="encoder")
    tower = keras.Sequential([dense(6, activation="sigmoid", name="d"), dense(4, name="last")], name="tower")

    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    extra = keras.Input((3,), name="extra")
    first, again = encoder(left), encoder(right)
    near = keras.layers.Concatenate(name="near")([first[0], again[1], extra])
    far = keras.layers.Concatenate(name="far")([again[0], first[1], extra])
    near, far = tower(near), tower(far)
    both = keras.layers.Add(name="both")([near, far])
    kind = dense(5, activation="softmax", name="kind")(both)
    box = dense(2, name="box")(far)
    return keras.Model({"left": left, "right": right, "extra": extra}, {"kind": kind, "box": box})


def weights(model, prefix=""):
    """Each variable with its path in mio, in the order of `model.weights`. Keras leaves a functional model's name out of
    its variables' paths, and two of them then have one path."""
    found = []
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model):
            found += weights(layer, path + "/")
        else:
            found += [(f"{path}/{variable.name}", variable) for variable in layer.weights]
    return found


class Nested(training.Experiment):
    name, seed, longest_sum = "model-nested", 7, 24
    #: Paths of layers and models that are not trained, and mio's patterns of them.
    frozen, freeze = [], []

    def build(self, optimizer):
        model = build()
        for path in self.frozen:
            layer = model
            for name in path.split("/"):
                layer = layer.get_layer(name)
            layer.trainable = False
        model.compile(
            optimizer=optimizer,
            loss={"kind": "sparse_categorical_crossentropy", "box": "mean_squared_error"},
            loss_weights={"kind": 1.0, "box": 0.5},
            metrics={"kind": ["accuracy"]},
            jit_compile=False,
        )
        return model

    def weights(self, model):
        return weights(model)

    def batch(self, step):
        stream, size = 2000 + 10 * step, self.batch_size
        inputs = {
            "left": tensors.uniform(stream + 0, (size, 6), -1, 1),
            "right": tensors.uniform(stream + 1, (size, 6), -1, 1),
            "extra": tensors.uniform(stream + 2, (size, 3), -1, 1),
        }
        targets = {
            "kind": tensors.classes(stream + 5, (size,), 5),
            "box": tensors.uniform(stream + 6, (size, 2), 0, 1),
        }
        return inputs, targets

    @property
    def job(self):
        return {**JOB, "freeze": self.freeze}


class Frozen(Nested):
    """A nested model within another, and a layer of a sequence."""

    name, frozen, freeze = "model-frozen", ["encoder/inner", "tower/d"], ["encoder/inner/*", "tower/d"]
