"""Recursive-descent parser of the SOQL subset (SOQL and SOSL Reference, "SELECT Syntax").

What Salesforce has and this has not (HAVING, TYPEOF, FIELDS(), FOR UPDATE …) is refused.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.soql.lexer import Kind, Token, malformed, tokens
from dealthread.simulators.salesforce.soql.syntax import (
    Aggregate,
    Comparison,
    Condition,
    Junction,
    Literal,
    LiteralKind,
    Membership,
    Negation,
    Ordering,
    Path,
    Query,
)

_RESERVED = frozenset(
    {
        "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES",
        "LAST", "LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OR", "SELECT", "USING", "WHERE", "WITH",
        "ORDER", "OFFSET", "FOR", "ALL", "UPDATE", "TRUE", "FALSE",
    }
)  # fmt: skip
_AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_COUNTED = frozenset({"LAST_N_DAYS", "NEXT_N_DAYS"})
_RELATIVE = frozenset({"TODAY", "YESTERDAY", "TOMORROW"})
_VALUES = {
    Kind.STRING: LiteralKind.STRING,
    Kind.NUMBER: LiteralKind.NUMBER,
    Kind.DATE: LiteralKind.DATE,
    Kind.DATETIME: LiteralKind.DATETIME,
}
MAX_DEPTH = 20
MAX_OFFSET = 2000


def parse(text: str) -> Query:
    """The query, or MALFORMED_QUERY."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._index = 0
        self._depth = 0

    def whole(self) -> Query:
        query = self._query(is_nested=False)
        if self._next.kind is not Kind.END:
            raise self._unexpected()
        return query

    # ------------------------------------------------------------ tokens

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

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
        if token.kind is not Kind.WORD or token.text.upper() in _RESERVED:
            raise self._unexpected()
        return self._take().text

    def _source(self) -> str:
        # The object Order is named like a key word; after FROM it is the object.
        return self._take().text if self._next.is_word("ORDER") else self._name()

    def _path(self) -> Path:
        return Path(tuple(self._name().split(".")))

    def _whole_number(self) -> int:
        token = self._next
        if token.kind is not Kind.NUMBER or not token.text.isdigit():
            raise self._unexpected()
        return int(self._take().text)

    # ------------------------------------------------------------ clauses

    def _query(self, *, is_nested: bool) -> Query:
        self._expect_word("SELECT")
        items = [self._item(is_nested=is_nested)]
        while self._accept_symbol(","):
            items.append(self._item(is_nested=is_nested))
        self._expect_word("FROM")
        source = self._source()
        alias = None
        if self._next.kind is Kind.WORD and self._next.text.upper() not in _RESERVED:
            alias = self._take().text
        where = self._condition() if self._accept_word("WHERE") else None
        group_by: list[Path] = []
        if self._accept_word("GROUP"):
            self._expect_word("BY")
            group_by.append(self._path())
            while self._accept_symbol(","):
                group_by.append(self._path())
        order_by: list[Ordering] = []
        if self._accept_word("ORDER"):
            self._expect_word("BY")
            order_by.append(self._ordering())
            while self._accept_symbol(","):
                order_by.append(self._ordering())
        limit = self._whole_number() if self._accept_word("LIMIT") else None
        offset = 0
        if self._next.is_word("OFFSET"):
            # Without LIMIT, or in a subquery, Salesforce's rules are not certain: refused.
            if limit is None or is_nested:
                raise self._unexpected()
            self._take()
            offset = self._whole_number()
        if offset > MAX_OFFSET:
            raise SalesforceError(
                "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            )
        return Query(
            tuple(items),
            source,
            alias,
            where,
            tuple(group_by),
            tuple(order_by),
            limit,
            offset,
        )

    def _item(self, *, is_nested: bool) -> Path | Aggregate | Query:
        if self._accept_symbol("("):
            if is_nested:
                raise malformed(self._text, self._next.at, "Nesting of subqueries is not supported")
            query = self._query(is_nested=True)
            self._expect_symbol(")")
            return query
        at = self._next.at
        name = self._name()
        if not self._accept_symbol("("):
            return Path(tuple(name.split(".")))
        if name.upper() not in _AGGREGATES:
            raise malformed(self._text, at, f"unexpected token: '{name}'")
        path = None
        if not self._accept_symbol(")"):
            path = self._path()
            self._expect_symbol(")")
        elif name.upper() != "COUNT":
            raise malformed(self._text, at, f"{name} needs a field")
        alias = None
        if self._next.kind is Kind.WORD and self._next.text.upper() not in _RESERVED:
            alias = self._take().text
        return Aggregate(name.upper(), path, alias)

    def _ordering(self) -> Ordering:
        path = self._path()
        is_descending = self._accept_word("DESC")
        if not is_descending:
            self._accept_word("ASC")
        is_nulls_last = False
        if self._accept_word("NULLS"):
            is_nulls_last = self._accept_word("LAST")
            if not is_nulls_last:
                self._expect_word("FIRST")
        return Ordering(path, is_descending, is_nulls_last)

    # ------------------------------------------------------------ conditions

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
        path = self._path()
        if self._accept_word("NOT"):
            self._expect_word("IN")
            return self._membership(path, is_negated=True)
        if self._accept_word("IN"):
            return self._membership(path, is_negated=False)
        if self._accept_word("LIKE"):
            return Comparison(path, "LIKE", self._literal())
        token = self._next
        if token.kind is not Kind.SYMBOL or token.text not in (
            "=",
            "!=",
            "<>",
            "<",
            "<=",
            ">",
            ">=",
        ):
            raise self._unexpected()
        operator = self._take().text
        return Comparison(path, "!=" if operator == "<>" else operator, self._literal())

    def _membership(self, path: Path, *, is_negated: bool) -> Membership:
        self._expect_symbol("(")
        if self._next.is_word("SELECT"):
            query = self._query(is_nested=True)
            self._expect_symbol(")")
            return Membership(path, (), query, is_negated)
        values = [self._literal()]
        while self._accept_symbol(","):
            values.append(self._literal())
        self._expect_symbol(")")
        return Membership(path, tuple(values), None, is_negated)

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
        elif word in _RELATIVE:
            kind = LiteralKind.RELATIVE
        elif word in _COUNTED:
            self._take()
            self._expect_symbol(":")
            return Literal(LiteralKind.RELATIVE, f"{word}:{self._whole_number()}")
        else:
            raise self._unexpected()
        self._take()
        return Literal(kind, word)
