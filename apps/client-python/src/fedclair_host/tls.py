"""TLS: verifies the coordinator, and tells failures that are worth a retry from those that are not."""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timezone
from typing import Iterator

from aiohttp import ServerDisconnectedError

from .text import printable


_clock_faults = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def tls_context(ca: str | None = None, cert: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """Creates an SSL context that verifies the coordinator.

    :param ca: file with the only authorities to trust; default: the system's
    :param cert, key: files with this host's certificate and private key, sent if the coordinator requests them
    :raises OSError: if a file cannot be read or used
    """
    context = ssl.create_default_context(cafile=ca)  # verifies the certificate and the name in it
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        # A wrong password on purpose: a key with a passphrase causes an error instead of a prompt.
        context.load_cert_chain(cert, key, password=lambda: "-")
    return context


def tls_fault(error: BaseException | None) -> str | None:
    """Explains a connection failure that a retry cannot fix: the certificate is not trusted, or the two ends do not agree on TLS.

    It searches the causes of the error.

    :returns: None if a retry may succeed
    """
    for cause in [] if error is None else _causes(error):
        # aiohttp's errors are subclasses of ssl's, but only the errors that they wrap have the reason.
        for one in (getattr(cause, "certificate_error", None), getattr(cause, "os_error", None), cause):
            if isinstance(one, ssl.SSLCertVerificationError):
                why = printable(one.verify_message, 200)
                if one.verify_code in _clock_faults:
                    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
                    return f"its certificate is not believed ({why}): check the clock of this machine, which says {now}, or ask for a new certificate"
                return f"its certificate is not believed ({why}): give the authority of it by --tls-ca, and the address by a name that it holds"
            if isinstance(one, ssl.SSLError) and one.reason:
                return f"no TLS with it ({one.reason.lower().replace('_', ' ')}){_advice(one.reason)}"
    return None


def no_connection(error: BaseException, url: str) -> str:
    """Says why there is no connection to a coordinator: the cause, because the errors around it only say that there is none."""
    *_, cause = _causes(error)
    why = printable(str(cause), 200)
    is_closed = isinstance(cause, (ServerDisconnectedError, ConnectionResetError))
    return f"{why} (does it expect https://?)" if is_closed and url.startswith("http://") else why


def is_refused(error: BaseException) -> bool:
    """Whether nobody listens at the coordinator's address."""
    return any(isinstance(one, ConnectionRefusedError) for cause in _causes(error) for one in (cause, getattr(cause, "os_error", None)))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what caused it, the outermost first."""
    visited: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in visited:
        visited.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach the address."""
    return host in ("localhost", "::1") or re.fullmatch(r"127\.\d+\.\d+\.\d+", host) is not None


def _advice(reason: str) -> str:
    if reason == "WRONG_VERSION_NUMBER":
        return ": does it expect http://?"
    if reason.endswith(("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")):
        return ": it may expect a certificate of this host, given by --tls-cert and --tls-key"
    return ""
