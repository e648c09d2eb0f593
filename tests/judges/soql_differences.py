"""Where the simulator's SOQL parser and soql-parser-js differ, and why.

A query that only the judge accepts must fall into one of `REFUSED_HERE`, by what our parser said
and where. A query that only our parser accepts must fall into `ACCEPTED_HERE`, which is proven by
asking the judge again with just that said in its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.soql.parser import parse

_KEY_WORDS = (
    "AND|ASC|BY|DESC|EXCLUDES|FIRST|FROM|GROUP|HAVING|IN|INCLUDES|LAST|LIKE|LIMIT|NOT|NULLS?|OR"
    "|SELECT|USING|WHERE|WITH|ORDER|OFFSET|FOR|ALL|UPDATE|TRUE|FALSE"
)


@dataclass(frozen=True)
class Complaint:
    """Why and where our parser refused a query."""

    before: str
    """The query up to the place."""
    text: str


@dataclass(frozen=True)
class Difference:
    """A class of queries that the judge accepts and we refuse."""

    name: str
    said: str
    """Pattern of our complaint, for the whole of it."""
    why: str
    after: str = ""
    """Pattern of the text in front of the place, for its end."""

    def covers(self, complaint: Complaint) -> bool:
        return (
            re.fullmatch(self.said, complaint.text, re.IGNORECASE | re.DOTALL) is not None
            and re.search(f"(?:{self.after})\\s*$", complaint.before, re.IGNORECASE) is not None
        )


def _at(token: str) -> str:
    return f"unexpected token: '(?:{token})'"


def _not_carried(what: str) -> str:
    return f"the simulator does not have (?:{what}) in SOQL"


# A value has just ended: a string, a bracket, a number or date, or a literal word.
_VALUE = r"['\)]|[\d.Z]|\b(?:null|true|false|today|yesterday|tomorrow|(?:this|last|next)_\w+)"

REFUSED_HERE = (
    # ------------------- Salesforce has it, the simulator does not carry it and says so (501)
    Difference("WITH", _not_carried("WITH"), "SECURITY_ENFORCED and data categories"),
    Difference("USING SCOPE", _not_carried("USING SCOPE"), "every row is everybody's"),
    Difference(
        "UPDATE TRACKING, UPDATE VIEWSTAT",
        _not_carried("UPDATE (TRACKING|VIEWSTAT)"),
        "there are no articles whose use is counted",
    ),
    Difference("TYPEOF", _not_carried("TYPEOF"), "there are no polymorphic references"),
    Difference(
        "functions",
        _not_carried("toLabel|FORMAT|convertCurrency|CALENDAR_YEAR|GROUPING|DISTANCE|ROLLUP|CUBE"),
        "their answers depend on locale, currency table, user or place",
    ),
    Difference(
        "currency literals",
        _not_carried("an amount with its currency"),
        "there is no conversion",
    ),
    Difference(
        "OFFSET in a subquery",
        _not_carried("OFFSET in a subquery"),
        "a pilot feature, and only where the outer query has LIMIT 1",
    ),
    Difference(
        "subqueries of more than five levels",
        "Nesting of subqueries is too deep",
        "Salesforce's limit from version 58.0 on; the judge knows none",
    ),
    Difference(
        "alias of a plain field",
        _at(r"[\w.]+"),
        "Salesforce allows it in grouped queries only",
        after=r"(?:\bSELECT|,)\s*(?!TYPEOF\b)[a-z][\w.]*\s",
    ),
    # ---------------------------------------- Salesforce refuses it, the judge does not look
    Difference(
        "order of locked rows",
        "a query that locks has no ORDER BY",
        "the reference excludes ORDER BY from queries with FOR UPDATE",
    ),
    Difference(
        "aggregates in WHERE and in plain ORDER BY",
        _at(r"\("),
        "they stand in HAVING, and in ORDER BY of grouped queries",
        after=r"\b(?:COUNT|COUNT_DISTINCT|SUM|AVG|MIN|MAX)",
    ),
    Difference(
        "AND mixed with OR",
        _at("AND|OR"),
        "Salesforce has no precedence between them and asks for brackets",
        after=_VALUE,
    ),
    Difference(
        "key word as a name",
        _at(_KEY_WORDS),
        "reserved words of the SOQL reference; the judge takes them for names",
        after=r",|\(|\b(?:SELECT|FROM|BY|WHERE|AND|OR|NOT|FROM\s+\w+)",
    ),
    Difference(
        "key word as an alias",
        _at("[^']*"),
        "the judge takes ORDER, GROUP or OFFSET without what follows for the object's alias",
        after=r"\bFROM\s+\w+\s+(?:ORDER|GROUP|OFFSET)",
    ),
    Difference(
        "aggregate of nothing",
        r"(?:COUNT_DISTINCT|SUM|AVG|MIN|MAX) needs a field",
        "only COUNT() goes without a field",
    ),
    Difference(
        "IN without brackets",
        _at(".*"),
        "the judge takes one value for a list",
        after=r"\b(?:IN|INCLUDES|EXCLUDES)\s*'?",
    ),
    Difference(
        "conditions side by side",
        _at(r"\(|[\w.]+"),
        "the judge takes a second condition without AND or OR in front of it",
        after=_VALUE,
    ),
    Difference(
        "bare word as a value",
        _at(r"[\w.]+"),
        "only TRUE, FALSE, NULL and date literals go without quotes",
        after=r"[=<>]|\bLIKE|\bIN\s*\((?:[^()]*,)?",
    ),
    Difference(
        "arguments of aggregates",
        _at(r"\d+|,"),
        "an aggregate takes one field",
        after=r"\w\s*\(\s*\w*",
    ),
    Difference(
        "OFFSET over 2,000",
        r"Maximum SOQL offset allowed is \d+",
        "Salesforce's limit; the judge knows none",
    ),
    Difference(
        "negative number of days",
        _at(r"-\d+"),
        "the reference writes LAST_N_DAYS:n for a number of days",
        after=":",
    ),
    Difference(
        "other spellings of date and time",
        r"line 1:\d+ no viable character '.'",
        "T and Z are capitals and seconds have up to three decimals in every documented example",
        after=r"\d{4}-\d{2}[-\dT:]*",
    ),
    Difference(
        "list after a comparison",
        _at(r"\("),
        "only IN, NOT IN, INCLUDES and EXCLUDES take a list",
        after=r"[=<>]",
    ),
    Difference(
        "string escapes",
        r"invalid string escape: .*",
        "the reference lists the escapes; any other is an error in Salesforce",
    ),
    Difference(
        "stray full stop",
        r"line 1:\d+ no viable character '[-+.]'",
        "each part of a path begins with a letter, a number with a digit",
    ),
)


@dataclass(frozen=True)
class Leniency:
    """A class of queries that we accept and the judge refuses."""

    name: str
    pattern: str
    """What the judge stumbles over."""
    rewritten: str
    """The same said so that the judge must accept it: the proof that nothing else is wrong."""
    why: str

    def as_judge_reads(self, query: str) -> str:
        return re.sub(self.pattern, self.rewritten, query, flags=re.IGNORECASE)


ACCEPTED_HERE = (
    Leniency(
        "white space inside two-word key words",
        r"\b(ORDER|GROUP|NOT|NULLS)\s+(BY|IN|FIRST|LAST)\b",
        r"\1 \2",
        "the judge reads ORDER BY, GROUP BY, NOT IN and NULLS FIRST as one token with one blank",
    ),
    Leniency(
        "leading zeros",
        r"\b(LIMIT|OFFSET)\s+0+(?=\d)",
        r"\1 ",
        "the judge ends a whole number after a first zero; 00 is 0 here",
    ),
    Leniency(
        "line break inside a string",
        r"('[^'\n]*)\n([^'\n]*')",
        r"\1 \2",
        "the judge wants \\n; the reference does not forbid the character itself",
    ),
)


def in_judge_terms(query: str) -> str:
    """The query with everything of `ACCEPTED_HERE` said in the judge's way."""
    for one in ACCEPTED_HERE:
        query = one.as_judge_reads(query)
    return query


def complaint_about(query: str) -> Complaint | None:
    """What our parser says against a query; None when it accepts it."""
    try:
        parse(query)
    except SalesforceError as exc:
        if exc.code != "MALFORMED_QUERY":
            return Complaint("", exc.message)
        # "\n<40 characters around the place>\n<blanks>^\n<message>"
        found = re.fullmatch(r"\n(.*?)\n( *)\^\n(.*)", exc.message, re.DOTALL)
        if found is None:
            raise ValueError(f"not a complaint with its place: {exc.message!r}") from exc
        shown, blanks, text = found.group(1), len(found.group(2)), found.group(3)
        places = (at for at in range(len(query) + 1) if query[max(0, at - 20) : at + 20] == shown)
        return Complaint(query[: next(at for at in places if min(at, 20) == blanks)], text)
    return None
