"""Record ids: three characters of key prefix, 15 case-sensitive or 18 with a checksum.

The three extra characters encode which of the 15 are upper-case, so that 18-character ids survive
systems that ignore case (Salesforce help, "What are the differences between 15 and 18 character
IDs").
"""

from __future__ import annotations

import re

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")


class MalformedId(ValueError):
    """The text is no record id, or its checksum is wrong."""


def checksum(id15: str) -> str:
    """The three characters that make an id of 15 one of 18."""
    suffix = ""
    for start in (0, 5, 10):
        bits = 0
        for offset, character in enumerate(id15[start : start + 5]):
            if "A" <= character <= "Z":
                bits |= 1 << offset
        suffix += _SUFFIX[bits]
    return suffix


def to_18(text: str) -> str:
    """The 18-character form. Raises MalformedId for anything else than a good id."""
    if _SHAPE.fullmatch(text) is None:
        raise MalformedId(text)
    if len(text) == 15:
        return text + checksum(text)
    if checksum(text[:15]) != text[15:]:
        raise MalformedId(text)
    return text


def is_record_id(text: str) -> bool:
    """Whether a text is a good id of 15 or 18 characters."""
    try:
        to_18(text)
    except MalformedId:
        return False
    return True


def make_id(prefix: str, instance: str, number: int) -> str:
    """An id from a key prefix (3), the org's instance part (2) and a running number."""
    if len(prefix) != 3 or len(instance) != 2:
        raise ValueError("a key prefix has three characters and an instance two")
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _ALPHABET[digit] + digits
    if len(digits) > 10:
        raise ValueError("too many records")
    id15 = prefix + instance + digits.rjust(10, "0")
    return id15 + checksum(id15)
