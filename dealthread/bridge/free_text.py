"""Text that people write, as bodies of the process API take it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def storable(text: str) -> str:
    """PostgreSQL holds every character but NUL. Raises ValueError, so that the field is named."""
    if "\x00" in text:
        raise ValueError("text without NUL characters is needed")
    return text


Reason = Annotated[str, AfterValidator(storable)]
Words = Annotated[str, StringConstraints(max_length=500), AfterValidator(storable)]
Said = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(storable),
]
"""Words that must not be left out."""
Code = Annotated[str, StringConstraints(max_length=60), AfterValidator(storable)]
