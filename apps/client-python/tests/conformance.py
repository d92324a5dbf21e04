"""Clients for the conformance suite of hosts. The name of the phase selects what they do (libs/wire/testing/host-conformance.ts)."""

import time

import numpy as np

from fedclair_host import Client, LowRank, Update


class Scripted(Client):
    def train(self, params, job):
        if job.phase == "throw":
            raise RuntimeError("the client is broken")
        if job.phase == "silent":
            time.sleep(60)
        if job.phase == "pause":
            time.sleep(0.5)
        if job.phase == "big":
            return Update(1, {"w": np.zeros(100_000, np.float32)})
        pair = LowRank(np.array([[1.0], [2.0]], np.float32), np.array([[3.0, 4.0, 5.0]], np.float32))
        return Update(7, {"w": params["w"], "pair": pair}, {"index": float(job.client_index)})

    def evaluate(self, params, job):
        return Update(3, metrics={"sum": float(params["w"].sum())})


def make_client(index):
    return Scripted()
