import threading

import pytest

from fedclair_host.notes import Notes


@pytest.fixture
def folder(tmp_path):
    for name in ("note-0", "note-1"):
        (tmp_path / name).write_bytes(bytes(4096))
    return tmp_path


def clear(file):
    with open(file, "r+b") as opened:  # in place, because it is in the memory of the hosts
        opened.write(bytes(4096))


def test_a_host_learns_which_client_ended_another(folder):
    own, other = Notes(str(folder / "note-0")), Notes(str(folder / "note-1"))
    assert own.ended_by("c03") is None
    unfinished = other.of("train of c03 in round 1", ["c03"])
    unfinished.__enter__()

    def end() -> None:
        (folder / "ended-1").write_text("c03\nit ended its host with 7")
        clear(folder / "note-1")

    threading.Timer(0.1, end).start()
    assert own.ended_by("c03") == "it ended its host with 7"
    assert own.ended_by("c04") is None and not own.is_unclear


def test_a_client_runs_again_if_it_did_not_end_its_host(folder):
    own, other = Notes(str(folder / "note-0")), Notes(str(folder / "note-1"))
    unfinished = other.of("train of c03 in round 1", ["c03"])
    unfinished.__enter__()

    threading.Timer(0.1, lambda: clear(folder / "note-1")).start()
    assert own.ended_by("c03") is None


def test_of_several_clients_nobody_knows_which_one_it_was(folder):
    own = Notes(str(folder / "note-0"))
    (folder / "ended-1").write_text("c03\tc04\nit ended its host with SIGSEGV")
    assert own.ended_by("c03") is None and own.is_unclear


def test_a_note_is_empty_between_jobs_and_holds_the_names_of_many_clients(folder):
    own = Notes(str(folder / "note-0"))
    with own.of("train of many", [f"c{i:06}" for i in range(5000)]):
        assert (folder / "note-0").read_bytes().startswith(b"c000000\tc000001\t")
    assert (folder / "note-0").read_bytes()[0] == 0
    with Notes().of("train", ["c03"]):
        assert Notes().ended_by("c03") is None
