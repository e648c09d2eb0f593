"""What a change comes to at the fake biller: whole days, half up, tax on each line.

Its own arithmetic: neither the product's rules nor a vendor's. Regular invoices are not kept; what
they billed is counted from the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from dealthread.domain.base import Ref
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.documents import (
    Agreement,
    AgreementStatus,
    ChangedAgreement,
    CreditForm,
    CreditMemo,
    CreditMemoLine,
)
from dealthread.domain.invoice import BillingInvoice, InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.span import add_months
from dealthread.outcome import Rejected
from dealthread.ports.billing import ChangeAgreement, CreditLine


@dataclass
class Books:
    """What changes have billed and credited, by contract and line."""

    billed: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def add(self, contract: str, made: ChangedAgreement) -> None:
        """Keep the documents of a change."""
        for line in made.invoice.lines if made.invoice else ():
            self._move(contract, line.line_key, line.net.amount)
        for memo in made.credit_memos:
            for part in memo.lines:
                self._move(contract, part.line_key, -part.net.amount)

    def _move(self, contract: str, line: str, amount: Decimal) -> None:
        key = (contract, line)
        self.billed[key] = self.billed.get(key, Decimal(0)) + amount

    def refusal(self, command: ChangeAgreement, today: date) -> Rejected | None:
        """Credits beyond what was billed for the line."""
        for key in {credit.line_key for credit in command.credits}:
            wanted = sum(
                (one.net.amount for one in command.credits if one.line_key == key), Decimal(0)
            )
            known = self.billed.get((command.before.key, key), Decimal(0))
            if wanted > known + regular(command.before, key, today):
                return Rejected("billing.rejected", "credit_exceeds_what_was_billed", "credits")
        return None


def regular(contract: Contract, key: str, today: date) -> Decimal:
    """Net that the periods begun so far have billed for a line, by what held when they began."""
    found = Decimal(0)
    for line in contract.lines:
        if line.line_key != key:
            continue
        if line.kind == "one_time":
            found += line.net_per_period.amount if line.start_date <= today else 0
            continue
        for start, _ in periods(contract, today):
            if _holds(line, start):
                found += _whole(contract, line)
    return found


def changed(
    command: ChangeAgreement, today: date, agreement: Agreement, number: int
) -> ChangedAgreement:
    """Documents and agreement after a change; `number` makes new ids."""
    after, before = command.after, command.before
    is_late = agreement.status is AgreementStatus.CANCELLED and after.term_no > before.term_no
    held = [line for line in after.lines if line.kind == "recurring" and _holds(line, today)]
    items = {
        line.line_key: agreement.items.get(line.line_key, f"si_{number}_{line.line_key}")
        for line in held
    }
    is_over = after.end_date is not None and after.end_date <= today
    status = AgreementStatus.CANCELLED if is_over else agreement.status
    update: dict[str, object] = {
        "items": items,
        "status": status,
        "committed_until": after.committed_until,
    }
    invoice = None
    if is_late:
        ref = agreement.ref.model_copy(update={"native_id": f"{agreement.ref.native_id}_{number}"})
        invoice = _invoice(after, list(_first_of_term(command)), agreement.ref, number)
        update |= {
            "ref": ref,
            "subscription": ref,
            "schedule": None,
            "status": AgreementStatus.ACTIVE,
            "first_invoice": invoice,
        }
    elif command.charge_lines and command.effective_from <= today:
        lines = list(_charged(command, today))
        invoice = _invoice(after, lines, agreement.ref, number) if lines else None
    return ChangedAgreement(agreement=agreement.model_copy(update=update), invoice=invoice)


def memos(
    command: ChangeAgreement, corrects: Ref, number: int, form: CreditForm
) -> tuple[CreditMemo, ...]:
    """One credit memo for all credits of a change, on the invoice that it is told."""
    if not command.credits:
        return ()
    currency = command.before.currency
    lines = tuple(_credited(command.before, credit) for credit in command.credits)
    net = Money.total((line.net for line in lines), currency)
    tax = Money.total((line.tax for line in lines), currency)
    ref = corrects.model_copy(update={"kind": "credit_note", "native_id": f"cn_{number}"})
    return (
        CreditMemo(
            ref=ref,
            number=f"CN-{number}",
            corrects=corrects,
            lines=lines,
            net=net,
            tax=tax,
            gross=net + tax,
            forms={form: net + tax},
        ),
    )


def periods(contract: Contract, until: date) -> Iterator[tuple[date, date]]:
    """Billing periods that begin on or before a day."""
    months = contract.billing_frequency.months or contract.term_months or 12
    number = 0
    while (start := add_months(contract.start_date, months * number)) <= until:
        if contract.end_date is not None and start >= contract.end_date:
            return
        number += 1
        yield start, add_months(contract.start_date, months * number)


def _charged(command: ChangeAgreement, today: date) -> Iterator[InvoiceLine]:
    """As a biller that knows each item only as it is now: from the day of the change on, what the
    item is today is given back, and what it becomes is charged. A state that began later than the
    change is prorated from the change on all the same."""
    day = command.effective_from
    *_, (start, end) = periods(command.before, day)
    credited = {credit.line_key for credit in command.credits}
    for key in command.charge_lines:
        for contract, sign in ((command.before, -1), (command.after, 1)):
            if sign < 0 and key in credited:
                continue
            for line in contract.lines:
                if line.line_key != key or line.kind == "usage":
                    continue
                if line.kind == "one_time":
                    if sign > 0 and line not in command.before.lines:
                        yield _line(line, line.net_per_period, line.start_date, line.start_date)
                elif _holds(line, today):
                    net, until = _prorated(contract, line, day, (start, end))
                    yield _line(line, net if sign > 0 else -net, day, until)


def _prorated(
    contract: Contract, line: ContractLine, day: date, period: tuple[date, date]
) -> tuple[Money, date]:
    """What an item costs from a day of its period on: a share of what it billed when it began."""
    start, end = period
    until = min(end, line.end_date or end)
    begun = min(max(start, line.start_date), day)
    billed = _part(_whole(contract, line), contract, end - begun, end - start)
    left, gone = (_part(billed.amount, contract, end - edge, end - begun) for edge in (day, until))
    return left - gone, until


def _part(amount: Decimal, contract: Contract, of: timedelta, whole: timedelta) -> Money:
    return Money.rounded(amount * of.days / whole.days, contract.currency)


def _first_of_term(command: ChangeAgreement) -> Iterator[InvoiceLine]:
    for line in command.after.lines:
        if line.start_date == command.before.end_date:
            net = Money.rounded(_whole(command.after, line), command.after.currency)
            yield _line(line, net, line.start_date, line.end_date or line.start_date)


def _whole(contract: Contract, line: ContractLine) -> Decimal:
    months = contract.billing_frequency.months or contract.term_months or 12
    return line.quantity * line.unit_price.amount * Decimal(months) / Decimal(line.period_months)


def _holds(line: ContractLine, day: date) -> bool:
    return line.start_date <= day and (line.end_date is None or day < line.end_date)


def _tax(line: ContractLine, net: Money) -> Money:
    return Money.rounded(net.amount * line.tax.applied_rate / Decimal(100), net.currency)


def _line(line: ContractLine, net: Money, start: date, end: date) -> InvoiceLine:
    return InvoiceLine(
        line_key=line.line_key,
        quantity=str(line.quantity),
        net=net,
        tax=_tax(line, net),
        tax_rate=line.tax.code,
        period_start=start,
        period_end=end,
    )


def _credited(contract: Contract, credit: CreditLine) -> CreditMemoLine:
    line = next(one for one in contract.lines if one.line_key == credit.line_key)
    return CreditMemoLine(line_key=credit.line_key, net=credit.net, tax=_tax(line, credit.net))


def _invoice(
    contract: Contract, lines: list[InvoiceLine], agreement: Ref, number: int
) -> BillingInvoice:
    net = Money.total((line.net for line in lines), contract.currency)
    tax = Money.total((line.tax for line in lines), contract.currency)
    return BillingInvoice(
        ref=agreement.model_copy(
            update={"kind": "invoice", "native_id": f"in_{contract.key}_change_{number}"}
        ),
        number=f"N-change-{number}",
        status=InvoiceStatus.OPEN,
        currency=contract.currency,
        lines=tuple(lines),
        net=net,
        tax=tax,
        gross=net + tax,
        amount_due=net + tax,
    )
