"""The clients of the task in e2e/src/support/twin-task.ts, in numpy."""

import numpy as np

from fedclair_host import LABEL_ATTACKS, Client, Job, Params, Update, contaminate_labels, root_stream

samples, features, classes, steps, rate = 40, 3, 4, 3, 0.5


def points(job: Job):
    rng = root_stream(job.trial["seed"]).at("shard", job.client_id)
    y = np.array([rng.integer(classes) for _ in range(samples)])
    x = np.array([[*((j == label) + rng.uniform() - 0.5 for j in range(features)), 1] for label in y])
    return x, y


def softmax(x, w):
    exps = np.exp(x @ w.T)
    return exps / exps.sum(axis=1, keepdims=True)


class Twin(Client):
    contaminations = (*LABEL_ATTACKS, "mirrored")

    def __init__(self, index: int):
        pass

    def train(self, params: Params, job: Job) -> Update:
        x, y = points(job)
        labels = np.eye(classes)[contaminate_labels(y, classes, job)]
        mirrored = job.contamination is not None and job.contamination.kind == "mirrored"
        start = params["w"]
        w = start.copy()
        for _ in range(steps):
            w -= rate * (softmax(x, w) - labels).T @ (-x if mirrored else x) / samples
        return Update(samples, {"w": w - start})

    def evaluate(self, params: Params, job: Job) -> Update:
        x, y = points(job)
        loss = -np.log(softmax(x, params["w"])[range(samples), y]).mean()
        return Update(samples, metrics={"loss": loss})


make_client = Twin
