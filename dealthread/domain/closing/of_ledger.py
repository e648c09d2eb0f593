"""T4 to T7 and T11 of a month: the documents that we recorded, against the ledger.

In the ledger's currency a document counts with the amount that its owner told; of another currency
with what the ledger made of it at the document's own rate, which nobody else knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dealthread.domain.closing.books import (
    CONTROLLED,
    CREDIT_BALANCE,
    DEFERRED,
    RECEIVABLE,
    UNAPPLIED,
    UNBILLED,
    Books,
    OwnDocument,
    by_currency,
    given_as,
    in_document_currency,
    lines_on,
    posted_as,
    signed,
)
from dealthread.domain.closing.cash import CustomerMoney, check_customers
from dealthread.domain.closing.documents import ControlAccount, check_control_accounts
from dealthread.domain.closing.of_summaries import in_summary
from dealthread.domain.closing.rolled import (
    CreditBalanceRoll,
    ReceivableRoll,
    UnappliedRoll,
    check_credit_balance,
    check_receivable,
    check_unapplied,
)
from dealthread.domain.closing.tie import Answer, Scope
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.position.entry import Figure
from dealthread.domain.position.facts import OUT_OF_SUMMARY, RECOVERED, REOPENED
from dealthread.domain.posted import DocumentKind


def balance_answers(books: Books) -> Iterator[Answer]:
    """In the ledger's currency; T7 by the contracts' currencies."""
    scope = Scope(seller=books.seller, currency=books.currency)
    yield check_receivable(scope, _receivable(books))
    yield check_credit_balance(scope, _credit_balance(books))
    yield check_unapplied(scope, _unapplied(books))
    for currency, _ in by_currency(books.contracts):
        customers = _customers(books, currency)
        yield check_customers(Scope(seller=books.seller, currency=currency), customers)
    yield check_control_accounts(scope, _accounts(books))


# ------------------------------------------------------------ rolls


def _by_hand(books: Books, account: str) -> Money:
    """Entries of the month on an account that people made: debit less credit."""
    return Money.total(
        (
            signed(lines_on(one, account), books.currency)
            for one in books.month
            if books.is_by_hand(one)
        ),
        books.currency,
    )


def _receivable(books: Books) -> ReceivableRoll:
    zero = Money.zero(books.currency)
    forms = given_as(books)

    def of(one: OwnDocument, told: Money, sign: int) -> Money:
        if one.document.currency == books.currency:
            return told
        return (
            books.made_by(one.document, RECEIVABLE)
            if sign > 0
            else -books.made_by(one.document, RECEIVABLE)
        )

    def settled(one: OwnDocument) -> Money:
        return one.document.gross - one.document.open_amount

    loss = Money.total(
        (
            signed(lines_on(journal, "7000"), books.currency)
            for journal in books.month
            if journal.document_key in books.documents
        ),
        books.currency,
    )
    # What a foreign receipt settled is the invoice's amount: money that came in and the loss.
    paid = [of(one, settled(one), -1) for one in posted_as(books, DocumentKind.RECEIPT)]
    undone = list(posted_as(books, DocumentKind.REVERSAL))
    given_up = [of(one, one.document.gross, -1) for one in posted_as(books, DocumentKind.WRITE_OFF)]
    given_up += [-of(one, one.document.gross, 1) for one in undone if one.step == RECOVERED]
    return ReceivableRoll(
        account=RECEIVABLE,
        opening=books.balance(books.opening, RECEIVABLE),
        invoiced=Money.total(
            (of(one, one.document.gross, 1) for one in posted_as(books, DocumentKind.INVOICE)),
            books.currency,
        ),
        credits_applied=Money.total(
            (
                of(one, _applied(forms.get(one.document.number), one), -1)
                for one in posted_as(books, DocumentKind.CREDIT_MEMO)
            ),
            books.currency,
        ),
        receipts_applied=Money.total(paid, books.currency) - loss,
        written_off=Money.total(given_up, books.currency),
        reopened=Money.total(
            (of(one, one.document.gross, 1) for one in undone if one.step == REOPENED),
            books.currency,
        ),
        unrealised=zero,
        realised_loss=loss if loss.amount > 0 else zero,
        realised_gain=zero if loss.amount > 0 else -loss,
        closing=books.balance(books.closing, RECEIVABLE),
        by_hand=_by_hand(books, RECEIVABLE),
    )


def _applied(forms: Mapping[CreditForm, Money] | None, one: OwnDocument) -> Money:
    """Part of a credit that lowers an invoice; all of it where its biller tells no other form.
    What takes an invoice out of a summary goes through the processor's account."""
    if one.step == OUT_OF_SUMMARY:
        return Money.zero(one.document.currency)
    if forms is None:
        return one.document.gross
    return forms.get(CreditForm.OPEN_INVOICE, Money.zero(one.document.currency))


