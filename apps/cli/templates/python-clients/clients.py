"""Twelve clients learn one linear model, y = x·w + noise; three of them have their inputs in another order."""

import numpy as np

from fedclair_host import Client, Job, Params, Update

inputs, samples, step = 8, 100, 0.5
truth = np.arange(1.0, inputs + 1).reshape(inputs, 1)
contaminated = {2, 5, 8}  # the trial declares them: nobody else is told


class Regression(Client):
    """One client. Made anew for every job: what is to be kept belongs to the module, or is drawn again by its index."""

    def __init__(self, index: int):
        rng = np.random.default_rng([7, index])
        self.x = rng.normal(size=(samples, inputs))
        self.y = self.x @ truth + rng.normal(size=(samples, 1))
        if index in contaminated:
            self.x = self.x[:, ::-1]

    def initial(self, job: Job):
        """What all start from; the first client is asked."""
        return {"weights": np.zeros((inputs, 1))}

    def train(self, params: Params, job: Job) -> Update:
        """The change that it proposes. ``job.seed`` is there for what is drawn at random."""
        residual = self.y - self.x @ params["weights"]
        change = step * np.linalg.lstsq(self.x, residual, rcond=None)[0]
        return Update(samples, {"weights": change}, {"loss": float((residual**2).mean())})

    def evaluate(self, params: Params, job: Job) -> Update:
        residual = self.y - self.x @ params["weights"]
        return Update(samples, metrics={"error": float((residual**2).mean())})


make_client = Regression
