import os
import socket

import pytest

from fedclair_host.channel import ANSWER, MESSAGE, SETUP, Channel, ChannelBroken


def test_a_frame_needs_the_key_of_its_channel():
    here, there = socket.socketpair()
    host, clients = Channel(here, b"in setup"), Channel(there, key=None)
    host.send(SETUP, b"{}")
    assert clients.receive() == (SETUP, b"{}")
    clients.send(ANSWER, b"one, ", b"two")
    assert host.receive() == (ANSWER, b"one, two")
    host.send(MESSAGE, b"a job")
    os.read(there.fileno(), 3)  # as a client may do
    host.send(MESSAGE, b"another job")
    with pytest.raises(ChannelBroken):
        clients.receive()
