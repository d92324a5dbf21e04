"""A host that ``fedclair run`` starts."""

import sys

from . import host

sys.exit(host())
