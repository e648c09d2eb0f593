"""Random SOQL, from a grammar wider than the simulator's, whole and damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

_FIELDS = ("Id", "Name", "Amount", "StageName", "CloseDate", "CreatedDate", "IsWon", "Order__c")
_PATHS = ("Account.Name", "Account.Parent.Name", "Owner.Email", "Parent__r.Key__c", "o.Name")
_OBJECTS = ("Account", "Contact", "Opportunity", "Dealthread_Outbox__c", "PricebookEntry")
_CHILDREN = ("Contacts", "Opportunities", "OpportunityLineItems", "Dealthread_Contracts__r")
_STRINGS = ("'x'", "''", "'O\\'Hara'", "'100\\%'", "'a_b%'", "'two words'", "'(FROM)'", "'\\n'")
_NUMBERS = ("0", "1", "42", "-1", "+7", "3.50", "-0.5")
_DATES = ("2026-01-31", "1999-12-31")
_TIMES = ("2026-01-31T00:00:00Z", "2026-01-31T10:20:30.123Z", "2026-01-31T10:20:30+02:00")
_RELATIVE = ("TODAY", "YESTERDAY", "tomorrow")
_OTHER_RELATIVE = (
    *("THIS_MONTH", "LAST_WEEK", "NEXT_QUARTER", "LAST_90_DAYS", "next_90_days", "THIS_YEAR"),
    *("THIS_FISCAL_YEAR", "LAST_FISCAL_QUARTER"),
)
_COUNTED = (
    *("LAST_N_DAYS", "NEXT_N_DAYS", "next_n_days", "LAST_N_WEEKS", "LAST_N_MONTHS"),
    *("NEXT_N_QUARTERS", "NEXT_N_FISCAL_QUARTERS", "LAST_N_FISCAL_YEARS"),
    *("N_DAYS_AGO", "N_WEEKS_AGO", "N_YEARS_AGO", "N_FISCAL_QUARTERS_AGO"),
)
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_NOISE = (
    *("SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "GROUP", "ORDER", "BY"),
    *("LIMIT", "OFFSET", "NULLS", "FIRST", "LAST", "ASC", "DESC", "HAVING", "null", "true"),
    *("(", ")", ",", "=", "!=", "<", ":", "Id", "Name", "Account", "COUNT", "5", "'x'", "TODAY"),
    *(".", ";", "'", "2026-01-31", "*", "%", "@"),
)


class QueryMaker:
    """Makes queries; the same seed makes the same ones in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 test data

    def queries(self, count: int) -> Iterator[str]:
        """Half of them as the grammar says, half with one or two pieces damaged."""
        for number in range(count):
            pieces = self._query(is_nested=False)
            if number % 2:
                for _ in range(self._random.choice((1, 1, 2))):
                    self._damage(pieces)
            yield self._spaced(pieces)

    # ------------------------------------------------------------ text

    def _spaced(self, pieces: list[str]) -> str:
        if self._chance(0.05):
            # Values keep their case: a date's T and Z are capitals in every example of Salesforce.
            pieces = [one.lower() if one[0].isalpha() else one for one in pieces]
        if self._chance(0.2):
            return self._tight(pieces)
        return self._random.choice((" ", " ", " ", " ", " ", "\n", "  ")).join(pieces)

    @staticmethod
    def _tight(pieces: list[str]) -> str:
        """Blanks only between pieces that would run into each other."""
        text = ""
        for piece in pieces:
            is_joined = text[-1:] in "(,=<>!:" or piece[0] in "(),=<>!:"
            text += piece if is_joined else f" {piece}"
        return text.lstrip()

    def _damage(self, pieces: list[str]) -> None:
        at = self._random.randrange(len(pieces))
        match self._random.randrange(6):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, pieces[at])
            case 2:
                other = min(at + 1, len(pieces) - 1)
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 3:
                pieces[at] = self._random.choice(_NOISE)
            case 4:
                pieces[at] = self._scratched(pieces[at])
            case _:
                pieces.insert(at, self._random.choice(_NOISE))
        if not pieces:
            pieces.append("SELECT")

    def _scratched(self, piece: str) -> str:
        """One character less, or another one."""
        at = self._random.randrange(len(piece))
        mark = self._random.choice(("", "", "_", "'", "\\", "-", ".", "x", "9", "é"))
        return (piece[:at] + mark + piece[at + 1 :]) or "x"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _joined(self, make: Callable[[], list[str]], most: int) -> list[str]:
        pieces = make()
        for _ in range(self._random.randrange(most)):
            pieces += [",", *make()]
        return pieces

    # ------------------------------------------------------------ grammar

    def _query(self, *, is_nested: bool) -> list[str]:
        one = self._random
        is_grouped = not is_nested and self._chance(0.2)
        pieces = ["SELECT"]
        if is_grouped:
            pieces += self._joined(self._aggregate, 2)
            if self._chance(0.6):
                pieces += [",", "StageName"]
                pieces += ["stage"] if self._chance(0.2) else []
        elif self._chance(0.06):
            group = ["FIELDS", "(", one.choice(("ALL", "STANDARD", "custom")), ")"]
            pieces += group if is_nested else one.choice((["COUNT", "(", ")"], group))
        else:
            pieces += self._joined(lambda: self._item(is_nested=is_nested), 4)
        pieces += ["FROM", one.choice(_CHILDREN if is_nested else _OBJECTS)]
        if not is_nested and self._chance(0.1):
            pieces.append("o")
        if self._chance(0.02):
            pieces += ["USING", "SCOPE", "mine"]
        if self._chance(0.65):
            pieces += ["WHERE", *self._condition(0)]
        if self._chance(0.02):
            pieces += ["WITH", "SECURITY_ENFORCED"]
        if is_grouped and self._chance(0.7):
            pieces += ["GROUP", "BY", *self._grouping()]
            if self._chance(0.4):
                pieces += ["HAVING", *self._having()]
        if self._chance(0.35):
            term = self._group_ordering if is_grouped else self._ordering
            pieces += ["ORDER", "BY", *self._joined(term, 3)]
        if self._chance(0.35):
            pieces += ["LIMIT", one.choice(("1", "10", "200"))]
            if self._chance(0.3):
                pieces += ["OFFSET", one.choice(("0", "5", "2000"))]
        if not is_nested and self._chance(0.05):
            words = ("UPDATE", "VIEW", "REFERENCE")
            pieces += one.choice((["FOR", one.choice(words)], ["ALL", "ROWS"]))
        return pieces

    def _path(self) -> str:
        return self._random.choice(_FIELDS if self._chance(0.7) else _PATHS)

    def _item(self, *, is_nested: bool) -> list[str]:
        if self._chance(0.08):
            return ["(", *self._query(is_nested=True), ")"]
        if self._chance(0.01):
            return ["TYPEOF", "What", "WHEN", "Account", "THEN", "Phone", "ELSE", "Name", "END"]
        if self._chance(0.01):
            return [self._random.choice(("toLabel", "FORMAT")), "(", "StageName", ")"]
        return [self._path()]

    def _aggregate(self) -> list[str]:
        pieces = self._folded()
        return [*pieces, "total"] if self._chance(0.3) else pieces

    def _folded(self) -> list[str]:
        functions = ("COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "max")
        return [self._random.choice(functions), "(", self._path(), ")"]

    def _having(self) -> list[str]:
        one = self._random
        pieces: list[str] = []
        for number in range(one.choice((1, 1, 2))):
            pieces += [one.choice(("AND", "OR"))] if number else []
            pieces += ["NOT"] if self._chance(0.1) else []
            if self._chance(0.7):
                pieces += [*self._folded(), one.choice(_COMPARISONS), one.choice(_NUMBERS)]
            else:
                pieces += ["StageName", one.choice(("LIKE", "=", "!=")), one.choice(_STRINGS)]
        return pieces

    def _group_ordering(self) -> list[str]:
        pieces = self._folded() if self._chance(0.5) else ["StageName"]
        return [*pieces, "DESC"] if self._chance(0.4) else pieces

    def _grouping(self) -> list[str]:
        if self._chance(0.1):
            return ["ROLLUP", "(", "StageName", ")"]
        if self._chance(0.1):
            return ["CALENDAR_YEAR", "(", "CloseDate", ")"]
        return self._joined(lambda: [self._path()], 2)

    def _ordering(self) -> list[str]:
        pieces = [self._path()]
        if self._chance(0.5):
            pieces.append(self._random.choice(("ASC", "DESC", "desc")))
        if self._chance(0.3):
            pieces += ["NULLS", self._random.choice(("FIRST", "LAST"))]
        return pieces

    def _condition(self, depth: int) -> list[str]:
        if depth < 3 and self._chance(0.4):
            word = self._random.choice(("AND", "OR", "and"))
            pieces = self._term(depth + 1)
            for _ in range(self._random.choice((1, 1, 2))):
                other = "OR" if self._chance(0.04) else word
                pieces += [other, *self._term(depth + 1)]
            return pieces
        return self._term(depth)

    def _term(self, depth: int) -> list[str]:
        if depth < 3 and self._chance(0.2):
            return ["(", *self._condition(depth + 1), ")"]
        if self._chance(0.08):
            return ["NOT", *self._comparison()]
        return self._comparison()

    def _comparison(self) -> list[str]:
        one, path = self._random, self._path()
        kind = one.random()
        if kind < 0.55:
            return [path, one.choice(_COMPARISONS), *self._value()]
        if kind < 0.68:
            return [path, "LIKE", one.choice(_STRINGS)]
        if kind < 0.69:
            return [path, one.choice(("INCLUDES", "EXCLUDES")), "(", "'a;b'", ",", "'c'", ")"]
        word = one.choice((["IN"], ["NOT", "IN"], ["in"]))
        if self._chance(0.25):
            inner = ["SELECT", "AccountId", "FROM", "Contact"]
            if self._chance(0.4):
                inner += ["WHERE", "LastName", "=", "'x'"]
            return [path, *word, "(", *inner, ")"]
        return [path, *word, "(", *self._joined(self._value, 3), ")"]

    def _value(self) -> list[str]:
        one = self._random
        if self._chance(0.05):
            return [one.choice(_OTHER_RELATIVE)]
        if self._chance(0.08):
            return [f"{one.choice(_COUNTED)}:{one.choice((1, 30))}"]
        if self._chance(0.01):
            return ["USD5000"]
        kinds = (_STRINGS, _STRINGS, _NUMBERS, _DATES, _TIMES, _RELATIVE, ("true", "FALSE", "null"))
        return [one.choice(one.choice(kinds))]
