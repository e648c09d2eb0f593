"""Reads a query token by token; the ground of the parser."""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.soql.lexer import Kind, Token, malformed, tokens
from dealthread.simulators.salesforce.soql.syntax import Path

RESERVED = frozenset(
    {
        "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES",
        "LAST", "LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OR", "SELECT", "USING", "WHERE", "WITH",
        "ORDER", "OFFSET", "FOR", "ALL", "UPDATE", "TRUE", "FALSE",
    }
)  # fmt: skip


class Reader:
    """The tokens of a text, and the place up to which they were read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._index = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    @property
    def _after_next(self) -> Token:
        """The token after the next; the end has nothing after it but itself."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    @property
    def _is_bracket_next(self) -> bool:
        return self._next.kind is Kind.SYMBOL and self._next.text == "("

    def _take(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _accept_word(self, *words: str) -> bool:
        if self._next.is_word(*words):
            self._index += 1
            return True
        return False

    def _accept_symbol(self, symbol: str) -> bool:
        if self._next.kind is Kind.SYMBOL and self._next.text == symbol:
            self._index += 1
            return True
        return False

    def _expect_word(self, word: str) -> None:
        if not self._accept_word(word):
            raise self._unexpected()

    def _expect_symbol(self, symbol: str) -> None:
        if not self._accept_symbol(symbol):
            raise self._unexpected()

    def _unexpected(self) -> SalesforceError:
        return malformed(self._text, self._next.at, f"unexpected token: '{self._next.text}'")

    def _name(self) -> str:
        token = self._next
        if token.kind is not Kind.WORD or token.text.upper() in RESERVED:
            raise self._unexpected()
        return self._take().text

    def _alias(self) -> str | None:
        """A name that follows, if one does."""
        is_name = self._next.kind is Kind.WORD and self._next.text.upper() not in RESERVED
        return self._take().text if is_name else None

    def _path(self) -> Path:
        return Path(tuple(self._name().split(".")))

    def _whole_number(self) -> int:
        token = self._next
        if token.kind is not Kind.NUMBER or not token.text.isdigit():
            raise self._unexpected()
        return int(self._take().text)
