"""Cuts a SOQL text into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from dealthread.simulators.salesforce.errors import SalesforceError


class Kind(StrEnum):
    """Sorts of tokens."""

    WORD = "word"
    STRING = "string"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True)
class Token:
    """A piece of the text; `text` of a string is unescaped."""

    kind: Kind
    text: str
    at: int
    """Offset of its first character."""

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these key words, in any case."""
        return self.kind is Kind.WORD and self.text.upper() in words


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<datetime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:?\d{2}))
    | (?P<date>\d{4}-\d{2}-\d{2}(?![\d\w]))
    | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))
    | (?P<word>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    | '(?P<string>(?:[^'\\]|\\.)*)'
    | (?P<symbol><=|>=|!=|<>|[=<>(),:])
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)

_ESCAPES = {
    "n": "\n", "N": "\n", "r": "\r", "R": "\r", "t": "\t", "T": "\t", "b": "\b", "B": "\b",
    "f": "\f", "F": "\f", '"': '"', "'": "'", "\\": "\\",
    # Kept with the backslash: LIKE must still tell them from wild cards.
    "_": "\\_", "%": "\\%",
}  # fmt: skip


def tokens(text: str) -> list[Token]:
    """All tokens and an END. Raises MALFORMED_QUERY."""
    found: list[Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            rest = text[position:].lstrip()
            if rest.startswith("'"):
                raise malformed(text, position, "unterminated string")
            raise malformed(text, position, f"line 1:{position} no viable character '{rest[:1]}'")
        kind = Kind(match.lastgroup)
        value = match.group(match.lastgroup)
        if kind is Kind.STRING:
            value = _unescape(text, position, value)
        found.append(Token(kind, value, match.start(match.lastgroup)))
        position = match.end()
    found.append(Token(Kind.END, "<EOF>", end))
    return found


def malformed(text: str, at: int, message: str) -> SalesforceError:
    """400 MALFORMED_QUERY that shows the place, as Salesforce does."""
    start = max(0, at - 20)
    shown = text[start : at + 20]
    return SalesforceError("MALFORMED_QUERY", f"\n{shown}\n{' ' * (at - start)}^\n{message}")


def _unescape(text: str, at: int, raw: str) -> str:
    if "\\" not in raw:
        return raw
    out: list[str] = []
    characters = iter(raw)
    for character in characters:
        if character != "\\":
            out.append(character)
            continue
        escaped = next(characters, "")
        if escaped not in _ESCAPES:
            raise malformed(text, at, f"invalid string escape: \\{escaped}")
        out.append(_ESCAPES[escaped])
    return "".join(out)
