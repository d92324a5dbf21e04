from argparse import ArgumentTypeError
import asyncio
import json
import ssl
import subprocess
import sys
import time

import numpy as np
import pytest

from fedclair_host import Bfloat16, Job, LowRank, Params, Update
from fedclair_host.client import Client
from fedclair_host.codec import encode_update, run_client, to_array, to_job
from fedclair_host.messages import CoordinatorMessage, Frame, HostMessage, Tensor, WireError, decode, encode_failure
from fedclair_host.command import main
from fedclair_host.device import DeviceMissing, choose_device, peak_memory, read_choice, to_device
from fedclair_host.channel import ANSWER, MESSAGE, TRIAL, answer_id
from fedclair_host.peer import Assembler
from fedclair_host.runner import ClientRunner
from fedclair_host.host import Host, HostError
from fedclair_host.text import printable
from fedclair_host.time_limit import TimeLimit, TimeLimitExceeded
from fedclair_host.tls import is_loopback, no_connection, tls_context, tls_fault

job = Job("c01", 1, 4, 2, "train", 5, 6, {})


def test_join_matches_the_example_in_the_documentation():
    join = {"protocol_version": 2, "capacity": 2, "backends": ["wasm"], "software_version": "0.1.0"}
    message = HostMessage(join=join).SerializeToString()
    assert message.hex() == "0a110802180222047761736d2a05302e312e30"


def test_params_are_summed_in_float64_and_rounded_each_round():
    base = {"w": np.array([1.0, 1.0], np.float32)}
    tiny = np.array([2.0**-25, 0.0])
    params = Params(base, [[{"w": tiny}, {"w": tiny}], [{"w": tiny}]])
    assert params["w"].dtype == np.float32
    # Two halves of the last place round to even, which is no change.
    assert params["w"].tolist() == [1.0, 1.0]
    three = Params(base, [[{"w": tiny}, {"w": tiny}, {"w": tiny}]])
    assert three["w"].tolist() == [1.0 + 2.0**-23, 1.0]
    with pytest.raises(ValueError):
        params["w"][0] = 3


def test_pairs_are_multiplied_out():
    base = {"m": np.zeros((2, 3))}
    pair = LowRank(np.array([[1.0], [2.0]]), np.array([[3.0, 4.0, 5.0]]))
    assert Params(base, [[{"m": pair}]])["m"].tolist() == [[3, 4, 5], [6, 8, 10]]
    assert list(Params(base, [])) == ["m"] and len(Params(base, [])) == 1


@pytest.mark.parametrize(
    "value, dtype, data",
    [
        (np.float32([1.5]), 1, np.float32([1.5])),
        (np.float64([0.1]), 2, np.float64([0.1])),
        (np.float16([0.5]), 5, np.float16([0.5])),
        (np.int64([2**40]), 2, np.float64([2**40])),
        (np.array([True]), 1, np.float32([1])),
        (np.array([[1.0, 2.0], [3.0, 4.0]]).T, 2, np.array([1.0, 3.0, 2.0, 4.0])),
        (np.array(7.0, ">f8"), 2, np.float64(7.0)),
    ],
)
def test_arrays_are_sent_in_a_format_that_holds_them(value, dtype, data):
    sent = decode(HostMessage, encode_update(1, "c", Update(1, {"w": value}))).client_update
    tensor = sent.delta.modules[0].dense
    assert tensor.dtype == dtype and tensor.data == data.tobytes()
    assert to_array(tensor).shape == value.shape


def test_bfloat16_takes_two_bytes_and_is_read_as_float32():
    sent = decode(HostMessage, encode_update(1, "c", Update(1, {"w": Bfloat16(np.array([[0x3FC0], [0xC000]], "u2"))}))).client_update
    tensor = sent.delta.modules[0].dense
    assert tensor.dtype == 3 and len(tensor.data) == 4
    assert np.array_equal(to_array(tensor), np.float32([[1.5], [-2]]))


