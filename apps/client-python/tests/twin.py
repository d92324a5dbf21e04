"""The clients of the task in e2e/src/support/twin-task.ts, in numpy."""

import numpy as np

from fedclair_host import LABEL_ATTACKS, Client, Job, Params, Stream, Update, contaminate_labels, root_stream

samples, features, classes, steps, rate = 40, 3, 4, 3, 0.5


def draw_points(rng: Stream):
    y = np.array([rng.integer(classes) for _ in range(samples)])
    x = np.array([[*((j == label) + rng.uniform() - 0.5 for j in range(features)), 1] for label in y])
    return x, y


def points(job: Job):
    return draw_points(root_stream(job.trial["seed"]).at("shard", job.client_id))


def softmax(x, w):
    exps = np.exp(x @ w.T)
    return exps / exps.sum(axis=1, keepdims=True)


def fit(start, x, labels, sign=1):
    w = start.copy()
    for _ in range(steps):
        w -= rate * (softmax(x, w) - np.eye(classes)[labels]).T @ (sign * x) / samples
    return w


def mean_loss(w, x, y):
    return float(-np.log(softmax(x, w)[range(samples), y]).mean())


class Twin(Client):
    contaminations = (*LABEL_ATTACKS, "mirrored")

    def __init__(self, index: int):
        pass

    def train(self, params: Params, job: Job) -> Update:
        x, y = points(job)
        mirrored = job.contamination is not None and job.contamination.kind == "mirrored"
        start = params["w"]
        w = fit(start, x, contaminate_labels(y, classes, job), -1 if mirrored else 1)
        return Update(samples, {"w": w - start})

    def evaluate(self, params: Params, job: Job) -> Update:
        return Update(samples, metrics={"loss": mean_loss(params["w"], *points(job))})


make_client = Twin
