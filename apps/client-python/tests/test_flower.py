"""These tests need the extra `flower`: npm run test:python -- flower."""

import numpy as np
import pytest

pytest.importorskip("flwr")

from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict  # noqa: E402
from flwr.clientapp import ClientApp  # noqa: E402

from fedclair_host import Contamination, Job, Params, Stream, root_stream  # noqa: E402
from fedclair_host.flower import flower_clients, job_of  # noqa: E402


def job(contamination=None):
    return Job("c01", 1, 4, 2, "train", 5, 6, {}, contamination)


def test_an_app_receives_the_contamination_of_its_data_while_it_trains():
    app, records, jobs = ClientApp(), [], []

    @app.train()
    def train(message, context):
        records.append(list(message.content))
        jobs.append(job_of(message))
        content = {"arrays": ArrayRecord({"w": Array(np.ones(2))}), "metrics": MetricRecord({"num-examples": 3})}
        return Message(content=RecordDict(content), reply_to=message)

    client = flower_clients(app)(1)
    params = Params({"w": np.zeros(2)}, [])
    contamination = Contamination("text-trigger", {"tokens": [7, 8], "target": 1}, root_stream(1).at("shard", "c01"), Stream("2"))
    client.train(params, job(contamination))
    client.train(params, job())
    assert records == [["arrays", "config", "contamination"], ["arrays", "config"]]
    received = jobs[0].contamination
    assert (received.kind, received.options) == (contamination.kind, contamination.options)
    assert received.rng.uniform() == contamination.rng.uniform() and received.common.path == "2"
    assert jobs[1].contamination is None


def test_an_app_reads_the_trials_config_and_a_missing_key_says_where_to_set_it():
    app = ClientApp()

    @app.train()
    def train(message, context):
        config = message.content["config"]
        content = {"arrays": ArrayRecord({"w": Array(np.full(2, config["lr"]))}), "metrics": MetricRecord({"num-examples": 3})}
        return Message(content=RecordDict(content), reply_to=message)

    client, params = flower_clients(app)(1), Params({"w": np.zeros(2)}, [])
    trial = {"flower": {"app": "a:app", "trainConfig": {"lr": 0.5}}}
    assert client.train(params, Job("c01", 1, 4, 2, "train", 5, 6, trial)).delta["w"].tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match=r"reads 'lr' of the message's config, .*trainConfig: \{ lr: … \}"):
        client.train(params, job())


def test_initial_params_may_be_a_list_as_in_an_array_record():
    initial = flower_clients(ClientApp(), lambda: [np.zeros(2), np.ones(1)])(0).initial(job())
    assert list(initial) == list(ArrayRecord([np.zeros(2), np.ones(1)])) and initial["1"].tolist() == [1]
    with pytest.raises(TypeError, match="initial returned ndarray: expected a torch module, .*or a list of arrays"):
        flower_clients(ClientApp(), lambda: np.zeros(2))(0).initial(job())


def test_a_state_that_hosts_and_arms_share_is_reported_once(caplog):
    app = ClientApp()

    @app.train()
    def train(message, context):
        if message.content["config"]["server-round"] == 2:
            context.state["seen"] = MetricRecord({"rounds": 2})
        content = {"arrays": ArrayRecord({"w": Array(np.ones(2))}), "metrics": MetricRecord({"num-examples": 3})}
        return Message(content=RecordDict(content), reply_to=message)

    client, params = flower_clients(app)(1), Params({"w": np.zeros(2)}, [])
    client.train(params, Job("c01", 1, 4, 1, "train", 5, 6, {}))
    assert "context.state" not in caplog.text
    client.train(params, job())
    client.train(params, job())
    assert caplog.text.count("context.state") == 1
