"""Three numpy clients of a federation whose other clients are simulated. They recognise digits by logistic regression.

The trial specifies a folder with MNIST in IDX files. Every client holds as many digits as a simulated one, drawn at random. The last
client trains on shuffled labels.
"""

from functools import cache
from pathlib import Path

import numpy as np

from fedclair_host import Client, Job, Params, Update

contaminated = {11}


@cache
def digits(folder: str):
    images, labels = (
        np.frombuffer((Path(folder) / f"train-{name}-ubyte").read_bytes(), np.uint8, offset=offset)
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return images.reshape(-1, 784), labels


class Digits(Client):
    def __init__(self, index: int):
        self.index = index

    def data(self, job: Job):
        rng = np.random.default_rng([7, self.index])
        images, labels = digits(job.trial["task"]["source"]["folder"])
        held = len(labels) // job.client_count
        mine = rng.choice(len(labels), held, replace=False)
        x = np.hstack([images[mine] / 255, np.ones((held, 1))])
        y = np.eye(10)[labels[mine]]
        border = int(0.8 * held)
        return (x[:border], y[:border]), (x[border:], y[border:])

    def train(self, params: Params, job: Job) -> Update:
        (x, y), _ = self.data(job)
        rng = np.random.default_rng(job.seed)
        if self.index in contaminated:
            y = rng.permutation(y)
        start = params["output"].astype(np.float64)
        weights = start.copy()
        for batch in np.array_split(rng.permutation(len(x)), len(x) // 32):
            error = softmax(x[batch] @ weights.T) - y[batch]
            weights -= 0.1 * error.T @ x[batch] / len(batch)
        return Update(len(x), {"output": (weights - start).astype(np.float32)})

    def evaluate(self, params: Params, job: Job) -> Update:
        _, (x, y) = self.data(job)
        p = softmax(x @ params["output"].T)
        right = (p.argmax(axis=1) == y.argmax(axis=1)).mean()
        loss = -np.log((p * y).sum(axis=1)).mean()
        return Update(len(x), metrics={"accuracy": float(right), "loss": float(loss)})


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


make_client = Digits
