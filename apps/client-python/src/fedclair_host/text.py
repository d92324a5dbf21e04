"""Makes untrusted text safe for logs and terminals."""


def printable(text: str, longest: int) -> str:
    """Returns the text on one line, with unprintable characters escaped, cut to `longest` characters."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
