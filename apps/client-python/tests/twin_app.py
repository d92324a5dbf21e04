"""The clients of twin.py as a Flower app."""

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedclair_host import LABEL_ATTACKS, contaminate_labels, root_stream
from fedclair_host.flower import job_of
from twin import classes, draw_points, fit, mean_loss

app = ClientApp()
app.contaminations = LABEL_ATTACKS


def points_of(context):
    return draw_points(root_stream(1).at("shard", f"c{context.node_config['partition-id']:02}"))


@app.train()
def train(message, context):
    [start] = message.content["arrays"].to_numpy_ndarrays()
    x, y = points_of(context)
    w = fit(start, x, contaminate_labels(y, classes, job_of(message)))
    content = {"arrays": ArrayRecord({"w": Array(w)}), "metrics": MetricRecord({"num-examples": len(x)})}
    return Message(content=RecordDict(content), reply_to=message)


@app.evaluate()
def evaluate(message, context):
    [w] = message.content["arrays"].to_numpy_ndarrays()
    x, y = points_of(context)
    metrics = MetricRecord({"loss": mean_loss(w, x, y), "num-examples": len(x)})
    return Message(content=RecordDict({"metrics": metrics}), reply_to=message)
