"""US01's June 2026 in memory: D1 and D4 of facts/domain.md §9, billed, paid and recognised."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from activities.planning import first_plan
from dealthread.domain.bill import Bill
from dealthread.domain.closing.books import Books, cut_off
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.ledger import PostedJournal
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.domain.position.documents import receipt_of
from dealthread.domain.position.facts import (
    AcceptedService,
    ContractFacts,
    Posting,
    RecognisedPart,
)
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receivable import LedgerInvoice, LedgerLine
from dealthread.domain.recognition.due import last_day, owed
from dealthread.domain.recognition.rows import (
    PlannedRevenue,
    RecognitionDocument,
    RecognitionState,
    month_after,
)
from dealthread.domain.versions.plan import RevenuePlanRow
from tests.fakes.ledger import FakeLedger
from tests.support import deals
from tests.support import postings as p
from tests.support.tryton import document_key
from tests.unit.position import worked
from tests.unit.versions import worked as w

JUNE = date(2026, 6, 1)
US = "US01"
COMPANY = "1"


@dataclass
class June:
    """What is recorded of it, and its ledger; a test may spoil either."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    facts: dict[str, ContractFacts] = field(default_factory=dict)
    recognised: list[RecognitionDocument] = field(default_factory=list)
    banked: list[PostedDocument] = field(default_factory=list)
    payouts: set[str] = field(default_factory=set)

    def books(self, period: date = JUNE) -> Books:
        end = month_after(period)
        return Books(
            seller=US,
            period=period,
            currency="USD",
            contracts=tuple(
                found
                for one in self.facts.values()
                if (found := cut_off(one, last_day(period))) is not None
            ),
            used=(),
            recognised=tuple(one for one in self.recognised if one.posting_date < end),
            undone=frozenset(),
            opening=self.ledger.trial_balance(COMPANY, period),
            closing=self.ledger.trial_balance(COMPANY, end),
            journals=self.ledger.journals(COMPANY, date(1900, 1, 1), end),
            config=w.config(),
            banked=tuple(self.banked),
            payouts=frozenset(self.payouts),
        )

    def replace(self, key: str, entry: PostedJournal) -> None:
        """Put an entry in the place of the one with its document key."""
        self.ledger.entries = [
            entry if one.document_key == key else one for one in self.ledger.entries
        ]

    def entry(self, key: str) -> PostedJournal:
        return next(one for one in self.ledger.entries if one.document_key == key)


def june() -> June:
    """All that happened by the end of June, right."""
    it = June()
    d1, d4 = worked.d1(), worked.d4()
    _contract(it, "d1", d1.versions[0], d1.bills[0], deals.HARBORLINE, "US-TX-SAAS", paid=True)
    invoice = d4.bills[0].model_copy(update={"number": "US-000002"})
    _contract(it, "d4", d4.versions[0], invoice, deals.COBALT, "US-NY-SAAS", paid=False)
    it.facts["d1"] = it.facts["d1"].model_copy(
        update={
            "accepted": (
                AcceptedService(
                    obligation="L2",
                    accepted_on=date(2026, 2, 13),
                    amount=Money.of("2500.00", "USD"),
                ),
            )
        }
    )
    for month in range(1, 7):
        _recognise(it, date(2026, month, 1))
    return it


def _contract(
    it: June,
    name: str,
    version: AcceptedVersion,
    bill: Bill,
    party: Party,
    tax_code: str,
    *,
    paid: bool,
) -> None:
    key = f"C-{name.upper()}"
    contract = version.contract.model_copy(update={"key": key, "customer_key": party.key})
    version = version.model_copy(update={"contract": contract})
    bill = bill.model_copy(update={"contract_key": key, "customer_key": party.key})
    command = invoice_of(bill, party, tax_code)
    posted: list[tuple[str, PostedDocument]] = [("erp.invoice", it.ledger.invoice(command))]
    receipts: dict[str, PostedDocument] = {}
    if paid:
        (payment,) = bill.payments
        amount = str(payment.amount.amount)
        receipt = p.receipt("1050", str(payment.paid_on), amount, (command, amount))
        posted.append(("erp.receipt", it.ledger.receipt(receipt)))
        receipts[receipt_of(bill, payment.ref.native_id)] = posted[-1][1]
    it.facts[name] = ContractFacts(
        contract_key=contract.key,
        state=ContractState.ACTIVE,
        versions=(version,),
        bills=(bill,),
        postings=tuple(
            Posting(
                business_key=f"invoice:{bill.ref.account}:{bill.ref.native_id}",
                step=step,
                state="done",
                amount=document.gross,
                document=document,
            )
            for step, document in posted
        ),
        receipts=receipts,
        planned=tuple(RevenuePlanRow(**vars(one)) for one in first_plan(contract, w.config())),
    )


def invoice_of(bill: Bill, party: Party, tax_code: str) -> LedgerInvoice:
    def line(at: int) -> LedgerLine:
        one = bill.lines[at]
        code = tax_code if one.tax else "US-TX-SVC0"
        return p.line(
            "2300", str(one.net.amount), code, str(one.tax.amount), "USD", key=one.line_key
        )

    lines = [line(at) for at in range(len(bill.lines))]
    made = p.invoice(COMPANY, party, str(bill.issue_date), *lines)
    return made.model_copy(update={"number": bill.number})


def _recognise(it: June, month: date) -> None:
    rows = [row for name in it.facts for row in _planned(it.facts[name])]
    due = [row for row in owed(rows, (), month_after(month), "USD", {}) if row.month == month]
    document = RecognitionDocument(
        document_key=document_key(),
        seller=US,
        period=month,
        number=1,
        erp="tryton",
        company=COMPANY,
        posting_date=last_day(month),
        deferred_account="2300",
        currency="USD",
        ledger_currency="USD",
        state=RecognitionState.POSTED,
        rows=tuple(due),
    )
    it.ledger.journal(document.journal())
    it.recognised.append(document)
    for name, facts in it.facts.items():
        parts = tuple(
            RecognisedPart(
                obligation=row.obligation,
                line_key=row.line_key,
                posting_date=last_day(month),
                amount=row.amount,
            )
            for row in due
            if row.contract_key == facts.contract_key
        )
        it.facts[name] = facts.model_copy(update={"recognised": (*facts.recognised, *parts)})


def _planned(facts: ContractFacts) -> list[PlannedRevenue]:
    contract: Contract = facts.versions[-1].contract
    rows = [
        PlannedRevenue(contract_key=contract.key, version=contract.version, **vars(row))
        for row in facts.planned
    ]
    rows += [
        PlannedRevenue(
            contract_key=contract.key,
            version=contract.version,
            obligation=one.obligation,
            line_key=one.obligation,
            account="4200",
            month=one.accepted_on.replace(day=1),
            amount=one.amount,
            treatment="on_acceptance",
        )
        for one in facts.accepted
    ]
    return rows
