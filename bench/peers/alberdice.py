"""An agent's turn of alberdice with networks in PyTorch: two agents, float32, one thread.

See libs/methods/alberdice/README.md, "Networks". Each step moves the value network down the dual, the advantage
network towards the residuals, and the policy towards its best response, all with Adam. The data come
from the other side.
"""

import torch
from torch import nn

LEAST, MOST, TRACE = 1e-10, 100.0, 1e-3

torch.set_num_threads(1)
torch.manual_seed(1)


def perceptron(inputs, hidden, outputs, bias=True):
    layers = nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
    return nn.Sequential(*layers, nn.Linear(hidden, outputs, bias=bias))


def prepare(features, rows, actions, hidden, learningRate, steps, alpha, gamma, turns):
    x = torch.tensor(features, dtype=torch.float32)
    table = torch.tensor(rows)
    state, after, first, second = table[:, :4].long().T
    reward, share = table[:, 4:].float().T
    states, inputs = x.shape

    def turn(agent):
        own, others = actions[agent], actions[1 - agent]
        mine, theirs = (first, second) if agent == 0 else (second, first)
        value = perceptron(inputs, hidden, 1, bias=False)
        advantage, policy, data = (perceptron(inputs, hidden, own) for _ in range(3))
        other = perceptron(inputs, hidden, others)
        conditional = perceptron(inputs + own, hidden, others)
        pair = state * own + mine
        with torch.no_grad():
            p = other(x).softmax(1)  # states × others
            each = torch.cat([x.repeat_interleave(own, 0), torch.eye(own).repeat(states, 1)], 1)
            q = conditional(each).softmax(1)  # (states · own) × others
            expected = p.repeat_interleave(own, 0)
            penalty = (expected * ((expected + LEAST) / (q + LEAST)).log()).sum(1)
            ratio = (p[state, theirs] / (q[pair, theirs] + LEAST)).clamp(max=MOST)
            log_mass = (share * ratio).clamp(min=1e-38).log()
            part = share * ratio.clamp(min=TRACE)
            mass = torch.zeros(states * own).index_add(0, pair, share)
            divided = torch.zeros(states * own).index_add(0, pair, part)
            weights = part * mass[pair] / divided[pair]
            visits = torch.zeros(states).index_add(0, state, share)
            fixed = reward / alpha - penalty[pair]
            log_data = (data(x).softmax(1) + LEAST).log()
        optimizers = [
            torch.optim.Adam(net.parameters(), lr=learningRate, betas=(0.9, 0.99), fused=True)
            for net in (value, advantage, policy)
        ]

        def step(optimizer, loss):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        for _ in range(steps):
            nu = value(x)[:, 0]
            residual = fixed + gamma * nu[after] - nu[state]
            step(optimizers[0], (residual + log_mass).logsumexp(0) + (1 - gamma) * visits @ nu)
            residual = residual.detach()
            e = advantage(x)
            targets = visits[:, None] * (log_data + e.detach()).softmax(1)
            step(optimizers[1], (weights * (e.flatten()[pair] - residual) ** 2).sum())
            step(optimizers[2], -(targets * policy(x).log_softmax(1)).sum())

    def run():
        for i in range(turns):
            turn(i % 2)

    return run
