"""The clients of `bench-peers torch`: data, model and training, which all sides import unchanged.

The environment names the federation: FEDERATION_FOLDER with images, labels and parts, and FEDERATION_MODEL, lr or cnn.
"""

import json
import os
import pathlib

import numpy as np
import torch

folder = pathlib.Path(os.environ["FEDERATION_FOLDER"])
BATCH = 10
RATE = {"lr": 0.03, "cnn": 0.1}[os.environ["FEDERATION_MODEL"]]

images = torch.from_numpy(np.fromfile(folder / "digits/train-images-idx3-ubyte", np.uint8, offset=16)).view(-1, 1, 28, 28)
labels = torch.from_numpy(np.fromfile(folder / "digits/train-labels-idx1-ubyte", np.uint8, offset=8).astype(np.int64))
parts = json.loads((folder / "parts.json").read_text())
clients = [torch.tensor(part) for part in parts["training"]]


class Logistic(torch.nn.Module):
    """10×784 weights and a bias, from 0."""

    def __init__(self):
        super().__init__()
        self.output = torch.nn.Linear(784, 10)
        for parameter in self.parameters():
            torch.nn.init.zeros_(parameter)

    def forward(self, x):
        return self.output(x.flatten(1))


class Cnn(torch.nn.Module):
    """Two convolutions and a linear layer, 20,490 numbers."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(1, 16, 3, padding=1)
        self.second = torch.nn.Conv2d(16, 32, 3, padding=1)
        self.output = torch.nn.Linear(32 * 7 * 7, 10)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.first(x)), 2)
        x = torch.nn.functional.max_pool2d(torch.relu(self.second(x)), 2)
        return self.output(x.flatten(1))


torch.manual_seed(1)
model = {"lr": Logistic, "cnn": Cnn}[os.environ["FEDERATION_MODEL"]]()


def train(model, client, seed):
    """Trains a model in place on the data of a client: one pass, batches of ten. Returns the number of samples."""
    x = images[clients[client]].float() / 255
    y = labels[clients[client]]
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    for batch in order.split(BATCH):
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return len(y)


def accuracy(model):
    """The share of the images that no client holds and that the model recognises."""
    test = torch.tensor(parts["test"])
    with torch.no_grad():
        guessed = torch.cat([model(images[some].float() / 255).argmax(1) for some in test.split(500)])
    return float((guessed == labels[test]).float().mean())
