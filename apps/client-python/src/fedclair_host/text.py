"""Strangers' text for logs and terminals."""


def printable(text: str, longest: int) -> str:
    """On one line: what does not print is escaped, and it is cut after `longest` characters."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
