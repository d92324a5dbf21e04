import random
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import TensorDataset  # noqa: E402

from fedclair_host.codec import encode_update, run_client, to_array  # noqa: E402
from fedclair_host.device_check import main as check_devices  # noqa: E402
from fedclair_host.messages import HostMessage, decode  # noqa: E402
from fedclair_host import Contamination, Job, Params, Stream, Update  # noqa: E402
from fedclair_host.torch import ContaminatedDataset, TorchClient, accuracy  # noqa: E402

job = Job("c01", 1, 4, 2, "train", 5, 6, {"limits": {"clientSeconds": 30}})


def mse(outputs, targets):
    return ((outputs - targets) ** 2).mean()


def params_of(client):
    return Params(client.initial(job), [])


def test_a_step_is_the_one_by_hand():
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(2.0)
    data = TensorDataset(torch.tensor([[3.0]]), torch.tensor([[0.0]]))
    client = TorchClient(model, data, mse, optimizer=lambda p: torch.optim.SGD(p, lr=0.01))
    update = client.train(params_of(client), job)
    # The gradient of (3w)² at w = 2 is 36.
    assert update.delta["weight"] == pytest.approx(np.array([[-0.36]]))
    assert update.num_examples == 1 and update.metrics == {"loss": 36.0, "steps": 1.0}
    measured = client.evaluate(params_of(client), job)
    assert measured.metrics == {"loss": 36.0} and measured.num_examples == 1


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2))

    def forward(self, x):
        return self.layers(x)


def net_client(model, seed=0, **options):
    draw = torch.Generator().manual_seed(seed)
    data = TensorDataset(torch.randn(24, 2, generator=draw), torch.randint(2, (24,), generator=draw))
    return TorchClient(model, data, torch.nn.functional.cross_entropy, batch_size=8, metrics={"accuracy": accuracy}, **options)


def test_nothing_is_left_from_one_client_to_the_next():
    model = Net()
    first, other = net_client(model), net_client(model, seed=1)
    params = params_of(first)
    before = first.train(params, job)
    other.train(params, job)
    after = net_client(model).train(params, job)
    assert before.metrics == after.metrics
    for name, change in before.delta.items():
        assert np.array_equal(change, after.delta[name]), name


@pytest.mark.parametrize("cohort", [1, 2])
def test_what_modules_share_is_sent_once(cohort):
    embedding = torch.nn.Linear(4, 2, bias=False)
    model = torch.nn.Sequential(torch.nn.Linear(2, 4, bias=False), embedding, torch.nn.Linear(2, 4, bias=False), embedding)
    model[2].weight = model[0].weight
    client = net_client(model, cohort=cohort)
    params = Params({"0.weight": np.full((4, 2), 0.5, "f4"), "1.weight": np.full((2, 4), 0.25, "f4")}, [])
    assert list(client.initial(job)) == list(params)
    [update] = client.train_cohort([client], [params], [job]) if cohort > 1 else [client.train(params, job)]
    assert list(update.delta) == list(params)
    assert all(0 < np.abs(change).max() < 0.25 for change in update.delta.values())


def test_buffers_that_a_state_dict_lacks_are_left_to_nobody():
    class Cached(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 2)
            self.register_buffer("mean", torch.zeros(2), persistent=False)
            self.register_buffer("rows", torch.zeros(1), persistent=False)

        def forward(self, x):
            self.mean.add_(x.detach().mean(0))
            self.rows = torch.cat([self.rows, torch.ones(1)])
            return self.layer(x - self.mean) * self.rows.sum()

    model = Cached()
    first = net_client(model)
    assert list(first.initial(job)) == ["layer.weight", "layer.bias"]
    before = first.train(params_of(first), job)
    net_client(model, seed=1).train(params_of(first), job)
    after = net_client(model).train(params_of(first), job)
    assert before.metrics == after.metrics
    assert np.array_equal(before.delta["layer.weight"], after.delta["layer.weight"])


