"""Errors of a host."""


class HostError(Exception):
    """The host cannot continue because of an error that its operator can fix. The exit code is 2."""


class ClientsEnded(Exception):
    """The process of the clients has ended again and again, or while it loaded them. The exit code is 1."""
