"""Clients that misbehave, each in a different way, and some that work. Used by e2e/src/python-clients.test.ts."""

import os
import sys
import time

import numpy as np

from fedclair_host import Client, Update


class Misbehaving(Client):
    def __init__(self, index):
        self.index = index

    def initial(self, job):
        return {"w": np.zeros((4, 3))}

    def train(self, params, job):
        change = np.random.default_rng(job.seed).normal(size=(4, 3))
        if self.index == 0:
            return Update(1, {"w": change * np.nan})
        if self.index == 1:
            return Update(1, {"v": change})
        if self.index == 2:
            raise ValueError("no data\n\x1b[31mhere")
        if self.index == 3:
            time.sleep(60)
        if self.index == 4:
            sys.exit("enough")
        if self.index == 5:
            return Update(1, {"w": change[:2]})
        if self.index == 6:
            return Update(1, {"w": change}, {"loss": float("inf")})
        if self.index == 7:
            return {"w": change}
        if self.index == 8 and job.round == 2 and os.environ.get("WAIT") == "1":
            print("c08 waits", file=sys.stderr, flush=True)
            time.sleep(60)
        return Update(10, {"w": change}, {"common": float(job.common_seed), "own": float(job.seed)})


make_client = Misbehaving