def test_batch_norm_is_shared_or_reset():
    model = Net()
    shared, reset = net_client(model), net_client(model, batch_norm="reset")
    names = set(shared.initial(job)) - set(reset.initial(job))
    assert names == {"layers.1.running_mean", "layers.1.running_var"}
    assert "layers.1.num_batches_tracked" not in shared.initial(job)
    assert np.abs(shared.train(params_of(shared), job).delta["layers.1.running_mean"]).max() > 0
    reset.train(params_of(reset), job)
    reset.evaluate(params_of(reset), job)
    assert torch.equal(model.layers[1].running_mean, torch.zeros(4))
    with pytest.raises(ValueError, match='expected "shared" or "reset"'):
        net_client(model, batch_norm="local")


def test_batch_norm_leaves_out_a_last_batch_of_one_sample():
    model = Net()
    data = TensorDataset(torch.randn(9, 2), torch.arange(9) % 2)
    for count, steps in ((9, 2), (8, 2)):  # eight of the nine samples are two batches too
        own = TorchClient(model, torch.utils.data.Subset(data, range(count)), torch.nn.functional.cross_entropy, batch_size=4)
        assert own.train(params_of(own), job).metrics["steps"] == steps


def test_a_client_without_samples_is_an_error():
    model = torch.nn.Linear(1, 1)
    empty = TorchClient(model, TensorDataset(torch.ones(0, 1), torch.ones(0, 1)), mse)
    with pytest.raises(ValueError, match="^data has no samples"):
        empty.train(params_of(empty), job)
    with pytest.raises(ValueError, match="^held_out has no samples"):
        empty.evaluate(params_of(empty), job)


class Noisy(torch.utils.data.Dataset):
    """Its samples are different at each access, as with augmentation."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.full((2,), random.random() + np.random.random()) + torch.rand(2), index % 2


def test_random_samples_are_the_same_in_a_repeated_job_and_the_caller_keeps_its_own():
    model = torch.nn.Linear(2, 2)
    client = TorchClient(model, Noisy(), torch.nn.functional.cross_entropy, batch_size=3, cohort=4)
    params = params_of(client)
    for generator in (random, np.random):
        generator.seed(1)
    torch.manual_seed(1)
    other = job_of(3)

    def numbers():
        together = TorchClient.train_cohort([client, client], [params, params], [other, job])
        return [client.train(params, job).delta["weight"], together[1].delta["weight"]], client.evaluate(params, job).metrics

    (alone, grouped), measured = numbers()
    drawn = random.random(), np.random.random(), float(torch.rand(1))
    (again, grouped_again), measured_again = numbers()
    assert np.array_equal(alone, again) and np.array_equal(grouped, grouped_again) and measured == measured_again
    assert not np.array_equal(alone, client.train(params, other).delta["weight"])
    for generator in (random, np.random):
        generator.seed(1)
    torch.manual_seed(1)
    assert drawn == (random.random(), np.random.random(), float(torch.rand(1)))


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_two_classes_with_one_output(shape):
    """The targets of BCEWithLogitsLoss are floats of the outputs' shape."""

    class Score(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x).reshape(shape)

    torch.manual_seed(0)
    inputs = torch.linspace(-1, 1, 40)[:, None]
    data = TensorDataset(inputs, (inputs > 0).float().reshape(shape))
    client = TorchClient(Score(1, 1), data, torch.nn.BCEWithLogitsLoss(), epochs=40, metrics={"accuracy": accuracy})
    params = params_of(client)

    def learned(how):
        change = client.train(params, how).delta
        return client.evaluate(Params({name: params[name] + change[name] for name in params}, []), job).metrics["accuracy"]

    assert learned(job) > 0.9
    assert learned(contaminated("label-flip")) < 0.1


def test_metrics_are_means_over_samples():
    model = torch.nn.Identity()
    model.weight = torch.nn.Parameter(torch.zeros(1))
    outputs = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    data = TensorDataset(outputs, torch.tensor([0, 1, 1]))
    client = TorchClient(model, data, torch.nn.functional.cross_entropy, batch_size=2, metrics={"accuracy": accuracy})
    assert client.evaluate(params_of(client), job).metrics["accuracy"] == pytest.approx(2 / 3)


