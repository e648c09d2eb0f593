"""Journal entries as text for hledger (https://hledger.org/hledger.html): a second reader of the
books, which refuses what does not balance."""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.domain.ledger import EntryLine, PostedJournal
from dealthread.domain.money import EXPONENTS

_FORBIDDEN = str.maketrans(dict.fromkeys("\r\n;|()", " "))


def to_hledger(journals: Iterable[PostedJournal]) -> str:
    """A journal file that `hledger check --strict` accepts: accounts and commodities declared,
    entries in order of day and number. Customers appear by our key only."""
    ordered = sorted(journals, key=lambda one: (one.posting_date, one.number, one.ref.native_id))
    lines = [(one, line) for one in ordered for line in one.lines]
    currencies = sorted({line.amount.currency for _, line in lines})
    accounts = sorted({_account(one, line) for one, line in lines})
    head = [
        *(f"commodity 1000.{'0' * EXPONENTS[code]} {code}" for code in currencies),
        *(f"account {name}" for name in accounts),
    ]
    return "\n\n".join(["\n".join(head), *map(_entry, ordered)]) + "\n"


def _entry(journal: PostedJournal) -> str:
    number = f"({_plain(journal.number)}) " if journal.number else ""
    text = _plain(journal.description) or "entry"
    key = f"  ; document:{journal.document_key}" if journal.document_key else ""
    first = f"{journal.posting_date.isoformat()} {number}{text}{key}"
    return "\n".join([first, *(_posting(journal, line) for line in journal.lines)])


def _posting(journal: PostedJournal, line: EntryLine) -> str:
    signed = line.signed
    notes = []
    if line.customer_key:
        notes.append(f"customer:{_plain(line.customer_key)}")
    if line.document_amount is not None:
        notes.append(
            f"document_amount:{line.document_amount.amount} {line.document_amount.currency}"
        )
    note = f"  ; {', '.join(notes)}" if notes else ""
    return f"    {_account(journal, line)}  {signed.amount} {signed.currency}{note}"


def _account(journal: PostedJournal, line: EntryLine) -> str:
    return f"{_plain(journal.company)}:{_plain(line.account)}"


def _plain(text: str) -> str:
    """One line without the characters that mean something to hledger."""
    return " ".join(text.translate(_FORBIDDEN).split())