@pytest.mark.parametrize(
    "update, message",
    [
        (Update(1, {"w": np.array(["text"])}), r"module 'w': expected an array of numbers, got ndarray of <U4"),
        (Update(1, {"w": np.array([1j])}), r"module 'w': expected an array of numbers, got ndarray of complex128"),
        (Update(1, {"w": None}), r"module 'w': expected an array of numbers, got NoneType of object"),
        (Update(0.5, {}), r"num_examples: expected an integer in 0 … 2³²-1, got 0\.5"),
        (Update(2**32, {}), r"num_examples: .*, got 4294967296"),
        (Update({"w": np.zeros(2)}, 5), r"delta is int, expected a dict by name: Update\(num_examples, delta, metrics\)"),
        (Update({"w": np.zeros(2)}), r"num_examples is dict, expected an integer .*: Update\(num_examples, delta, metrics\)"),
        (Update(1, metrics=[0.5]), r"metrics is list, expected a dict by name"),
        (Update(1, metrics={"loss": "low"}), r"metric 'loss': expected a number, got str 'low'"),
        (Update(1, {"w": LowRank(np.zeros((3, 2)), np.zeros((1, 2)))}), r"module 'w': LowRank has b of 3×2 and a of 1×2, which do not"),
        (Update(1, {"w": (np.zeros((3, 2)), np.zeros(2))}), r"LowRank has b of 3×2 and a of 2, which do not multiply: expected p×r and r×q"),
        (Update(1, {"w": (np.zeros(3),)}), r"module 'w': got a tuple of 1, expected an array, or LowRank\(b, a\)"),
    ],
)
def test_updates_that_cannot_be_encoded_raise(update, message):
    with pytest.raises((WireError, TypeError), match=message):
        encode_update(1, "c", update)


def test_clients_that_return_something_else_raise():
    class Wrong(Client):
        def initial(self, job):
            return None

        def train(self, params, job):
            return {}

    with pytest.raises(TypeError, match="train\\(\\) returned dict, expected an Update"):
        run_client("train", Wrong(), Params({}, []), job)
    with pytest.raises(TypeError, match="initial\\(\\) returned NoneType, expected arrays by module"):
        run_client("initial", Wrong(), Params({}, []), job)


def test_inconsistent_tensors_raise():
    with pytest.raises(WireError, match="dtype 4: expected"):
        to_array(Tensor(shape=[1], dtype=4, data=bytes(4)))
    with pytest.raises(WireError, match="4 bytes for a tensor of 4294967295×4294967295"):
        to_array(Tensor(shape=[2**32 - 1, 2**32 - 1], dtype=1, data=bytes(4)))


def test_a_job_has_what_its_client_needs():
    sent = CoordinatorMessage(
        client_job={"id": 3, "client_id": "c02", "round": 7, "phase": "p", "kind": 3, "base_id": 1}
    ).client_job
    sent.client_index, sent.client_count, sent.seed, sent.common_seed = 2, 9, 2**32 - 1, 4
    kind, decoded, _ = to_job(sent, {1: {}}, {"seed": 11})
    assert kind == "initial"
    assert decoded == Job("c02", 2, 9, 7, "p", 2**32 - 1, 4, {"seed": 11})


def test_failure_messages_are_truncated():
    sent = decode(HostMessage, encode_failure(1, "c", "CLIENT_ERROR", "東" * 100_000)).client_failed
    assert len(sent.failure.message.encode()) <= 1024 and sent.failure.code == 12


def test_frames_are_joined_into_messages():
    frame = lambda offset, payload, total=5: Frame(transfer=1, offset=offset, total=total, payload=payload).SerializeToString()
    joined = Assembler()
    assert joined.accept(frame(0, b"abc")) is None
    assert joined.accept(frame(3, b"de")) == b"abcde"
    assert joined.accept(frame(0, b"", 0)) == b""
    for wrong in [frame(3, b"de"), frame(0, b""), frame(0, b"abcdef"), b"\xff", None]:
        with pytest.raises(WireError):
            joined.accept(wrong)


def test_text_is_printed_on_one_line():
    assert printable("a\nb\x1b[31m\u202e", 100) == "a\\nb\\x1b[31m\\u202e"
    assert printable("x" * 100, 10) == "x" * 9 + "…"


