"""TLS: whom the host believes before it says anything, and which failures are of no use to try again."""

from __future__ import annotations

import re
import ssl

from .text import printable


def tls_context(ca: str | None = None, cert: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """:param ca: file with the authorities that are believed, and no others; default: the system's
    :param cert, key: files of what this host shows, if it is asked
    :raises OSError: of a file that cannot be read or used"""
    context = ssl.create_default_context(cafile=ca)  # verifies the certificate and the name in it
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        # A password that cannot be right: a key with a passphrase is an error, and no question at a terminal.
        context.load_cert_chain(cert, key, password=lambda: "-")
    return context


def tls_fault(error: BaseException | None) -> str | None:
    """Why there is no connection, where trying again is of no use: the certificate is not believed, or the ends do not
    agree on TLS. Looks for it among what caused the error."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        # aiohttp's own errors are ssl's too, by their class, but only what they hold says why.
        for one in (getattr(error, "certificate_error", None), getattr(error, "os_error", None), error):
            if isinstance(one, ssl.SSLCertVerificationError):
                why = printable(one.verify_message, 200)
                return f"its certificate is not believed ({why}): give the authority of it by --tls-ca, and the address by a name that it holds"
            if isinstance(one, ssl.SSLError) and one.reason:
                return f"no TLS with it ({one.reason.lower().replace('_', ' ')}){_advice(one.reason)}"
        error = error.__cause__ or error.__context__
    return None


def is_loopback(host: str) -> bool:
    """Can only this machine reach the address?"""
    return host in ("localhost", "::1") or re.fullmatch(r"127\.\d+\.\d+\.\d+", host) is not None


def _advice(reason: str) -> str:
    if reason == "WRONG_VERSION_NUMBER":
        return ": does it expect http://?"
    if reason.endswith(("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")):
        return ": it may expect a certificate of this host, given by --tls-cert and --tls-key"
    return ""
