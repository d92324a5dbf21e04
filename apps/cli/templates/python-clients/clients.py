"""Twelve clients learn one linear model, y = x·w + noise. Three of them have their inputs in reverse order."""

import numpy as np

from fedclair_host import Client, Job, Params, Update

inputs, samples, step = 8, 100, 0.5
truth = np.arange(1.0, inputs + 1).reshape(inputs, 1)
contaminated = {2, 5, 8}  # also declared in the trial; the aggregator does not know them


class Regression(Client):
    """One client. A new object is created for every job, so keep state in the module or draw it again from the index."""

    def __init__(self, index: int):
        rng = np.random.default_rng([7, index])
        self.x = rng.normal(size=(samples, inputs))
        self.y = self.x @ truth + rng.normal(size=(samples, 1))
        if index in contaminated:
            self.x = self.x[:, ::-1]

    def initial(self, job: Job):
        """Returns the params that all clients start from. Only the first client is asked."""
        return {"weights": np.zeros((inputs, 1))}

    def train(self, params: Params, job: Job) -> Update:
        """Returns the change of the params. Use ``job.seed`` for random numbers."""
        residual = self.y - self.x @ params["weights"]
        change = step * np.linalg.lstsq(self.x, residual, rcond=None)[0]
        return Update(samples, {"weights": change}, {"loss": float((residual**2).mean())})

    def evaluate(self, params: Params, job: Job) -> Update:
        residual = self.y - self.x @ params["weights"]
        return Update(samples, metrics={"error": float((residual**2).mean())})


make_client = Regression
