"""Clients that do not return, or end their process, each in another way. Used by e2e/src/hostile-python.test.ts."""

import contextlib
import ctypes
import os
import signal
import threading
import time

import numpy as np

from fedclair_host import Client, Update


def swallow():
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass


def ignore_alarm():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        time.sleep(0.01)


def block_in_native_code():
    lock, library = ctypes.create_string_buffer(64), ctypes.PyDLL(None)  # calls keep the interpreter's lock
    for _ in range(2):
        library.pthread_mutex_lock(lock)


def stop_itself():
    os.kill(os.getpid(), signal.SIGSTOP)


def fork():
    """The child goes on as its parent would, a grandchild waits, and another one in a session of its own."""
    if os.fork() == 0:
        for leave in (lambda: None, os.setsid):
            if os.fork() == 0:
                leave()
                time.sleep(1000)


def fault():
    ctypes.string_at(0)


def print_controls():
    print("\x1b[2J\x1b]0;title\x07owned\rby \x9b31mme", flush=True)


def write_to_all_files():
    for file in range(256):
        with contextlib.suppress(OSError):
            os.write(file, bytes(range(256)))


def wait_and(end):
    """Acts in the turn of another client."""
    time.sleep(0.15)
    end()
    time.sleep(1000)


def fork_and(end):
    if os.fork() == 0:
        wait_and(end)


def leave_thread(end):
    threading.Thread(target=wait_and, args=(end,), name="\x1blate").start()


acts = {
    "c01": swallow,
    "c03": ignore_alarm,
    "c05": block_in_native_code,
    "c07": stop_itself,
    "c09": lambda: os._exit(7),
    "c11": fault,
    "c13": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "c15": fork,
    "c17": print_controls,
    "c18": lambda: os.closerange(3, 100),
    "c02": write_to_all_files,
    "c04": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "c06": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "c08": lambda: os.kill(os.getppid(), signal.SIGSTOP),
    "c10": lambda: leave_thread(lambda: os._exit(7)),
    "c12": lambda: leave_thread(lambda: write_to_all_files()),
    "c14": lambda: fork_and(lambda: os.kill(os.getppid(), signal.SIGSEGV)),
    "c16": lambda: fork_and(lambda: os.kill(os.getppid(), signal.SIGSTOP)),
}


class Hostile(Client):
    def initial(self, job):
        return {"w": np.zeros((4, 3))}

    def train(self, params, job):
        if job.client_id in os.environ["ACT"].split():
            acts[job.client_id]()
        elif os.environ.get("SLOW"):
            time.sleep(0.05)
        return Update(10, {"w": np.random.default_rng(job.seed).normal(size=(4, 3))})


def make_client(index) -> Hostile:
    return Hostile()