def test_training_stops_before_its_time_limit():
    model = torch.nn.Linear(1, 1)
    data = TensorDataset(torch.ones(10, 1), torch.ones(10, 1))
    client = TorchClient(model, data, mse, batch_size=1, epochs=5)
    short = Job("c01", 1, 4, 2, "train", 5, 6, {"limits": {"clientSeconds": 0}})
    assert client.train(params_of(client), short).metrics["steps"] == 1
    assert client.train(params_of(client), job).metrics["steps"] == 50


def cohort_client(model, index, loss=torch.nn.functional.cross_entropy, **options):
    draw = torch.Generator().manual_seed(index)
    count = 5 + 3 * index
    data = TensorDataset(torch.randn(count, 1, 6, 6, generator=draw), torch.randint(3, (count,), generator=draw))
    return TorchClient(model, data, loss, batch_size=4, epochs=2, **options)


def job_of(index, **more):
    return Job(f"c{index:02}", index, 4, 2, "train", 50 + index, 6, {"limits": {"clientSeconds": 30}}, **more)


def train_group(model, indices, **options):
    clients = [cohort_client(model, i, cohort=8, **options) for i in indices]
    return TorchClient.train_cohort(clients, [params_of(client) for client in clients], [job_of(i) for i in indices])


torch.manual_seed(1)  # how results are rounded depends on the weights
layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 8), torch.nn.ReLU(), torch.nn.LayerNorm(8), torch.nn.Linear(8, 3))


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: torch.optim.SGD(p, lr=0.1),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        lambda p: torch.optim.AdamW(p, lr=0.01),
    ],
)
def test_a_cohort_learns_what_its_clients_learn_one_by_one(optimizer):
    """The clients have 5 to 14 samples, so they take different numbers of steps."""
    together = train_group(layers, range(4), optimizer=optimizer)
    for index, update in enumerate(together):
        client = cohort_client(layers, index, optimizer=optimizer)
        alone = client.train(params_of(client), job_of(index))
        assert update.num_examples == alone.num_examples and update.metrics["steps"] == alone.metrics["steps"]
        assert update.metrics["loss"] == pytest.approx(alone.metrics["loss"], abs=1e-6)
        for name, change in alone.delta.items():
            assert np.abs(change).max() > 0.001
            assert np.abs(change - update.delta[name]).max() < 5e-6, name  # float32, eight steps


# With one output, PyTorch rounds the product of a single client differently.
one_output = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 300), torch.nn.ReLU(), torch.nn.Linear(300, 1))


def squared(outputs, targets):
    return (outputs[:, 0] - targets.float()).square().mean()


@pytest.mark.parametrize("model, loss", [(layers, torch.nn.functional.cross_entropy), (one_output, squared)])
def test_a_client_learns_the_same_in_any_cohort(model, loss):
    groups = [train_group(model, indices, loss=loss)[-1] for indices in ([2], [0, 2], [3, 1, 0, 2])]
    for other in groups[1:]:
        assert other.metrics == groups[0].metrics
        for name, change in groups[0].delta.items():
            assert np.array_equal(change, other.delta[name]), name


def test_a_contaminated_client_of_a_cohort_learns_other_targets():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    clients = [cohort_client(model, i, cohort=8) for i in (1, 2)]
    params = [params_of(client) for client in clients]
    jobs = [job_of(1, contamination=Contamination("label-flip", {}, Stream("1"), Stream("2"))), job_of(2)]
    flipped, clean = TorchClient.train_cohort(clients, params, jobs)
    alone = cohort_client(model, 1).train(params[0], jobs[0])
    assert np.abs(alone.delta["1.weight"] - flipped.delta["1.weight"]).max() < 1e-6
    assert np.abs(train_group(model, [1])[0].delta["1.weight"] - flipped.delta["1.weight"]).max() > 0.01
    assert np.array_equal(train_group(model, [2])[0].delta["1.weight"], clean.delta["1.weight"])


