"""A ClientApp for Flower's Message API: logistic regression on synthetic data. Two of the ten clients have random labels."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()
inputs, classes = 20, 4
truth = np.random.default_rng(0).normal(size=(inputs, classes))


def initial():
    return {"weights": np.zeros((inputs, classes))}


def load_data(partition: int, samples: int):
    rng = np.random.default_rng([1, partition])
    x = rng.normal(size=(samples, inputs))
    labels = (x @ truth).argmax(axis=1)
    if partition in (3, 7):
        labels = rng.integers(classes, size=samples)
    return x, np.eye(classes)[labels]


def probabilities(x, weights):
    scores = np.exp(x @ weights - (x @ weights).max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


@app.train()
def train(message: Message, context: Context) -> Message:
    [weights] = message.content["arrays"].to_numpy_ndarrays()
    x, y = load_data(context.node_config["partition-id"], context.run_config["samples"])
    weights = weights.copy()
    for _ in range(message.content["config"]["local-steps"]):
        weights -= message.content["config"]["lr"] * x.T @ (probabilities(x, weights) - y) / len(x)
    loss = -(y * np.log(probabilities(x, weights) + 1e-12)).sum(axis=1).mean()
    content = {
        "arrays": ArrayRecord({"weights": Array(weights)}),
        "metrics": MetricRecord({"loss": float(loss), "num-examples": len(x)}),
    }
    return Message(content=RecordDict(content), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    [weights] = message.content["arrays"].to_numpy_ndarrays()
    x, y = load_data(100 + context.node_config["partition-id"], 500)
    accuracy = float((probabilities(x, weights).argmax(1) == y.argmax(1)).mean())
    metrics = MetricRecord({"accuracy": accuracy, "num-examples": len(x)})
    return Message(content=RecordDict({"metrics": metrics}), reply_to=message)