def test_a_client_is_interrupted_at_its_time_limit():
    started = time.monotonic()
    with pytest.raises(TimeLimitExceeded):
        with TimeLimit(0.05):
            try:
                time.sleep(30)
            except Exception:
                pass
    assert time.monotonic() - started < 10
    with TimeLimit(30):
        pass


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["x:y", "--coordinator", "ftp://a", "--capacity", "1"], "expected an address as http"),
        (["x:y", "--coordinator", "http://a", "--capacity", "-1"], "expected a whole number from 1 on"),
    ],
)
def test_bad_options_are_rejected(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and message in capsys.readouterr().err


def test_a_host_that_waits_for_its_parent_can_fork():
    code = """
import multiprocessing
from fedclair_host.command import _address_of_parent

_address_of_parent()
worker = multiprocessing.get_context("fork").Process(target=int)
worker.start()
worker.join(20)
print(worker.exitcode, flush=True)
worker.kill()
"""
    host = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert host.stdin is not None and host.stdout is not None
    host.stdin.write("http://127.0.0.1:9\n")
    host.stdin.flush()
    assert host.stdout.read() == "0\n"
    host.communicate()


def test_modules_that_cannot_be_loaded_end_with_exit_code_2(caplog):
    for name in ["json", "json:nothing", "no_such_module:x", "os:sep"]:
        assert main([name, "--coordinator", "http://127.0.0.1:9", "--capacity", "1"]) == 2


def test_a_host_that_is_never_welcome_gives_up():
    host = Host(lambda index: None, "http://127.0.0.1:1", 1, patience_seconds=0.5)
    host._until_disconnected = lambda: asyncio.sleep(0)
    with pytest.raises(HostError, match="no coordinator at .* for 0.5 s \\(the connection broke\\)"):
        asyncio.run(asyncio.wait_for(host._keep_connected(), 5))


def test_tls_verifies_and_requires_version_1_2():
    context = tls_context()
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_only_tls_failures_are_not_retried():
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_message = "self-signed certificate\n"
    untrusted.verify_code = 18  # ssl sets both, Python's constructor neither
    outer = ConnectionError("Connection error")
    outer.__context__ = untrusted
    fault = tls_fault(outer)
    assert fault is not None and "(self-signed certificate\\n): give" in fault
    plain = ssl.SSLError(1, "x")
    plain.reason = "WRONG_VERSION_NUMBER"
    assert tls_fault(plain) == "no TLS with it (wrong version number): does it expect http://?"
    assert tls_fault(ConnectionResetError("gone")) is None


def test_a_connection_that_the_coordinator_closes_may_need_tls():
    outer = RuntimeError("Connection error")
    outer.__cause__ = ConnectionResetError("gone")
    assert no_connection(outer, "http://10.0.0.1:4000") == "gone (does it expect https://?)"
    assert no_connection(outer, "https://10.0.0.1:4000") == "gone"
    outer.__cause__ = ConnectionRefusedError("nobody")
    assert no_connection(outer, "http://10.0.0.1:4000") == "nobody"


def test_loopback_addresses():
    assert is_loopback("127.3.2.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("10.0.0.1") and not is_loopback("127.0.0.1.example.org")


@pytest.mark.parametrize(
    "options, message",
    [
        (["http://h:1", "--tls-ca", "ca.pem"], "an address without TLS"),
        (["https://h:1", "--tls-cert", "a.pem"], "--tls-cert and --tls-key go together"),
    ],
)
def test_inconsistent_tls_options_are_rejected(options, message, capsys):
    with pytest.raises(SystemExit):
        main(["m:f", "--capacity", "1", "--coordinator", *options])
    assert message in capsys.readouterr().err


def test_a_file_without_a_certificate_is_reported(tmp_path, caplog):
    bad = tmp_path / "ca.pem"
    bad.write_text("nothing")
    assert main(["json:loads", "--capacity", "1", "--coordinator", "https://h:1", "--tls-ca", str(bad)]) == 2
    assert "cannot use" in caplog.text


def test_a_missing_gpu_is_reported_before_the_clients_are_loaded(monkeypatch, caplog):
    monkeypatch.setattr("fedclair_host.device.count_gpus", lambda: 0)
    arguments = ["no_module:make", "--coordinator", "http://127.0.0.1:1", "--capacity", "1"]
    assert main([*arguments, "--device", "cuda"]) == 2
    assert "--device cuda: PyTorch finds no GPU here" in caplog.text


def test_devices(monkeypatch):
    monkeypatch.setattr("fedclair_host.device._chosen", None)
    assert to_device(model := object()) is model
    monkeypatch.setattr("fedclair_host.device._compute_repeatably", lambda: None)
    for gpus, choice, host, device in [
        (1, "auto", 3, "cuda"),
        (0, "auto", 0, "cpu"),
        (1, "cpu", 0, "cpu"),
        (1, "cuda", 0, "cuda"),
        (4, "cuda", 1, "cuda:1"),
        (4, "auto", 6, "cuda:2"),
        (4, "cuda:3", 1, "cuda:3"),
    ]:
        monkeypatch.setattr("fedclair_host.device.count_gpus", lambda: gpus)
        monkeypatch.setenv("FEDCLAIR_HOST_INDEX", str(host))
        assert choose_device(choice) == device
    with pytest.raises(DeviceMissing, match="cuda:4: PyTorch finds 4 GPUs here: choose one from cuda:0 to cuda:3"):
        choose_device("cuda:4")
    with pytest.raises(ArgumentTypeError, match="expected cpu, cuda, .* got 'gpu'"):
        read_choice("gpu")


def test_an_update_says_how_long_the_client_worked_and_what_memory_its_process_took():
    sent = decode(HostMessage, encode_update(1, "c01", Update(3), 1.5, peak_memory())).client_update
    assert sent.work_seconds == 1.5 and sent.peak_memory > 1e7 and sent.peak_device_memory == 0


def answer_jobs(make_client, jobs, limits={}):
    """Has a runner answer jobs, given as names of clients and rounds. :returns: the clients that answered, in order"""
    answers: list[str] = []

    class Ends:
        def __init__(self):
            self.frames = [(TRIAL, json.dumps({"limits": limits}).encode()), (MESSAGE, message(base={"id": 1, "params": {}}))]
            for i, (name, number) in enumerate(jobs):
                sent = {"id": i, "client_id": name, "client_index": i, "client_count": 9, "round": number, "phase": "train", "kind": 1, "base_id": 1}
                self.frames.append((MESSAGE, message(client_job=sent)))

        def has_frame(self):
            return bool(self.frames)

        def receive(self):
            if not self.frames:
                raise EOFError
            return self.frames.pop(0)

        def send(self, kind, *parts):
            data = b"".join(parts)
            assert kind == ANSWER
            sent = HostMessage.FromString(data[answer_id.size :])
            assert answer_id.unpack_from(data)[0] == sent.client_update.job_id + sent.client_failed.job_id
            answers.append(sent.client_update.client_id or f"{sent.client_failed.client_id} failed")

    def message(**body):
        return CoordinatorMessage(**body).SerializeToString()

    ClientRunner(Ends(), make_client).serve()
    return answers


def clients_together(trouble, act):
    """Clients that train three at a time and act if a certain one is among them, and the groups in which they trained."""
    groups = []

    class Together(Client):
        cohort = 3

        @classmethod
        def train_cohort(cls, clients, params, jobs):
            groups.append([job.client_id for job in jobs])
            if trouble in groups[-1]:
                act()
            return [Update(1, {"w": np.zeros(1)}) for _ in jobs]

    return Together, groups


def fail():
    raise RuntimeError("no data")


def test_waiting_jobs_of_a_stage_are_trained_together():
    Together, groups = clients_together("broken", fail)
    jobs = [("a", 1), ("b", 1), ("broken", 1), ("d", 1), ("e", 1), ("f", 2)]
    answers = answer_jobs(lambda index: Together(), jobs)
    # The first job tells how many clients fit. A group that fails is trained one by one.
    assert groups == [["a"], ["b", "broken", "d"], ["b"], ["broken"], ["d"], ["e"], ["f"]]
    assert answers == ["a", "b", "broken failed", "d", "e", "f"]


def test_a_group_that_takes_too_long_is_trained_one_by_one():
    Together, groups = clients_together("hangs", lambda: time.sleep(30))
    jobs = [(name, 1) for name in ["a", "b", "hangs", "c", "d", "e"]]
    answers = answer_jobs(lambda index: Together(), jobs, {"clientSeconds": 0.02})
    # Later clients train alone as well, because the same may happen again.
    assert groups == [["a"], ["b", "hangs", "c"], ["b"], ["hangs"], ["c"], ["d"], ["e"]]
    assert answers == ["a", "b", "hangs failed", "c", "d", "e"]


def test_a_client_without_train_cohort_trains_alone():
    class Alone(Client):
        cohort = 3

        def train(self, params, job):
            return Update(1, {"w": np.zeros(1)})

    assert answer_jobs(lambda index: Alone(), [("a", 1), ("b", 1), ("c", 1)]) == ["a", "b", "c"]