def test_what_cannot_be_trained_together_is_refused():
    with pytest.raises(ValueError, match=r"cohort: the model has BatchNorm1d \(layers.1\)"):
        net_client(Net(), cohort=8)
    with pytest.raises(ValueError, match="cohort: the model has Conv2d"):
        net_client(torch.nn.Conv2d(1, 1, 3), cohort=8)
    with pytest.raises(ValueError, match="cohort: expected an optimizer of SGD.*got LBFGS"):
        train_group(layers, [1], optimizer=lambda p: torch.optim.LBFGS(p))


def test_batches_are_the_same_from_tensors_and_from_a_loader():
    class Wrapped(torch.utils.data.Dataset):
        def __init__(self, data):
            self.data = data

        def __len__(self):
            return len(self.data)

        def __getitem__(self, index):
            return self.data[index]

    model = torch.nn.Linear(2, 3)
    data = TensorDataset(torch.randn(22, 2), torch.arange(22) % 3)
    subset = torch.utils.data.Subset(data, range(3, 20))
    quick, slow = (
        TorchClient(model, given, torch.nn.functional.cross_entropy, batch_size=4, epochs=2) for given in (subset, Wrapped(subset))
    )
    for how in (job, contaminated("label-noise", probability=0.5)):
        params = params_of(quick)
        assert np.array_equal(quick.train(params, how).delta["weight"], slow.train(params, how).delta["weight"])
    assert quick.evaluate(params, job).metrics == slow.evaluate(params, job).metrics


