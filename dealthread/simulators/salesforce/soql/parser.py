"""Recursive-descent parser of the SOQL subset (SOQL and SOSL Reference, "SELECT Syntax").

What Salesforce has and this has not (TYPEOF, WITH, USING, ROLLUP, functions …) is refused by name
with NOT_SIMULATED; see `uncarried`.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.soql import uncarried
from dealthread.simulators.salesforce.soql.condition_parser import ConditionParser
from dealthread.simulators.salesforce.soql.lexer import Kind, Token, malformed
from dealthread.simulators.salesforce.soql.syntax import (
    Aggregate,
    FieldGroup,
    Item,
    Named,
    Ordering,
    Path,
    Query,
)

MAX_OFFSET = 2000
MAX_LEVELS = 5
"""Of parent-to-child queries, the outermost included (from version 58.0 on)."""
_FIELD_GROUPS = frozenset({"ALL", "STANDARD", "CUSTOM"})


def parse(text: str) -> Query:
    """The query. Raises MALFORMED_QUERY, or NOT_SIMULATED for what is not carried."""
    return _Parser(text).whole()


class _Parser(ConditionParser):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._aliases: list[Token] = []
        """Of plain fields in the SELECT that is being read."""

    def whole(self) -> Query:
        query = self._query(depth=0)
        if self._next.kind is not Kind.END:
            if self._next.is_word("UPDATE") and self._after_next.is_word("TRACKING", "VIEWSTAT"):
                raise uncarried.refused(f"UPDATE {self._after_next.text.upper()}")
            raise self._unexpected()
        return query

    def _query(self, depth: int) -> Query:
        self._expect_word("SELECT")
        outer, self._aliases = self._aliases, []
        items = [self._item(depth)]
        while self._accept_symbol(","):
            items.append(self._item(depth))
        self._expect_word("FROM")
        source = self._source()
        alias = self._alias()
        if self._next.is_word("USING") and self._after_next.is_word("SCOPE"):
            raise uncarried.refused("USING SCOPE")
        where = self._where() if self._accept_word("WHERE") else None
        if self._next.is_word("WITH"):
            raise uncarried.refused("WITH")
        group_by: list[Path] = []
        having = None
        if self._accept_word("GROUP"):
            self._expect_word("BY")
            group_by.append(self._grouping())
            while self._accept_symbol(","):
                group_by.append(self._grouping())
            having = self._having() if self._accept_word("HAVING") else None
        if self._aliases and not group_by:
            # Only grouped queries name plain fields ("Use Aliases with GROUP BY").
            first = self._aliases[0]
            raise malformed(self._text, first.at, f"unexpected token: '{first.text}'")
        self._aliases = outer
        order_by: list[Ordering] = []
        if self._accept_word("ORDER"):
            self._expect_word("BY")
            order_by.append(self._ordering(is_grouped=bool(group_by)))
            while self._accept_symbol(","):
                order_by.append(self._ordering(is_grouped=bool(group_by)))
        limit = self._whole_number() if self._accept_word("LIMIT") else None
        offset = self._offset(depth)
        return Query(
            tuple(items),
            source,
            alias,
            where,
            tuple(group_by),
            having,
            tuple(order_by),
            limit,
            offset,
            self._purpose(depth, is_ordered=bool(order_by)),
        )

    def _source(self) -> str:
        # The object Order is named like a key word; after FROM it is the object.
        return self._take().text if self._next.is_word("ORDER") else self._name()

    def _grouping(self) -> Path:
        name = self._next.text
        path = self._path()
        if self._is_bracket_next and uncarried.is_function(name):
            raise uncarried.refused(name)
        return path

    def _offset(self, depth: int) -> int:
        if depth and self._next.is_word("OFFSET"):
            # A pilot feature ("OFFSET", "Considerations").
            raise uncarried.refused("OFFSET in a subquery")
        if not self._accept_word("OFFSET"):
            return 0
        offset = self._whole_number()
        if offset > MAX_OFFSET:
            raise SalesforceError(
                "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            )
        return offset

    def _purpose(self, depth: int, *, is_ordered: bool) -> str:
        """UPDATE, VIEW or REFERENCE; a query that locks has no order ("FOR UPDATE")."""
        if depth or not self._next.is_word("FOR"):
            return ""
        at = self._take().at
        for word in ("UPDATE", "VIEW", "REFERENCE"):
            if self._accept_word(word):
                if word == "UPDATE" and is_ordered:
                    raise malformed(self._text, at, "a query that locks has no ORDER BY")
                return word
        raise self._unexpected()

    def _item(self, depth: int) -> Item:
        if self._accept_symbol("("):
            if depth + 1 >= MAX_LEVELS:
                raise malformed(self._text, self._next.at, "Nesting of subqueries is too deep")
            query = self._query(depth + 1)
            self._expect_symbol(")")
            return query
        at = self._next.at
        name = self._name()
        if not self._accept_symbol("("):
            path = Path(tuple(name.split(".")))
            token = self._next
            if name.upper() == "TYPEOF" and self._after_next.is_word("WHEN"):
                raise uncarried.refused("TYPEOF")
            if name.upper() == "TYPEOF" and token.kind is Kind.WORD:
                raise self._unexpected()
            alias = self._alias()
            if alias is None:
                return path
            self._aliases.append(token)
            return Named(path, alias)
        if name.upper() == "FIELDS":
            kind = self._take().text.upper()
            if kind not in _FIELD_GROUPS:
                self._index -= 1
                raise self._unexpected()
            self._expect_symbol(")")
            return FieldGroup(kind)
        found = self._aggregate(name, at)
        return Aggregate(found.function, found.path, self._alias())

    def _ordering(self, *, is_grouped: bool) -> Ordering:
        self._takes_aggregates = is_grouped
        operand = self._operand()
        is_descending = self._accept_word("DESC")
        if not is_descending:
            self._accept_word("ASC")
        is_nulls_last = False
        if self._accept_word("NULLS"):
            is_nulls_last = self._accept_word("LAST")
            if not is_nulls_last:
                self._expect_word("FIRST")
        return Ordering(operand, is_descending, is_nulls_last)
