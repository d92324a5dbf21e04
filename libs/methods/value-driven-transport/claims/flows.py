"""Trains flows with torchcfm (Tong et al. 2024), with the network and budget of our own.

Reads {"method", "seed", "points", "starts", "sigma", "steps"} per line; points are the training
set, and starts are moved to the ends by Euler steps. Writes {"ends", "secondsPerStep"} per line,
with ends by number of steps. One thread.
"""

import json
import math
import sys
import time

import torch
from torchcfm.conditional_flow_matching import (
    ConditionalFlowMatcher,
    ExactOptimalTransportConditionalFlowMatcher,
    SchrodingerBridgeConditionalFlowMatcher,
)

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
hidden, batch, rate = 32, 64, 1e-2


def matcher_of(method, sigma):
    if method == "flow-matching":
        return ConditionalFlowMatcher(sigma=0.0)
    if method == "ot-cfm":
        return ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
    return SchrodingerBridgeConditionalFlowMatcher(sigma=sigma, ot_method="sinkhorn")


def train(method, seed, points, starts, sigma, steps):
    torch.manual_seed(seed)
    points, starts = torch.tensor(points), torch.tensor(starts)
    dimensions = points.shape[1]
    network = torch.nn.Sequential(
        torch.nn.Linear(dimensions + 1, hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(hidden, hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(hidden, dimensions, bias=False),
    )
    matcher = matcher_of(method, sigma)
    adam = torch.optim.Adam(network.parameters(), lr=rate, betas=(0.9, 0.99))
    begin = time.perf_counter()
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        x1 = points[torch.randint(len(points), (batch,))]
        t, xt, ut = matcher.sample_location_and_conditional_flow(torch.randn_like(x1), x1)
        loss = ((network(torch.cat([xt, t[:, None]], 1)) - ut) ** 2).sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    seconds = (time.perf_counter() - begin) / steps
    ends = {}
    with torch.no_grad():
        for count in (1, 16):
            x = starts
            for k in range(count):
                t = torch.full((len(x), 1), k / count)
                x = x + network(torch.cat([x, t], 1)) / count
            ends[count] = x.tolist()
    return {"ends": ends, "secondsPerStep": seconds}


for line in sys.stdin:
    print(json.dumps(train(**json.loads(line))), flush=True)
