"""Tax identifiers: structure, and the check digits where we know the algorithm.

Checked by structure **and** check digits: DE, FR, IE (scheme eu_vat), GB (scheme gb_vat).
Checked by structure only: every other member state of the European Union (their check digit
rules are national and are not implemented here) and us_ein (which has no check digit).
Neither proves that the number was ever issued: only the authority's register does.

Algorithms: DE ISO/IEC 7064 mod 11,10; FR key of two digits over the nine of the SIREN, which has
a Luhn digit; IE weighted sum mod 23; GB weighted sum mod 97, in both series (97 and 9755).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum


class IdProblem(StrEnum):
    """Why a number cannot be right."""

    UNKNOWN_SCHEME = "unknown_scheme"
    UNKNOWN_PREFIX = "unknown_prefix"
    STRUCTURE = "structure"
    CHECKSUM = "checksum"


# After the two-letter prefix; source: structure table of the Commission's VIES service.
_STRUCTURE: dict[str, str] = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"[1-9]\d{8}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[0-9A-HJ-NP-Z]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"(\d{7}[A-W][A-IW]?|\d[A-Z+*]\d{5}[A-W])",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{9}B[A-Z0-9+*]{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}
_GB = r"(\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2})"
_EIN = r"\d{2}-?\d{7}"


def id_problem(scheme: str, number: str) -> IdProblem | None:
    """What is wrong with an identifier; None when nothing can be seen offline.

    VAT numbers carry their country prefix; spaces, dots and dashes are ignored.
    """
    if scheme == "us_ein":
        return None if re.fullmatch(_EIN, number.strip()) else IdProblem.STRUCTURE
    if scheme not in {"eu_vat", "gb_vat"}:
        return IdProblem.UNKNOWN_SCHEME
    compact = re.sub(r"[\s.\-]", "", number).upper()
    prefix, body = compact[:2], compact[2:]
    structure = _GB if prefix == "GB" else _STRUCTURE.get(prefix)
    if structure is None or (prefix == "GB") != (scheme == "gb_vat"):
        return IdProblem.UNKNOWN_PREFIX
    if not re.fullmatch(structure, body):
        return IdProblem.STRUCTURE
    check = _CHECKS.get(prefix)
    return None if check is None or check(body) else IdProblem.CHECKSUM


def has_checksum(prefix: str) -> bool:
    """Whether the numbers of a country are checked beyond their structure."""
    return prefix in _CHECKS


def masked(number: str) -> str:
    """Enough to recognise a number in a case, not the number itself.

    A sole trader's VAT id is personal data, and nothing tells it from a company's.
    """
    compact = re.sub(r"[\s.\-]", "", number).upper()
    return f"{compact[:4]}…{compact[-2:]} ({len(compact)} characters)"


def _germany(body: str) -> bool:
    product = 10
    for digit in body[:8]:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(body[8])


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


_FRENCH = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def _france(body: str) -> bool:
    key, siren = body[:2], body[2:]
    # Monaco's numbers begin with 000 and have no SIREN of their own.
    if not siren.startswith("000") and not _luhn(siren):
        return False
    if key.isdigit():
        return int(key) == (12 + 3 * (int(siren) % 97)) % 97
    first, second = _FRENCH.index(key[0]), _FRENCH.index(key[1])
    check = first * 24 + second - 10 if key[0].isdigit() else first * 34 + second - 100
    return (int(siren) + 1 + check // 11) % 11 == check % 11


_IRISH = "WABCDEFGHIJKLMNOPQRSTUV"


def _ireland(body: str) -> bool:
    if body[1].isdigit():
        digits, check, extra = body[:7], body[7], body[8:]
    else:  # numbers before 2013: the second place holds a letter, + or *
        digits, check, extra = f"0{body[2:7]}{body[0]}", body[7], ""
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=True))
    if extra:
        total += 9 * _IRISH.index(extra)
    return _IRISH[total % 23] == check


def _britain(body: str) -> bool:
    if not body[:9].isdigit():
        return True  # GD and HA numbers of government and health have no check digits
    total = sum(
        int(digit) * weight for digit, weight in zip(body[:7], range(8, 1, -1), strict=True)
    )
    return (total + int(body[7:9])) % 97 in {0, 42}


_CHECKS: dict[str, Callable[[str], bool]] = {
    "DE": _germany,
    "FR": _france,
    "IE": _ireland,
    "GB": _britain,
    "XI": _britain,
}
