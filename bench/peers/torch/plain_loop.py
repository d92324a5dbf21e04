"""A plain PyTorch loop: `plain_loop.py ROUNDS COHORT`. Prints its facts as JSON."""

import json
import sys
import time

import torch
from federation import accuracy, clients, model, train

rounds, cohort = map(int, sys.argv[1:])
draw = torch.Generator().manual_seed(1)
state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
times = []
for number in range(rounds):
    started = time.perf_counter()
    total = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    examples = 0
    for client in torch.randperm(len(clients), generator=draw)[:cohort].tolist():
        model.load_state_dict(state)
        count = train(model, client, seed=1000 * number + client)
        for name, tensor in model.state_dict().items():
            total[name] += count * (tensor - state[name])
        examples += count
    state = {name: state[name] + total[name] / examples for name in state}
    times.append(time.perf_counter() - started)
model.load_state_dict(state)
later = times[1:]  # the first one imports parts of PyTorch
print(json.dumps({"accuracy": accuracy(model), "update": 1000 * sum(later) / len(later) / cohort}))