def test_the_compiler_is_loaded_when_something_compiles_and_not_before():
    code = """
import sys, torch
from fedclair_host.torch_start import defer_compiler
defer_compiler()
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
def step(forward):
    optimizer.zero_grad()
    forward(torch.ones(1, 2)).sum().backward()
    optimizer.step()
before = model.bias.item()
step(model)
assert abs(before - model.bias.item() - 0.5) < 1e-6
assert "torch._dynamo.eval_frame" not in sys.modules
step(torch.compile(model, backend="eager"))
assert "torch._dynamo.eval_frame" in sys.modules
assert abs(before - model.bias.item() - 1.45) < 1e-6
print(torch._dynamo.config.verbose)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("cohort", [1, 2])
@pytest.mark.parametrize("dtype, code", [(torch.bfloat16, 3), (torch.float16, 5)])
def test_sixteen_bits_are_sent_as_such(dtype, code, cohort):
    model = torch.nn.Linear(1, 1, bias=False).to(dtype)
    data = TensorDataset(torch.tensor([[3.0]], dtype=dtype), torch.tensor([[0.0]], dtype=dtype))
    client = TorchClient(model, data, mse, optimizer=lambda p: torch.optim.SGD(p, lr=0.01), cohort=cohort)
    params = Params({"weight": np.float32([[2.0001]])}, [])  # the mean of a round, which has more digits
    update = run_client("train", client, params, job)
    for delta in (client.initial(job), update.delta):
        sent = decode(HostMessage, encode_update(1, "c", Update(1, delta))).client_update.delta.modules[0].dense
        assert sent.dtype == code and len(sent.data) == 2
    # From 2, the start in this type, to the nearest number to 1.64.
    assert to_array(sent)[0, 0] == float(torch.tensor(1.64, dtype=dtype)) - 2


def test_the_check_of_devices_prints_what_it_found(capsys, monkeypatch):
    monkeypatch.setattr("fedclair_host.device._chosen", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_devices()
    title, _, *rows = capsys.readouterr().out.splitlines()
    assert title.endswith("finds 0 GPUs: only the CPU is checked")
    assert [row.split()[:3] + row.split()[4:5] for row in rows] == [
        ["cpu", "float32", "814120", "yes"],
        ["cpu", "bfloat16", "407060", "yes"],
        ["cpu", "float16", "407060", "yes"],
    ]


def test_other_number_types_are_rejected():
    model = torch.nn.Linear(1, 1).to(torch.float8_e4m3fn)
    with pytest.raises(ValueError, match="bfloat16 or float16, got torch.float8_e4m3fn"):
        TorchClient(model, [], mse).initial(job)
    model.weight = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.complex64))
    with pytest.raises(ValueError, match="complex64: .*view_as_real"):
        TorchClient(torch.nn.Sequential(model), [], mse).initial(job)


def contaminated(kind, **options):
    contamination = Contamination(kind, options, Stream("1"), Stream("2"))
    return Job("c01", 1, 4, 2, "train", 5, 6, {}, contamination)


def test_a_contaminated_dataset_has_other_targets_or_a_trigger():
    images = torch.zeros(40, 1, 4, 4)
    dataset = TensorDataset(images, torch.arange(40) % 4)
    flipped = ContaminatedDataset(dataset, 4, contaminated("label-flip"))
    assert [int(target) for _, target in flipped] == [3 - i % 4 for i in range(40)]
    planted = ContaminatedDataset(dataset, 4, contaminated("image-trigger", target=0, size=1, value=9.0, fraction=1))
    assert all(float(image[0, 3, 3]) == 9 and int(target) == 0 for image, target in planted)
    assert not images.any()
    for targets in (torch.tensor([0.0, 2.5]), torch.tensor([0, 4]), torch.tensor([-1, 0])):
        with pytest.raises(ValueError, match="expected targets that are classes from 0 to 3, got (2.5|4|-1): set classes"):
            ContaminatedDataset(TensorDataset(torch.zeros(2, 1), targets), 4, contaminated("label-flip"))


def test_a_contaminated_client_learns_other_targets_and_is_evaluated_on_its_own():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 3)
    data = TensorDataset(torch.eye(3).repeat(20, 1), torch.arange(3).repeat(20))
    client = TorchClient(model, data, torch.nn.functional.cross_entropy, epochs=30, metrics={"accuracy": accuracy})
    params = params_of(client)

    def learned(how):
        change = client.train(params, how).delta
        trained = Params({name: params[name] + change[name] for name in params}, [])
        return client.evaluate(trained, how).metrics["accuracy"]

    assert learned(job) == 1
    assert learned(contaminated("target-shift", shift=1)) == 0
    with pytest.raises(ValueError, match="of 3 classes as they are"):
        client.train(params, contaminated("target-shift", shift=3))


@pytest.mark.parametrize(
    "outputs, targets, classes",
    [
        ((4,), (), 4),
        ((4, 6), (6,), 4),  # as cross_entropy needs them
        ((6, 4), (6,), 4),  # as language models have them
        ((4, 2, 3), (2, 3), 4),
        ((1,), (), 2),
        ((5,), (5,), 2),  # five questions with yes or no
    ],
)
def test_classes_are_counted_along_the_axis_that_targets_lack(outputs, targets, classes):
    model = torch.nn.Sequential(torch.nn.Linear(1, int(np.prod(outputs))), torch.nn.Unflatten(1, outputs))
    given = torch.ones(3, *targets)
    client = TorchClient(model, TensorDataset(torch.zeros(3, 1), given), mse)
    flipped = ContaminatedDataset(client._data, client._count_classes(), contaminated("label-flip"))
    assert torch.equal(flipped.tensors()[1], given * (classes - 2))


def test_accuracy_compares_classes_along_the_axis_that_targets_lack():
    targets = torch.tensor([[0, 1, 2], [2, 2, 0]])
    outputs = torch.nn.functional.one_hot(torch.tensor([[0, 1, 1], [2, 2, 0]]), 4).float()
    assert accuracy(outputs, targets) == accuracy(outputs.transpose(1, 2), targets) == pytest.approx(5 / 6)
    assert accuracy(torch.tensor([[2.0, -1.0], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])) == 0.75
