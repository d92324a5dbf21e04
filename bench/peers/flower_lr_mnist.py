"""LR-MNIST in Flower's simulation: `flower_lr_mnist.py FOLDER CLIENTS COHORT ROUNDS`.

Prints milliseconds and accuracy as JSON. A client trains like PyTorch's loop (lr_mnist.py). Each client
has one core, so that all cores are used.
"""

import json
import os
import sys
import time

os.environ.update({"OMP_NUM_THREADS": "1", "RAY_DEDUP_LOGS": "0", "FLWR_TELEMETRY_ENABLED": "0"})

import flwr
import numpy as np
from flwr.client import ClientApp, NumPyClient
from flwr.common import ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation
from lr_mnist import Torch, read

folder, clients, cohort, rounds = sys.argv[1], *map(int, sys.argv[2:])
held = None
accuracy = [float("nan")]


def data():
    """Reads the data once per process."""
    global held
    held = held or read(folder)
    return held


class Client(NumPyClient):
    def __init__(self, index):
        self.index = index

    def fit(self, parameters, _):
        images, labels, parts = data()
        mine = parts["training"][self.index % len(parts["training"])]  # more clients share data
        change = Torch().train(parameters[0], images[mine], labels[mine], None)
        return [change], len(mine), {}


def evaluate(done, parameters, _):
    if done < rounds:
        return None
    images, labels, parts = data()
    test, weights = parts["test"], parameters[0]
    guessed = (images[test] / np.float32(255)) @ weights[:, :784].T + weights[:, 784]
    accuracy[0] = float((guessed.argmax(axis=1) == labels[test]).mean())
    return 0.0, {}


def server(_):
    strategy = FedAvg(
        fraction_fit=cohort / clients,
        fraction_evaluate=0.0,
        min_fit_clients=cohort,
        min_available_clients=clients,
        evaluate_fn=evaluate,
        initial_parameters=ndarrays_to_parameters([np.zeros((10, 785), np.float32)]),
    )
    return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=rounds))


start = time.perf_counter()
run_simulation(
    server_app=ServerApp(server_fn=server),
    client_app=ClientApp(client_fn=lambda context: Client(int(context.node_config["partition-id"])).to_client()),
    num_supernodes=clients,
    backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
)
ms = 1000 * (time.perf_counter() - start)
print(json.dumps({"ms": ms, "accuracy": accuracy[0], "versions": {"Flower": flwr.__version__}}))