def _credit_balance(books: Books) -> CreditBalanceRoll:
    zero = Money.zero(books.currency)
    forms = given_as(books)
    kept = [
        forms.get(one.document.number, {}).get(CreditForm.BALANCE, zero)
        for one in posted_as(books, DocumentKind.CREDIT_MEMO)
        if one.document.currency == books.currency
    ]
    used = [one for one in posted_as(books, DocumentKind.RECEIPT) if one.is_balance]
    return CreditBalanceRoll(
        account=CREDIT_BALANCE,
        opening=-books.balance(books.opening, CREDIT_BALANCE),
        credits_kept=Money.total(kept, books.currency),
        overpayments=zero,
        applied=Money.total(
            (one.document.gross for one in used if one.document.currency == books.currency),
            books.currency,
        ),
        refunded=zero,
        closing=-books.balance(books.closing, CREDIT_BALANCE),
        by_hand=-_by_hand(books, CREDIT_BALANCE),
    )


def _unapplied(books: Books) -> UnappliedRoll:
    receipts = [
        one
        for one in posted_as(books, DocumentKind.RECEIPT)
        if one.document.currency == books.currency and not one.is_balance
    ]
    came_in = [one.document for one in receipts if not books.is_from_unapplied(one)]
    came_in += [one for one in books.banked if books.is_within(one.posting_date)]
    settled = [one.document.gross - one.document.open_amount for one in receipts]
    return UnappliedRoll(
        account=UNAPPLIED,
        opening=-books.balance(books.opening, UNAPPLIED),
        received=Money.total(
            (one.gross for one in came_in if one.currency == books.currency), books.currency
        ),
        applied=Money.total(settled, books.currency),
        refunded=Money.zero(books.currency),
        closing=-books.balance(books.closing, UNAPPLIED),
        by_hand=-_by_hand(books, UNAPPLIED),
    )


# ------------------------------------------------------------ customers


def _customers(books: Books, currency: str) -> list[CustomerMoney]:
    told: dict[str, dict[str, Money]] = {}

    def add(customer: str, name: str, amount: Money) -> None:
        sums = told.setdefault(customer, {})
        sums[name] = sums.get(name, Money.zero(currency)) + amount

    for facts in books.contracts:
        contract = facts.versions[-1].contract
        if contract.currency != currency:
            continue
        add(contract.customer_key, "invoiced", books.sum_of(facts, Figure.INVOICED_GROSS))
        add(contract.customer_key, "received", books.sum_of(facts, Figure.COLLECTED))
        add(contract.customer_key, "written_off", books.sum_of(facts, Figure.WRITTEN_OFF))
        if facts.opening is not None:
            for owed in facts.opening.owed.values():
                add(contract.customer_key, "receivable", owed)
    owner = {one.contract_key: one.versions[-1].contract.customer_key for one in books.contracts}
    signs = {RECEIVABLE: ("receivable", 1), CREDIT_BALANCE: ("credit_balance", -1)}
    signs[UNAPPLIED] = ("unapplied", -1)
    for journal in books.journals:
        for customer, part in in_summary(books, journal, currency, owner):
            add(customer, "receivable", part)
        own = books.documents.get(journal.document_key)
        if own is None or own.document.currency != currency or books.is_brought(journal):
            continue
        # Of the bank's money each customer's part is what is applied; the rest is nobody's yet.
        skipped = UNAPPLIED if books.is_from_unapplied(own) else ""
        for account, (name, sign) in signs.items():
            if account == skipped:
                continue
            for line in lines_on(journal, account):
                amount = in_document_currency(line, currency)
                if amount is not None:
                    add(owner[own.contract_key], name, amount if sign > 0 else -amount)
    zero = Money.zero(currency)
    names = ("invoiced", "received", "written_off", "receivable", "credit_balance", "unapplied")
    return [
        CustomerMoney(
            customer_key=customer,
            # Credits are in `invoiced` already, refunds in `received`.
            credited=zero,
            refunded=zero,
            **{name: sums.get(name, zero) for name in names},
        )
        for customer, sums in sorted(told.items())
    ]


