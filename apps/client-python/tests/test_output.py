import os
import threading

from fedclair_host.client_process import _pass_on


def pass_on(data: bytes, capfd) -> str:
    read, write = os.pipe()
    thread = threading.Thread(target=_pass_on, args=(read,))
    thread.start()
    with os.fdopen(write, "wb") as file:
        file.write(data)
    thread.join()
    return capfd.readouterr().err


def test_what_clients_print_is_limited(capfd):
    for data in (b"\x1b[2J" * 1_250_000, b"line\n" * 1_000_000):
        shown = pass_on(data, capfd)
        assert len(shown) < 1_050_000
        assert shown.endswith("…\nclients have printed 1048576 characters; more is not shown\n")
        assert shown.count("not shown") == 1 and shown.replace("\n", "").isprintable()


def test_what_fits_is_shown_to_the_end(capfd):
    assert pass_on("é\n\rno\tend".encode(), capfd) == "é\nno\tend\n"
