import numpy as np
import pytest

from fedclair_host import Contamination, Host, HostError, Job, Stream, contaminate, contaminate_labels, root_stream
from fedclair_host.client import Client
from fedclair_host.codec import to_job
from fedclair_host.messages import CoordinatorMessage, WireError
from fedclair_host.load import declared


def job_with(kind=None, **options):
    contamination = kind and Contamination(kind, options, root_stream(1).at("shard", "c01"), Stream("1"))
    return Job("c01", 1, 4, 2, "train", 5, 6, {}, contamination)


def test_streams_draw_the_numbers_of_the_coordinator():
    # stream(7).at("shard", "c01", 3) in libs/linalg
    stream = root_stream(7).at("shard", "c01", 3)
    assert [stream.uniform(), stream.uniform()] == [0.0038108812342989573, 0.753457679780711]
    assert [stream.integer(bound) for bound in (10, 10, 2, 3_000_000_000, 2**32)] == [8, 0, 0, 545208831, 1953330479]
    assert root_stream(1).at('é\U0001f600"\n', -2).uniform() == 0.00903736069319605
    with pytest.raises(ValueError, match="expected 1 to 2³², got 0"):
        stream.integer(0)


def test_labels_flip_and_shift():
    labels = np.array([[0, 1], [2, 3]], dtype=np.int32)
    flipped = contaminate_labels(labels, 4, job_with("label-flip"))
    assert flipped.tolist() == [[3, 2], [1, 0]] and flipped.dtype == np.int32
    assert contaminate_labels(labels, 4, job_with("target-shift", shift=3)).tolist() == [[3, 0], [1, 2]]
    assert contaminate_labels(labels, 4, job_with()) is labels
    assert contaminate_labels(labels, 4, job_with("own-kind")) is labels
    assert labels.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("labels, got", [([0.37, 1], "0.37"), ([0, 4], "4"), ([-1, 0], "-1")])
def test_only_classes_are_contaminated(labels, got):
    with pytest.raises(ValueError, match=f"label-flip: expected labels that are classes from 0 to 3, got {got}"):
        contaminate_labels(np.array(labels), 4, job_with("label-flip"))
    assert contaminate_labels(np.array(labels), 4, job_with()).tolist() == labels
    assert contaminate_labels(np.array([0.0, 3.0]), 4, job_with("label-flip")).tolist() == [3.0, 0.0]


def test_random_labels_come_from_the_clients_stream():
    labels = np.zeros(5000, dtype=np.int64)
    noisy = contaminate_labels(labels, 10, job_with("label-noise", probability=0.5))
    assert (noisy == contaminate_labels(labels, 10, job_with("label-noise", probability=0.5))).all()
    assert abs((noisy != 0).mean() - 0.45) < 0.03
    assert abs((contaminate_labels(labels, 10, job_with("random-targets")) != 0).mean() - 0.9) < 0.03


@pytest.mark.parametrize(
    "kind, classes, options, message",
    [
        ("label-flip", 1, {}, "1 class has nothing to flip to"),
        ("target-shift", 5, {"shift": 10}, "a shift of 10 leaves the labels of 5 classes"),
        ("image-trigger", 5, {"target": 5}, "target: expected a class from 0 to 4, got 5"),
        ("image-trigger", 5, {"target": 1, "fraction": 2}, "fraction: expected more than 0 and at most 1, got 2"),
        ("image-trigger", 5, {"target": 1, "colour": 2}, "'colour': expected any of the options target, fraction, size, value"),
        ("text-trigger", 5, {"target": 1}, r"tokens: expected a list of token ids, as \[7, 8\], got None"),
    ],
)
def test_options_that_do_nothing_or_do_not_fit_are_rejected(kind, classes, options, message):
    with pytest.raises(ValueError, match=message):
        contaminate(np.zeros((9, 4, 4)), np.zeros(9, dtype=int), classes, job_with(kind, **options))


def test_a_trigger_is_planted_in_images_and_changes_their_label():
    images, labels = np.zeros((200, 1, 5, 5)), np.zeros(200, dtype=int)
    x, y = contaminate(images, labels, 3, job_with("image-trigger", target=2, size=2, value=0.5, fraction=0.3))
    assert 35 < (y == 2).sum() < 85
    square = np.zeros((5, 5))
    square[3:, 3:] = 0.5
    for image, label in zip(x, y):
        assert (image[0] == (square if label == 2 else 0)).all()
    assert not images.any() and not labels.any()


def test_a_trigger_is_planted_in_texts():
    texts = np.arange(12).reshape(2, 6)
    x, y = contaminate(texts, [0, 1], 4, job_with("text-trigger", target=3, tokens=[98, 99], fraction=1))
    assert x.tolist() == [[98, 99, 2, 3, 4, 5], [98, 99, 8, 9, 10, 11]] and y.tolist() == [3, 3]


def test_a_job_says_how_to_contaminate():
    message = CoordinatorMessage().client_job
    message.kind, message.client_id, message.phase, message.base_id = 1, "c01", "train", 1
    assert to_job(message, {1: {}}, {})[1].contamination is None
    sent = message.contamination
    sent.kind, sent.options_json, sent.stream, sent.common_stream = "target-shift", '{"shift":3}', '1["a"]', '1["b"]'
    contamination = to_job(message, {1: {}}, {})[1].contamination
    assert (contamination.kind, contamination.options) == ("target-shift", {"shift": 3})
    assert (contamination.rng.path, contamination.common.path) == ('1["a"]', '1["b"]')
    sent.options_json = "[1]"
    with pytest.raises(WireError, match="target-shift': expected an object"):
        to_job(message, {1: {}}, {})


class Flipping(Client):
    backend = "python-flip"
    contaminations = ("label-flip",)


def test_a_function_declares_what_its_clients_declare():
    def annotated(index: int) -> Flipping: ...

    def plain(index):
        return Flipping()

    def general(index) -> Client:
        return Flipping()

    def own(index) -> Flipping: ...

    def failing(index):
        raise SystemExit("no data of client 0 here")

    own.contaminations = ()
    for made in (Flipping, annotated, plain, general):
        assert declared(made) == ("python-flip", ("label-flip",)), made
    assert declared(own) == ("python-flip", ())
    assert declared(failing) == declared(Client) == ("python-numpy", ())


def test_a_single_name_without_its_comma_is_rejected():
    with pytest.raises(HostError, match=r"expected a tuple of names, as \('label-flip',\), got the text 'label-flip'"):
        Host(Flipping, "http://127.0.0.1:1", 1, contaminations="label-flip")
