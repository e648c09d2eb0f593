"""Parses the conditions of WHERE and HAVING."""

from __future__ import annotations

from abc import abstractmethod

from dealthread.simulators.salesforce.soql import uncarried
from dealthread.simulators.salesforce.soql.date_literals import COUNTED, RELATIVE
from dealthread.simulators.salesforce.soql.lexer import Kind, malformed
from dealthread.simulators.salesforce.soql.reader import Reader
from dealthread.simulators.salesforce.soql.syntax import (
    Aggregate,
    Comparison,
    Condition,
    Inclusion,
    Junction,
    Literal,
    LiteralKind,
    Membership,
    Negation,
    Operand,
    Path,
    Query,
)

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
MAX_DEPTH = 20
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_VALUES = {
    Kind.STRING: LiteralKind.STRING,
    Kind.NUMBER: LiteralKind.NUMBER,
    Kind.DATE: LiteralKind.DATE,
    Kind.DATETIME: LiteralKind.DATETIME,
}


class ConditionParser(Reader):
    """The part of the parser that knows conditions; aggregates stand in HAVING only."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._takes_aggregates = False

    @abstractmethod
    def _query(self, depth: int) -> Query:
        """A subquery, up to its closing bracket."""

    def _where(self) -> Condition:
        before, self._takes_aggregates = self._takes_aggregates, False
        condition = self._condition()
        self._takes_aggregates = before
        return condition

    def _having(self) -> Condition:
        before, self._takes_aggregates = self._takes_aggregates, True
        condition = self._condition()
        self._takes_aggregates = before
        return condition

    def _aggregate(self, name: str, at: int) -> Aggregate:
        """The rest of `SUM(Amount)` after its opening bracket; an alias is not part of it."""
        if uncarried.is_function(name):
            raise uncarried.refused(name)
        if name.upper() not in AGGREGATES:
            raise malformed(self._text, at, f"unexpected token: '{name}'")
        if self._accept_symbol(")"):
            if name.upper() != "COUNT":
                raise malformed(self._text, at, f"{name} needs a field")
            return Aggregate("COUNT", None, None)
        path = self._path()
        self._expect_symbol(")")
        return Aggregate(name.upper(), path, None)

    def _operand(self) -> Operand:
        at = self._next.at
        name = self._name()
        if self._is_bracket_next:
            if uncarried.is_function(name):
                raise uncarried.refused(name)
            if not self._takes_aggregates:
                raise self._unexpected()
            self._take()
            return self._aggregate(name, at)
        return Path(tuple(name.split(".")))

    def _condition(self) -> Condition:
        """AND and OR are not mixed without brackets: Salesforce has no precedence between them."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise malformed(self._text, self._next.at, "the condition is nested too deeply")
        parts = [self._simple()]
        word = ""
        while self._next.is_word("AND", "OR"):
            found = self._next.text.upper()
            if word and found != word:
                raise self._unexpected()
            word = found
            self._take()
            parts.append(self._simple())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _simple(self) -> Condition:
        if self._accept_word("NOT"):
            return Negation(self._simple())
        if self._accept_symbol("("):
            inner = self._condition()
            self._expect_symbol(")")
            return inner
        path = self._operand()
        if self._accept_word("NOT"):
            self._expect_word("IN")
            return self._membership(path, is_negated=True)
        if self._accept_word("IN"):
            return self._membership(path, is_negated=False)
        if self._next.is_word("INCLUDES", "EXCLUDES"):
            is_negated = self._take().text.upper() == "EXCLUDES"
            self._expect_symbol("(")
            return Inclusion(path, self._literals(), is_negated)
        if self._accept_word("LIKE"):
            return Comparison(path, "LIKE", self._literal())
        token = self._next
        if token.kind is not Kind.SYMBOL or token.text not in _COMPARISONS:
            raise self._unexpected()
        operator = self._take().text
        return Comparison(path, "!=" if operator == "<>" else operator, self._literal())

    def _membership(self, path: Operand, *, is_negated: bool) -> Membership:
        self._expect_symbol("(")
        if self._next.is_word("SELECT"):
            query = self._query(depth=1)
            self._expect_symbol(")")
            return Membership(path, (), query, is_negated)
        return Membership(path, self._literals(), None, is_negated)

    def _literals(self) -> tuple[Literal, ...]:
        """Values up to the closing bracket."""
        values = [self._literal()]
        while self._accept_symbol(","):
            values.append(self._literal())
        self._expect_symbol(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._next
        if token.kind in _VALUES:
            self._take()
            return Literal(_VALUES[token.kind], token.text)
        word = token.text.upper()
        if token.kind is not Kind.WORD:
            raise self._unexpected()
        if word in ("TRUE", "FALSE"):
            kind = LiteralKind.BOOLEAN
        elif word == "NULL":
            kind = LiteralKind.NULL
        elif word in RELATIVE:
            kind = LiteralKind.RELATIVE
        elif word in COUNTED:
            self._take()
            self._expect_symbol(":")
            return Literal(LiteralKind.RELATIVE, f"{word}:{self._whole_number()}")
        elif uncarried.is_currency_literal(token.text):
            raise uncarried.refused("an amount with its currency")
        else:
            raise self._unexpected()
        self._take()
        return Literal(kind, word)
