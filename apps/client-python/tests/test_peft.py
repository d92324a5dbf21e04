"""These tests need the extra `peft`: npm run test:python -- peft."""

import numpy as np
import pytest

from fedclair_host import Contamination, Job, Params, Stream, contaminate_examples, root_stream
from fedclair_host.client import LowRank, dense
from fedclair_host.load import declared

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

from fedclair_host.peft import PeftClient  # noqa: E402

SYMBOLS, LENGTH = 16, 8


def bert(**lora):
    config = transformers.BertConfig(
        vocab_size=SYMBOLS, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, num_labels=3
    )
    config.max_position_embeddings = LENGTH
    torch.manual_seed(0)
    lora = {"task_type": "SEQ_CLS", "r": 4, "target_modules": ["query", "value"], **lora}
    return peft.get_peft_model(transformers.BertForSequenceClassification(config), peft.LoraConfig(**lora))


def gpt2(**lora):
    config = transformers.GPT2Config(vocab_size=SYMBOLS, n_positions=LENGTH, n_embd=32, n_layer=2, n_head=2)
    torch.manual_seed(0)
    lora = {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn"], "fan_in_fan_out": True, **lora}
    return peft.get_peft_model(transformers.GPT2LMHeadModel(config), peft.LoraConfig(**lora))


def data(index, model):
    rng = np.random.default_rng(index)
    texts = rng.integers(SYMBOLS, size=(12, LENGTH))
    labels = rng.integers(3, size=12) if "Bert" in type(model.get_base_model()).__name__ else texts
    return [{"input_ids": x, "labels": y} for x, y in zip(texts, labels)]


def client(model, index):
    of_client = data(index, model)
    return PeftClient(model, of_client, held_out=of_client, steps=4, batch_size=4, learning_rate=1e-2)


def job(index=0, modules="from-first-host"):
    return Job(f"c{index:02}", index, 2, 1, "train", 5 + index, 6, {"task": {"modules": modules}})


def initial_params(model):
    """Returns the params of a trial that starts from this model's client."""
    initial = client(model, 0).initial(job())
    return Params({name: dense(change).astype(np.float32) for name, change in initial.items()}, [])


def numbers(delta):
    return {name: dense(change) for name, change in delta.items()}


make_models = {
    "a head in modules_to_save": (bert, "classifier.weight"),
    "biases": (lambda: bert(bias="all"), "bert.encoder.layer.0.attention.self.query.bias"),
    "DoRA": (lambda: bert(use_dora=True), "bert.encoder.layer.1.attention.self.value.lora_magnitude_vector.default.weight"),
    "an embedding": (
        lambda: bert(target_modules=["query", "word_embeddings"]),
        "bert.embeddings.word_embeddings.lora_embedding_A.default",
    ),
    "Conv1D": (gpt2, None),
}


@pytest.mark.parametrize("make, dense_name", make_models.values(), ids=make_models)
def test_everything_trained_is_sent_and_the_model_is_reset(make, dense_name):
    model = make()
    params = initial_params(model)
    first = client(model, 0).train(params, job(0)).delta
    assert list(first) == list(params)
    assert all(dense(change).shape == params[name].shape for name, change in first.items())
    if dense_name is not None:
        assert not isinstance(first[dense_name], LowRank) and np.abs(first[dense_name]).max() > 1e-3

    # The trained model and the params plus the change have the same loss.
    model.eval()
    of_client = client(model, 0)
    with torch.no_grad():
        trained = float(of_client._loss(model, of_client._held_out))
    updated = Params(params.base, [[numbers(first)]])
    assert of_client.evaluate(updated, job(0)).metrics["loss"] == pytest.approx(trained, abs=1e-5)
    assert of_client.evaluate(params, job(0)).metrics["loss"] != pytest.approx(trained, abs=1e-3)

    # The next client of this host starts from the same model as in a host of its own.
    second, alone = client(model, 1).train(params, job(1)), client(make(), 1).train(params, job(1))
    assert second.metrics == alone.metrics
    for name, change in numbers(alone.delta).items():
        np.testing.assert_array_equal(numbers(second.delta)[name], change)


def test_a_host_with_a_different_head_takes_the_first_hosts_head():
    params = initial_params(bert())
    other = bert()
    with torch.no_grad():
        other.get_base_model().classifier.modules_to_save["default"].weight.mul_(-3)
    expected, got = (client(model, 1).train(params, job(1)).metrics for model in (bert(), other))
    assert got == expected


def test_buffers_are_restored():
    model = bert()
    model.register_buffer("mean", torch.zeros(1))
    shared = client(model, 0)._shared
    model.mean.add_(1)
    shared.start(initial_params(model), job())
    assert float(model.mean) == 0


def test_dense_modules_that_start_as_zeros_are_rejected():
    model = bert()
    with pytest.raises(ValueError, match=r"trains classifier\.weight, classifier\.bias beside its LoRA pairs.*from-first-host.*modules_to_save=None"):
        client(model, 0).train(initial_params(model), job(0, {"classifier.weight": {"shape": [3, 16]}}))


def test_a_trainable_weight_under_its_own_adapter_is_rejected():
    model = bert()
    name = "base_model.model.bert.encoder.layer.0.attention.self.query.base_layer.weight"
    model.get_parameter(name).requires_grad = True
    with pytest.raises(ValueError, match=f"^{name} is trained beside its own adapter"):
        client(model, 0)


def test_a_tied_weight_under_an_adapter_is_rejected():
    with pytest.raises(ValueError, match=r"wte\.weight, under an adapter, is .*lm_head\..*weight too: .*tie_word_embeddings=False"):
        client(gpt2(target_modules=["lm_head"], fan_in_fan_out=False), 0)


def contaminated(kind, **options):
    contamination = Contamination(kind, options, root_stream(1).at("shard", "c00"), Stream("1"))
    return Job("c00", 0, 2, 1, "train", 5, 6, {"task": {"modules": "from-first-host"}}, contamination)


attacks = {
    "classes": (bert, 3, contaminated("label-flip")),
    "a trigger in classified texts": (bert, 3, contaminated("text-trigger", tokens=[1, 2], target=2)),
    "tokens": (gpt2, SYMBOLS, contaminated("random-targets")),
    "a trigger in texts to predict": (gpt2, SYMBOLS, contaminated("text-trigger", tokens=[1, 2], target=[3, 4])),
}


@pytest.mark.parametrize("make, classes, job", attacks.values(), ids=attacks)
def test_contaminated_clients_train_on_contaminated_examples(make, classes, job):
    model = make()
    params = initial_params(model)
    own = data(0, model)
    changed = contaminate_examples(own, classes, job)
    clean = Job(**{**vars(job), "contamination": None})
    trained = client(model, 0).train(params, job)
    expected = PeftClient(model, changed, steps=4, batch_size=4, learning_rate=1e-2).train(params, clean)
    assert trained.metrics == expected.metrics
    for name, change in numbers(expected.delta).items():
        np.testing.assert_array_equal(numbers(trained.delta)[name], change)
    assert trained.metrics != client(model, 0).train(params, clean).metrics
    # Evaluations are of clean data: a job of an evaluation has no contamination.
    assert client(model, 0).evaluate(params, clean).num_examples == len(own)


def test_clients_declare_the_attacks_on_texts():
    def make_client(index: int) -> PeftClient: ...

    assert declared(make_client)[1] == ("label-flip", "label-noise", "random-targets", "target-shift", "text-trigger")


def trainer_in(folder, **options):
    """A Trainer that takes three steps, without anything that it would print or store."""

    def make(model, examples, job):
        arguments = transformers.TrainingArguments(
            output_dir=folder, max_steps=3, per_device_train_batch_size=4, learning_rate=1e-2, seed=job.seed, use_cpu=True,
            report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True, bf16=options.get("bf16", False),
        )  # fmt: skip
        more = {name: value for name, value in options.items() if name != "bf16"}
        return transformers.Trainer(model=model, args=arguments, train_dataset=examples, **more)

    return make


@pytest.mark.parametrize("make, bf16", [(bert, False), (gpt2, False), (gpt2, True)])
def test_a_trainer_takes_the_place_of_the_steps(make, bf16, tmp_path):
    model = make()
    own = data(0, model)
    unlabelled = [{"input_ids": example["input_ids"]} for example in own] if make is gpt2 else own

    def trained(job, examples=unlabelled):
        return PeftClient(model, examples, trainer=trainer_in(tmp_path, bf16=bf16)).train(initial_params(model), job)

    first = trained(job())
    assert first.num_examples == 12 and first.metrics["loss"] > 0
    trained(job(1))
    again = trained(job())
    assert first.metrics == again.metrics
    assert list(first.delta) == list(initial_params(model))
    for name, change in numbers(first.delta).items():
        assert np.abs(change).max() > 0 and np.array_equal(change, numbers(again.delta)[name]), name
    assert "forward" not in vars(model)
    attack = contaminated("label-flip")
    changed = contaminate_examples(own, SYMBOLS if make is gpt2 else 3, attack)
    clean = Job(**{**vars(attack), "contamination": None})
    assert trained(attack).metrics == trained(clean, changed).metrics != trained(clean).metrics


def test_a_trainer_whose_collator_would_undo_an_attack_is_rejected(tmp_path):
    model = gpt2()

    def collate(examples):
        ids = torch.stack([torch.as_tensor(example["input_ids"]) for example in examples])
        return {"input_ids": ids, "labels": ids}

    texts = PeftClient(model, data(0, model), trainer=trainer_in(tmp_path, data_collator=collate))
    assert texts.train(initial_params(model), job()).num_examples == 12
    with pytest.raises(ValueError, match="collate: it does not keep the contaminated labels of the examples"):
        texts.train(initial_params(model), contaminated("label-flip"))


def test_a_collate_function_that_would_undo_an_attack_is_rejected():
    model = gpt2()
    params = initial_params(model)

    def collate(examples):
        ids = torch.stack([torch.as_tensor(example["input_ids"]) for example in examples])
        return {"input_ids": ids, "labels": ids}

    texts = PeftClient(model, data(0, model), steps=1, collate=collate)
    with pytest.raises(ValueError, match="collate: it does not keep the contaminated labels of the examples"):
        texts.train(params, contaminated("label-flip"))
    texts.train(params, contaminated("text-trigger", tokens=[1], target=[2], fraction=1))
