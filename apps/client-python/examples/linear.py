"""Linear regression with numpy: y = x·D_k + noise, where the D_k of all benign clients share one column space of rank 3.

Six of the twenty clients have an unrelated D_k, as if their sensors were wired up wrongly. The trial declares them as contaminated.
"""

import numpy as np

from fedclair_host import Client, Job, Params, Update

inputs, outputs, rank, samples = 30, 10, 3, 120
contaminated = {2, 5, 8, 11, 14, 17}
basis = np.linalg.qr(np.random.default_rng(1).normal(size=(inputs, rank)))[0]


class Regression(Client):
    def __init__(self, index: int):
        self.rng = np.random.default_rng([7, index])
        if index in contaminated:
            self.weights = self.rng.normal(size=(inputs, outputs)) * np.sqrt(rank / inputs)
        else:
            self.weights = basis @ self.rng.normal(size=(rank, outputs))

    def samples(self):
        x = self.rng.normal(size=(samples, inputs))
        return x, x @ self.weights + self.rng.normal(size=(samples, outputs))

    def initial(self, job: Job):
        return {"weights": np.zeros((inputs, outputs))}

    def train(self, params: Params, job: Job) -> Update:
        x, y = self.samples()
        residual = y - x @ params["weights"]
        change = np.linalg.lstsq(x, residual, rcond=None)[0]
        return Update(samples, {"weights": change}, {"loss": float((residual**2).mean())})

    def evaluate(self, params: Params, job: Job) -> Update:
        return Update(samples, metrics={"error": float(((params["weights"] - self.weights) ** 2).sum())})


make_client = Regression
