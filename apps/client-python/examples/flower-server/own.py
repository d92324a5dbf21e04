"""The clients of ``server_step.py`` for a fedclair host: fedclair-host own:make_client."""

import numpy as np

from fedclair_host import Client, Job, Params, Update
from changes import A0, MODULES, SHAPE, draw_change


class Own(Client):
    def __init__(self, index: int):
        self.index = index

    def initial(self, job: Job):
        return {module: np.zeros(SHAPE) for module in MODULES}

    def train(self, params: Params, job: Job) -> Update:
        return Update(1, {module: (draw_change(self.index, job.round, module), A0) for module in MODULES})


def make_client(index: int) -> Own:
    return Own(index)
