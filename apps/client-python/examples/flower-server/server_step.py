"""A Flower simulation whose server step is ``fedclair aggregate``: python server_step.py FOLDER [words of the command …]

Ten clients train LoRA adapters for two rounds. The changes of the eight benign clients share one column space. The other two clients
have column spaces of their own. ``own.py`` has the same clients for a trial that fedclair runs itself.
"""

import sys
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.simulation import run_simulation

from fedclair_host.strategy import FedclairStrategy
from changes import A0, MODULES, RANK, SHAPE, draw_change

CONFIG = {"r": RANK, "lora_alpha": RANK}

client = ClientApp()


@client.train()
def train(message: Message, context: Context) -> Message:
    index = int(context.node_config["partition-id"])
    round_number = int(message.content["config"]["server-round"])
    arrays = {key: array.numpy() for key, array in message.content["arrays"].items()}
    for module in MODULES:
        # B·A becomes B·A + N·A₀, because the rows of A and of A₀ span the same space.
        a = arrays[f"{module}.lora_A.weight"]
        arrays[f"{module}.lora_B.weight"] += draw_change(index, round_number, module) @ A0 @ np.linalg.pinv(a)
    content = RecordDict(
        {
            "arrays": ArrayRecord({key: Array(np.float32(array)) for key, array in arrays.items()}),
            "metrics": MetricRecord({"num-examples": 1, "client": index}),
        }
    )
    return Message(content=content, reply_to=message)


@client.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    return Message(content=RecordDict({"metrics": MetricRecord({"num-examples": 1})}), reply_to=message)


server = ServerApp()


@server.main()
def main(grid: Grid, context: Context) -> None:
    folder, command = Path(sys.argv[1]), sys.argv[2:] or None
    strategy = FedclairStrategy(
        folder,
        CONFIG,
        command=command,
        options=["--set", "rank=2"],
        min_train_nodes=10,
        min_available_nodes=10,
        name_of=lambda reply: f"c{int(reply.content['metrics']['client']):02}",
    )
    arrays = {}
    for module in MODULES:
        arrays[f"{module}.lora_A.weight"] = Array(np.float32(A0))
        arrays[f"{module}.lora_B.weight"] = Array(np.zeros((SHAPE[0], RANK), np.float32))
    strategy.start(grid, ArrayRecord(arrays), num_rounds=2, train_config=ConfigRecord({}))
    for verdicts in strategy.verdicts:
        flagged = [one["name"] for one in verdicts["clients"] if one["status"] == "contaminated"]
        print(f"round {verdicts['round']}: contaminated {', '.join(flagged)}")


if __name__ == "__main__":
    run_simulation(server, client, num_supernodes=10)
