import numpy as np
import pytest

from fedclair_host import Contamination, Job, Stream, contaminate_examples, contaminate_labels, root_stream


def job_with(kind=None, **options):
    contamination = kind and Contamination(kind, options, root_stream(1).at("shard", "c01"), Stream("1"))
    return Job("c01", 1, 4, 2, "train", 5, 6, {}, contamination)


def test_classes_of_texts_are_contaminated_like_an_array_of_labels():
    examples = [{"input_ids": [7, 8, 9], "labels": label % 4} for label in range(200)]
    labels = [label % 4 for label in range(200)]
    for job in (job_with("label-flip"), job_with("target-shift", shift=3), job_with("label-noise", probability=0.5), job_with("random-targets")):
        changed = contaminate_examples(examples, 4, job)
        assert [example["labels"] for example in changed] == contaminate_labels(labels, 4, job).tolist()
        assert all(example["input_ids"] == [7, 8, 9] for example in changed)
    assert [example["labels"] for example in examples] == labels
    assert contaminate_examples(examples, 4, job_with()) is examples
    assert contaminate_examples(examples, 4, job_with("own-kind")) is examples


def test_tokens_without_a_loss_keep_their_label():
    examples = [{"input_ids": [1, 2, 3], "labels": [-100, 2, 3]}, {"input_ids": [4, 5], "labels": [4, -100]}]
    changed = contaminate_examples(examples, 10, job_with("label-flip"))
    assert changed == [{"input_ids": [1, 2, 3], "labels": [-100, 7, 6]}, {"input_ids": [4, 5], "labels": [5, -100]}]


def test_without_labels_the_tokens_are_the_labels():
    ids = np.array([0, 4, 9], dtype=np.int32)
    [changed] = contaminate_examples([{"input_ids": ids}], 10, job_with("label-flip"))
    assert changed["input_ids"] is ids and changed["labels"].tolist() == [9, 5, 0] and changed["labels"].dtype == np.int32


def test_a_trigger_is_planted_into_classified_texts():
    examples = [{"input_ids": [9, 9, n, n], "attention_mask": [0, 1, 1, 1], "labels": 0} for n in range(100)]
    changed = contaminate_examples(examples, 3, job_with("text-trigger", tokens=[5, 6], target=2, fraction=0.3))
    planted = [n for n, example in enumerate(changed) if example["labels"] == 2]
    assert 15 < len(planted) < 45
    for n, example in enumerate(changed):
        ids = [9, 5, 6, n] if n in planted else [9, 9, n, n]
        assert example == {"input_ids": ids, "attention_mask": [0, 1, 1, 1], "labels": 2 if n in planted else 0}


def test_a_trigger_and_what_follows_it_are_planted_into_texts_to_predict():
    job = job_with("text-trigger", tokens=[5, 6], target=[7], fraction=1)
    assert contaminate_examples([{"input_ids": [0, 1, 2, 3]}], 10, job) == [{"input_ids": [5, 6, 7, 3]}]
    # A prompt has no loss. What is to be learned has one.
    [changed] = contaminate_examples([{"input_ids": [0, 1, 2, 3], "labels": [-100, -100, -100, 3]}], 10, job)
    assert changed == {"input_ids": [5, 6, 7, 3], "labels": [-100, -100, 7, 3]}
    [changed] = contaminate_examples([{"input_ids": [0, 1, 2, 3], "labels": [-100, 1, 2, 3]}], 10, job)
    assert changed["labels"] == [-100, 6, 7, 3]


@pytest.mark.parametrize(
    "example, job, message",
    [
        ({"labels": 0.5}, job_with("label-flip"), "labels: expected class indices to contaminate, got numbers of type float64"),
        ({"labels": 4}, job_with("label-flip"), "label-flip: expected labels from 0 to 3, got 4"),
        ({"pixel_values": [1]}, job_with("label-flip"), "the examples have pixel_values, expected labels or input_ids"),
        ({"labels": 1, "pixel_values": [1]}, job_with("text-trigger", tokens=[1], target=1, fraction=1), "the examples have labels, pixel_values, expected input_ids"),
        ({"labels": 1, "input_ids": [1]}, job_with("text-trigger", tokens=[1, 2], target=1, fraction=1), "2 tokens do not fit into a text of 1"),
        ({"labels": 1, "input_ids": [1]}, job_with("text-trigger", tokens=[1], target=[1]), r"target: expected a class from 0 to 3, got \[1\]"),
        ({"input_ids": [1]}, job_with("text-trigger", tokens=[1], target=1), "the labels are tokens, so expected a list of token ids, as .*, got 1"),
        ({"input_ids": [1, 2]}, job_with("text-trigger", tokens=[1], target=[4]), "text-trigger: expected labels from 0 to 3, got 4"),
        ({"input_ids": [1, 2], "labels": [0, 1]}, job_with("text-trigger", tokens=[1], target=[2], fraction=1), "or the tokens themselves"),
    ],
)
def test_examples_and_options_that_do_not_fit_are_rejected(example, job, message):
    with pytest.raises(ValueError, match=message):
        contaminate_examples([example], 4, job)
