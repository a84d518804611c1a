"""The two models in PyTorch (images channels first), with the losses, metrics and rates of the Keras ones."""

import torch
from torch.nn import functional


class ImageMetadata(torch.nn.Module):
    """Model 1: image (3, 256, 256) and metadata (10) in, one answer out, as a logit."""

    learning_rate = 1e-7

    def __init__(self, side=256):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 32, 3)
        self.conv2 = torch.nn.Conv2d(32, 64, 3)
        self.meta1 = torch.nn.Linear(10, 16)
        self.meta2 = torch.nn.Linear(16, 32)
        self.answer = torch.nn.Linear(64 * (side - 4) ** 2 + 32, 1)
        # Keras' start: Glorot's uniform kernels, biases of zero.
        for layer in self.children():
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)

    def forward(self, image, metadata):
        features = functional.relu(self.conv2(functional.relu(self.conv1(image))))
        context = functional.relu(self.meta2(functional.relu(self.meta1(metadata))))
        # In the order in which the features lie in memory, so that flattening copies nothing.
        if features.is_contiguous(memory_format=torch.channels_last):
            features = features.permute(0, 2, 3, 1)
        return self.answer(torch.cat([features.flatten(1), context], dim=1))

    @staticmethod
    def batch(size, layout, seed, side=256):
        random = torch.Generator().manual_seed(seed)
        image = torch.rand((size, 3, side, side), generator=random) * 2 - 1
        metadata = torch.rand((size, 10), generator=random) * 2 - 1
        answer = torch.randint(0, 2, (size, 1), generator=random).float()
        return {"inputs": (image.contiguous(memory_format=layout), metadata), "answer": answer}

    @staticmethod
    def losses(logit, batch):
        return functional.binary_cross_entropy_with_logits(logit, batch["answer"]), ()


class TwoHeads(torch.nn.Module):
    """Model 2: one vector (100) in; the class' ten logits and the box' four numbers out."""

    learning_rate = 0.001

    def __init__(self):
        super().__init__()
        self.kind_hidden = torch.nn.Linear(100, 32)
        self.kind = torch.nn.Linear(32, 10)
        self.box_hidden = torch.nn.Linear(100, 64)
        self.box = torch.nn.Linear(64, 4)

    def forward(self, vector):
        kind = self.kind(functional.relu(self.kind_hidden(vector)))
        box = torch.sigmoid(self.box(functional.relu(self.box_hidden(vector))))
        return kind, box

    @staticmethod
    def batch(size, layout, seed):
        random = torch.Generator().manual_seed(seed)
        return {
            "inputs": (torch.rand((size, 100), generator=random) * 2 - 1,),
            "kind": torch.randint(0, 10, (size,), generator=random),
            "box": torch.rand((size, 4), generator=random),
        }

    @staticmethod
    def losses(outputs, batch):
        """The total, and Keras' logs: both losses, the accuracy, the mean absolute error."""
        logits, box = outputs
        kind_loss = functional.cross_entropy(logits, batch["kind"])
        box_loss = functional.mse_loss(box, batch["box"])
        with torch.no_grad():
            accuracy = (logits.argmax(dim=1) == batch["kind"]).float().mean()
            error = (box - batch["box"]).abs().mean()
        return kind_loss + 0.5 * box_loss, (kind_loss, box_loss, accuracy, error)
