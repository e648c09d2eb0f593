"""Identities of documents: control accounts, biller and ledger, invoice numbers (T11, T12, T15)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from dealthread.domain.base import Frozen
from dealthread.domain.closing.tie import Answer, Identity, Pair, Scope, Untied, compared
from dealthread.domain.money import Money


class ForeignEntry(Frozen):
    """An entry on a control account that is none of ours."""

    document: str
    amount: Money
    description: str = ""
    is_by_hand: bool = True
    """Not under a key of ours."""


class ControlAccount(Frozen):
    """An account and the sum of the documents that stand in it."""

    account: str
    what: str
    sub_ledger: Money
    general_ledger: Money
    foreign: tuple[ForeignEntry, ...] = ()
    """Each differs, unless a person has named it in `named`."""
    named: frozenset[str] = frozenset()


def check_control_accounts(scope: Scope, accounts: Sequence[ControlAccount]) -> Answer:
    """T11: sum for sum; and only our entries and named ones touch these accounts."""
    pairs = [
        Pair(
            what=f"{one.what}: documents, against the account",
            expected=one.sub_ledger
            + Money.total(
                (entry.amount for entry in one.foreign if entry.document in one.named),
                scope.currency,
            ),
            found=one.general_ledger,
            account=one.account,
        )
        for one in accounts
    ]
    strange = [
        Untied(
            what="an entry that is none of ours and that nobody named",
            expected=Decimal(0),
            found=entry.amount.amount,
            currency=scope.currency,
            account=one.account,
            document=entry.document,
            cause=entry.description,
        )
        for one in accounts
        for entry in one.foreign
        if entry.document not in one.named
    ]
    return compared(Identity.CONTROL_ACCOUNTS, scope, pairs, strange)


class CountedDocument(Frozen):
    """An invoice, or a credit below nought, as one side tells it."""

    number: str
    total: Money
    """Gross, as the document says."""
    contract_key: str = ""
    state: str = ""
    """Of one that is not posted: why."""


def check_billed_and_posted(
    scope: Scope, billed: Sequence[CountedDocument], posted: Sequence[CountedDocument]
) -> Answer:
    """T12: total by total and in count, in the period of posting. What is on its way is told by
    document; so is what stands in the ledger twice."""
    zero = Money.zero(scope.currency)
    theirs = _by_number(billed, scope.currency)
    ours = _by_number(posted, scope.currency)
    of = {one.number: one for one in (*posted, *billed)}
    pairs = [
        Pair(
            what="billed, against posted",
            expected=theirs.get(number, zero),
            found=ours.get(number, zero),
            contract_key=of[number].contract_key,
            document=number,
            cause=of[number].state or ("" if number in ours else "not posted"),
        )
        for number in sorted({*theirs, *ours})
    ]
    counts = Counter(one.number for one in billed), Counter(one.number for one in posted)
    twice = [
        Untied(
            what="how often the document stands at the biller, and in the ledger",
            expected=Decimal(counts[0][number]),
            found=Decimal(counts[1][number]),
            document=number,
            contract_key=of[number].contract_key,
        )
        for number in sorted({*theirs, *ours})
        if counts[0][number] != counts[1][number]
    ]
    return compared(Identity.BILLED_AND_POSTED, scope, pairs, twice)


def _by_number(documents: Sequence[CountedDocument], currency: str) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for one in documents:
        found[one.number] = found.get(one.number, Money.zero(currency)) + one.total
    return found


class NumberUse(Frozen):
    """One legal number that was used."""

    number: int
    document: str
    contract_key: str = ""


class NumberSeries(Frozen):
    """Numbers of one billing account and series, from `first` on."""

    billing_account: str
    series: str
    """What stands before the number."""
    used: tuple[NumberUse, ...]
    first: int = 1
    tail: str = ""
    """What stands after it."""


def check_numbers(seller: str, series: NumberSeries) -> Answer:
    """T15: each number from the first to the last is used, once."""
    uses = Counter(one.number for one in series.used)
    last = max(uses, default=series.first - 1)
    documents = {one.number: one for one in series.used}
    wrong = []
    for number in range(series.first, last + 1):
        if uses[number] != 1:
            known = documents.get(number)
            wrong.append(
                Untied(
                    what="times the number is used",
                    expected=Decimal(1),
                    found=Decimal(uses[number]),
                    document=known.document if known else f"{series.series}{number}{series.tail}",
                    contract_key=known.contract_key if known else "",
                    account=series.billing_account,
                )
            )
    below = [one for one in series.used if one.number < series.first]
    wrong += [
        Untied(
            what="a number before the first of its series, or of no series",
            expected=Decimal(0),
            found=Decimal(1),
            document=one.document,
            contract_key=one.contract_key,
            account=series.billing_account,
        )
        for one in below
    ]
    return Answer(
        identity=Identity.NUMBERS,
        seller=seller,
        account=f"{series.billing_account} {series.series}{series.tail}".strip(),
        compared=max(last - series.first + 1, 0),
        expected=Decimal(max(last - series.first + 1, 0)),
        found=Decimal(len(series.used)),
        differences=tuple(wrong),
    )
