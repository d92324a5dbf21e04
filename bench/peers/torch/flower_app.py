"""The federation as a Flower app. `flower_app.py ROUNDS COHORT` runs it in Flower's simulation and prints its facts as JSON."""

import json
import sys

from federation import accuracy, clients, model, train
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ClientApp()


def initial():
    return model


@app.train()
def train_client(message: Message, context: Context) -> Message:
    client = int(context.node_config["partition-id"])
    model.load_state_dict(message.content["arrays"].to_torch_state_dict())
    round_number = int(message.content["config"]["server-round"])
    count = train(model, client, seed=1000 * round_number + client)
    content = {"arrays": ArrayRecord(model.state_dict()), "metrics": MetricRecord({"num-examples": count})}
    return Message(content=RecordDict(content), reply_to=message)


def main() -> None:
    from flwr.simulation import run_simulation

    rounds, cohort = map(int, sys.argv[1:])
    server = ServerApp()

    @server.main()
    def run(grid: Grid, context: Context) -> None:
        strategy = FedAvg(
            fraction_train=cohort / len(clients), fraction_evaluate=0.0, min_train_nodes=cohort, min_available_nodes=len(clients)
        )
        result = strategy.start(grid, ArrayRecord(model.state_dict()), num_rounds=rounds)
        model.load_state_dict(result.arrays.to_torch_state_dict())

    resources = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}}
    run_simulation(server, app, num_supernodes=len(clients), backend_config=resources)
    print(json.dumps({"accuracy": accuracy(model)}))


if __name__ == "__main__":
    main()
