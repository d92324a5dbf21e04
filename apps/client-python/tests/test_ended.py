import shutil

from fedclair_host.ended import EndedClients


def test_a_host_learns_which_client_ended_another(tmp_path):
    own, other = EndedClients(str(tmp_path / "note-0")), EndedClients(str(tmp_path / "note-1"))
    assert own.find("c03") is None
    other.add("c03", "it ended its process with 7")
    (tmp_path / "ended-by-host").write_text("c05\nit ended its host with 9")  # as the starting process does
    assert own.find("c03") == other.find("c03") == "it ended its process with 7"
    assert own.find("c05") == "it ended its host with 9" and own.find("c04") is None


def test_a_host_remembers_without_a_folder(tmp_path):
    shutil.rmtree(tmp_path)
    for one in (EndedClients(), EndedClients(str(tmp_path / "note-0"))):
        one.add("c03", "it ended its process with 7")
        assert one.find("c03") == "it ended its process with 7" and one.find("c04") is None