# ------------------------------------------------------------ control accounts


def _accounts(books: Books) -> list[ControlAccount]:
    zero = Money.zero(books.currency)
    sums = dict.fromkeys(CONTROLLED, zero)
    own = [one for one in books.contracts if one.versions[-1].contract.currency == books.currency]
    for facts in own:
        billed = books.sum_of(facts, Figure.BILLED)
        billed = billed - books.sum_of(facts, Figure.USAGE_BILLED)
        for account, amount in (
            (RECEIVABLE, books.sum_of(facts, Figure.RECEIVABLE)),
            (CREDIT_BALANCE, -books.sum_of(facts, Figure.CREDIT_BALANCE)),
            (UNAPPLIED, -books.sum_of(facts, Figure.UNAPPLIED_CASH)),
            (DEFERRED, -billed),
        ):
            sums[account] = sums[account] + amount
        if facts.opening is not None:
            sums[DEFERRED] = sums[DEFERRED] + facts.opening.recognised
    own_keys = {one.contract_key for one in own}
    for used in books.used:
        if used.contract_key in own_keys:
            sums[UNBILLED] = sums[UNBILLED] + used.unbilled
    for document in books.recognised:
        for row in document.rows:
            if row.treatment != "as_used":
                sums[DEFERRED] = sums[DEFERRED] + row.ledger_amount
    for banked in books.banked:
        part = banked.gross if banked.currency == books.currency else None
        taken = books.made_by(banked, UNAPPLIED) if part is None else -part
        sums[UNAPPLIED] = sums[UNAPPLIED] + taken
    for one in books.documents.values():
        if one.document.currency == books.currency and books.is_from_unapplied(one):
            sums[UNAPPLIED] = sums[UNAPPLIED] + one.document.gross
    for foreign in books.documents.values():
        if foreign.document.currency != books.currency:
            for account in CONTROLLED:
                sums[account] = sums[account] + books.made_by(foreign.document, account)
    return [
        *(_control(books, account, sums[account]) for account in CONTROLLED),
        *_entries_of_all(books),
    ]


_WHAT = {
    RECEIVABLE: "receivables",
    UNBILLED: "unbilled receivables",
    UNAPPLIED: "unapplied cash",
    CREDIT_BALANCE: "customer credit",
    DEFERRED: "deferred revenue",
}


def _control(books: Books, account: str, sub_ledger: Money) -> ControlAccount:
    foreign = books.foreign(account)
    return ControlAccount(
        account=account,
        what=_WHAT[account],
        sub_ledger=sub_ledger,
        general_ledger=books.balance(books.closing, account),
        foreign=foreign,
        # Each is told in the checklist: who signs names them.
        named=frozenset(one.document for one in foreign if one.is_by_hand),
    )


def _entries_of_all(books: Books) -> Iterator[ControlAccount]:
    """Every account of the trial balance is the sum of its entries."""
    sums: dict[str, Money] = {}
    for journal in books.journals:
        for line in journal.lines:
            sums[line.account] = sums.get(line.account, Money.zero(books.currency)) + line.signed
    for account in sorted({*sums, *(row.account for row in books.closing)}):
        yield ControlAccount(
            account=account,
            what="all entries",
            sub_ledger=sums.get(account, Money.zero(books.currency)),
            general_ledger=books.balance(books.closing, account),
        )
