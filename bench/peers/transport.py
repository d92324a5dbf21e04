"""A client's round of value-driven-transport in PyTorch, float64, one thread.

Adam steps on the dual, each on newly drawn points. Sizes as in `libs/methods/value-driven-transport/src`:
two hidden layers of 32, 128 sources, 64 of the client's 400 targets, ten time steps.
"""

import math

import torch
from torch import nn

HIDDEN, SOURCES, TARGETS, HELD, HORIZON, EPS, LAMBDA, RATE = 32, 128, 64, 400, 10, 0.1, 1.0, 1e-2

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(1)


def network():
    layers = nn.Linear(3, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh()
    return nn.Sequential(*layers, nn.Linear(HIDDEN, 1, bias=False))


def held():
    angle = torch.randint(8, (HELD, 1)) * (math.pi / 4)
    return 2 * torch.cat([angle.cos(), angle.sin()], 1) + 0.2 * torch.randn(HELD, 2)


def values(net, points, times):
    return net(torch.cat([points, times], 1))[:, 0]


def loss(net, points):
    x, y = torch.randn(SOURCES, 2), points[torch.randint(HELD, (TARGETS,))]
    times = torch.randint(HORIZON, (TARGETS, 1)) / HORIZON
    start = torch.zeros(SOURCES, 1)
    with torch.no_grad():
        v0 = values(net, x, start)
        coupling = torch.softmax((v0[:, None] - torch.cdist(x, y) ** 2 / 2) / EPS, 0)
        pairs = torch.multinomial(coupling.T, 1)[:, 0]
        move = y - x[pairs]
        point = x[pairs] + times * move
    point.requires_grad_()
    (slope,) = torch.autograd.grad(values(net, point, times).sum(), point)
    point = point.detach()
    onward, landed = point + move / HORIZON, point - slope / HORIZON
    v = values(net, torch.cat([onward, landed, x]), torch.cat([times, times, start]))
    flow = HORIZON * (v[:TARGETS].mean() - v[TARGETS : 2 * TARGETS].mean())
    return flow + LAMBDA * (v[2 * TARGETS :] * (coupling.mean(1) - 1 / SOURCES)).sum()


def prepare(clients, steps):
    data = [held() for _ in range(clients)]

    def run():
        for points in data:
            net = network()
            optimizer = torch.optim.Adam(net.parameters(), lr=RATE, betas=(0.9, 0.99), fused=True)
            for _ in range(steps):
                optimizer.zero_grad()
                loss(net, points).backward()
                optimizer.step()

    return run
