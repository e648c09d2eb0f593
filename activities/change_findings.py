"""What is found about a change, in words and amounts. Pure."""

from __future__ import annotations

import json

from activities.change_inputs import AssessChange, ChangedAmount
from activities.inputs import Finding
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import ChangeOrder, RenewalDecision, RenewalOrder
from dealthread.domain.contract import ApprovalReason, Contract
from dealthread.domain.documents import ChangedAgreement
from dealthread.domain.money import Money
from dealthread.domain.transaction import RiskLevel
from dealthread.domain.versions.money import ChangeMoney
from dealthread.domain.versions.treatment import treatments
from dealthread.errors import StepRejected


def refused_order(code: str, field: str, action: str) -> Finding:
    """An order that the contract as it stands does not take."""
    return Finding(
        rule="order",
        severity="B",
        field=field,
        value=code,
        owner="deal-desk",
        case_kind="deal.invalid_terms",
        message=action,
    )


def refused_by_system(refusal: StepRejected) -> Finding:
    """Terms that another system refuses."""
    return Finding(
        rule="order",
        severity="B",
        field=refusal.field or "order",
        value=refusal.code,
        owner="deal-desk",
        case_kind=refusal.case_kind,
        message="a system refuses these terms",
    )


def amounts_of(money: ChangeMoney) -> tuple[ChangedAmount, ...]:
    """What a change comes to, line by line."""
    return tuple(
        ChangedAmount(
            line_key=row.line_key,
            net=row.net,
            tax=row.tax,
            start_date=row.span_start,
            end_date=row.span_end,
        )
        for row in money.rows
    )


def preview_differs(
    preview: ChangedAgreement,
    amounts: tuple[ChangedAmount, ...],
    currency: str,
    config: ConfigSet,
) -> list[Finding]:
    """The biller computes what it bills; where it computes otherwise than the contract says, the
    change stops before anything is billed."""
    ours = Money.total((row.net for row in amounts), currency)
    theirs = Money.zero(currency)
    if preview.invoice is not None:
        theirs = theirs + preview.invoice.net
    for memo in preview.credit_memos:
        theirs = theirs - memo.net
    if abs((theirs - ours).to_minor()) <= config.policy.price_tolerance_minor_units:
        return []
    return [
        Finding(
            rule="V11",
            severity="B",
            field="lines",
            value=str(theirs),
            owner="deal-desk",
            case_kind="deal.price_mismatch",
            message=f"the biller's preview of the change is not {ours}",
        )
    ]


def risk_reasons(ask: AssessChange, order: ChangeOrder) -> tuple[ApprovalReason, ...]:
    """A person has to agree to an automatic renewal that customer success sees at risk."""
    automatic = isinstance(order, RenewalOrder) and order.decision is RenewalDecision.AUTOMATIC
    if not automatic or ask.risk is not RiskLevel.HIGH:
        return ()
    return (
        ApprovalReason(
            rule="R-RISK",
            queue="renewals",
            field="renewal",
            detail="customer success sees a high risk: renew without a word from the customer?",
        ),
    )


def is_declined(order: ChangeOrder) -> bool:
    """Whether the order refuses a renewal."""
    return isinstance(order, RenewalOrder) and order.decision is RenewalDecision.DECLINE


def money_at_risk(before: Contract, after: Contract, money: ChangeMoney) -> Money:
    """What hangs on the change: its net now, else by how much the contract's value moves."""
    net = Money.total((row.net for row in money.rows), before.currency)
    moved = after.tcv() - before.tcv()
    return max(abs(net), abs(moved))


def bills_alike(before: Contract, after: Contract) -> bool:
    """Whether the biller would do the same for both versions."""

    def told(contract: Contract) -> tuple[object, ...]:
        lines = sorted(
            (
                line.line_key,
                line.start_date,
                line.end_date,
                line.quantity,
                line.unit_price.amount,
                line.billing_product,
            )
            for line in contract.lines
        )
        return (lines, contract.committed_until, contract.days_until_due, contract.end_date)

    return told(before) == told(after)


def working_of(
    before: Contract, after: Contract, order: ChangeOrder, money: ChangeMoney, config: ConfigSet
) -> str:
    """Amounts and treatments with their inputs, as JSON."""
    return json.dumps(
        {
            "amounts": [row.model_dump(mode="json") for row in money.rows],
            "treatments": [
                decision.model_dump(mode="json")
                for decision in treatments(before, after, order, config)
            ],
        }
    )
