"""Object ids with Stripe's prefixes."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """A fresh id such as `sub_…`; ids are unique per account and say nothing."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(length))
