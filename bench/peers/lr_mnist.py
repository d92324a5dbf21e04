"""Federated logistic regression as a loop, in idiomatic PyTorch or in NumPy.

Uses the digits and clients of bench/lr-mnist. With `updates`, only this many clients' updates are timed,
without reading their data.
"""

import json
import pathlib

import numpy as np

RATE, BATCH, ROUNDS, COHORT = 0.03, 10, 100, 10


def read(folder):
    """Reads the digits as bytes, their labels, and the digits of each client."""
    folder = pathlib.Path(folder)
    images = np.fromfile(folder / "digits/train-images-idx3-ubyte", np.uint8, offset=16)
    labels = np.fromfile(folder / "digits/train-labels-idx1-ubyte", np.uint8, offset=8)
    parts = json.loads((folder / "parts.json").read_text())
    return images.reshape(-1, 784), labels.astype(np.int64), parts


def prepare(folder, library, updates=None):
    side = {"torch": Torch, "numpy": Numpy}[library]()

    def whole():
        images, labels, parts = read(folder)
        rng = np.random.default_rng(1)
        clients = parts["training"]
        weights = np.zeros((10, 785), np.float32)
        for _ in range(ROUNDS):
            total, examples = np.zeros_like(weights), 0
            for k in rng.choice(len(clients), COHORT, replace=False):
                mine = images[clients[k]], labels[clients[k]]
                total += len(clients[k]) * side.train(weights, *mine, rng)
                examples += len(clients[k])
            weights = total / examples
        test = parts["test"]
        guessed = (images[test] / np.float32(255)) @ weights[:, :784].T + weights[:, 784]
        return {"accuracy": float((guessed.argmax(axis=1) == labels[test]).mean())}

    if updates is None:
        return whole
    images, labels, parts = read(folder)
    clients = parts["training"]
    rng = np.random.default_rng(1)

    def some():
        weights = np.zeros((10, 785), np.float32)
        for i in range(updates):
            mine = clients[i * 7 % len(clients)]
            side.train(weights, images[mine], labels[mine], rng)

    return some


class Numpy:
    def train(self, weights, images, labels, rng):
        weights = weights.copy()
        x = np.ones((len(labels), 785), np.float32)
        np.divide(images, 255, out=x[:, :784], dtype=np.float32)
        order = rng.permutation(len(labels))
        for start in range(0, len(labels), BATCH):
            batch = order[start : start + BATCH]
            rows = x[batch]
            logits = rows @ weights.T
            logits -= logits.max(axis=1, keepdims=True)
            p = np.exp(logits)
            p /= p.sum(axis=1, keepdims=True)
            p[np.arange(len(batch)), labels[batch]] -= 1
            weights -= np.float32(RATE / len(batch)) * (p.T @ rows)
        return weights


class Torch:
    def __init__(self):
        import torch

        self.torch = torch
        torch.set_num_threads(1)

    def train(self, weights, images, labels, rng):
        torch = self.torch
        model = torch.nn.Linear(784, 10)
        with torch.no_grad():
            model.weight.copy_(torch.from_numpy(weights[:, :784]))
            model.bias.copy_(torch.from_numpy(weights[:, 784]))
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        x = torch.from_numpy(images).float() / 255
        y = torch.from_numpy(labels)
        for batch in torch.randperm(len(y)).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            return torch.cat([model.weight, model.bias[:, None]], 1).numpy()
