"""Credits that were given in the biller's own pages: a person says whether they were meant.

They are posted, shown and recognised like any other, as the customer has them; what nobody did is
to order them here, where a second person approves what is large.
"""

from __future__ import annotations

from dealthread.domain.bill import Bill
from dealthread.domain.case import KINDS, CaseAnswered, CaseOpening
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditMemo
from dealthread.domain.money import Money
from dealthread.naming import case_key, invoice_id

KIND = "credit.outside"


def credits_outside(bill: Bill, contract: Contract) -> tuple[CaseOpening, ...]:
    """A case for each credit of the bill that no order and no change made; opened once."""
    return tuple(_case(bill, memo, contract) for memo in bill.outside_credits)


def taken_back_outside(bill: Bill) -> tuple[CaseAnswered, ...]:
    """The cases of credits that the biller has taken back since: nobody needs to say any more
    whether they were meant. Of one that was ordered here there is no such case."""
    return tuple(
        CaseAnswered(
            case_id=_case_id(bill, memo),
            note=f"the credit was voided at the biller on {memo.voided_on}"
            if memo.voided_on
            else "the credit was voided at the biller",
        )
        for memo in bill.voided_credits
    )


def _case_id(bill: Bill, memo: CreditMemo) -> str:
    return case_key(f"credit-outside/{bill.ref.account}/{memo.number}")


def _case(bill: Bill, memo: CreditMemo, contract: Contract) -> CaseOpening:
    run = invoice_id(bill.ref.account, bill.ref.native_id)
    return CaseOpening(
        case_id=_case_id(bill, memo),
        occurrence=1,
        kind=KIND,
        business_key=run,
        generation=1,
        contract_key=contract.key,
        workflow_id="",
        step="credit",
        code="not_ordered_here",
        summary=f"{memo.number} credits {memo.gross} on {bill.number} and was not ordered here: "
        "approve it, or void it at the biller",
        evidence={
            "credit": memo.number,
            "invoice": bill.number,
            "net": str(memo.net),
            "issued": memo.issue_date.isoformat() if memo.issue_date else "",
            **_shared(memo),
        },
        allowed=KINDS[KIND].decisions,
        money_at_risk=memo.gross,
        customer_key=contract.customer_key,
        legal_entity=contract.seller,
        region=contract.seller_region,
    )


def _shared(memo: CreditMemo) -> dict[str, str]:
    """Of a credit that names no line: what each line took of it (docs/adr/0027)."""
    sums: dict[str, Money] = {}
    for one in memo.lines:
        if one.wording:
            sums[one.line_key] = sums.get(one.line_key, Money.zero(one.net.currency)) + one.net
    return {"shared": ", ".join(f"{key} {net}" for key, net in sums.items())} if sums else {}
