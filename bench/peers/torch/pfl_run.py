"""The federation in pfl: `pfl_run.py ROUNDS COHORT`. Prints its facts as JSON."""

import json
import sys
import time

import numpy as np
import torch
from federation import RATE, accuracy, clients, images, labels, model, train
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam.base import NNEvalHyperParams, NNTrainHyperParams
from pfl.metrics import Metrics
from pfl.model.pytorch import PyTorchModel

rounds, cohort = map(int, sys.argv[1:])
np.random.seed(1)
model.loss = lambda x, y: torch.nn.functional.cross_entropy(model(x), y)
model.metrics = lambda x, y: {}


class Same(FederatedAveraging):
    """FedAvg whose clients train by the same function as on the other sides."""

    def train_one_user(self, initial_model_state, model, user_dataset, central_context):
        client = user_dataset.user_id
        train(model.pytorch_model, client, seed=1000 * central_context.current_central_iteration + client)
        return model.get_model_difference(initial_model_state), Metrics()


times = []


class Clock(TrainingProcessCallback):
    def after_central_iteration(self, aggregate_metrics, model, *, central_iteration):
        times.append(time.perf_counter())
        return False, Metrics()


def user(client):
    return Dataset((images[clients[client]], labels[clients[client]]), user_id=client)


data = FederatedDataset(user, get_user_sampler("random", list(range(len(clients)))))
wrapped = PyTorchModel(
    model,
    local_optimizer_create=torch.optim.SGD,
    central_optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
)
Same().run(
    algorithm_params=NNAlgorithmParams(
        central_num_iterations=rounds, evaluation_frequency=10**9, train_cohort_size=cohort, val_cohort_size=0
    ),
    backend=SimulatedBackend(training_data=data, val_data=data),
    model=wrapped,
    model_train_params=NNTrainHyperParams(local_learning_rate=RATE, local_num_epochs=1, local_batch_size=10),
    model_eval_params=NNEvalHyperParams(local_batch_size=100),
    callbacks=[Clock()],
)
print(json.dumps({"accuracy": accuracy(model), "update": 1000 * (times[-1] - times[0]) / (len(times) - 1) / cohort}))
