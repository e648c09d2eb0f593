"""The step on the biller that changes a running agreement, and the comparison with its preview."""

from __future__ import annotations

from temporalio import activity

from activities.change_inputs import BillChange, BilledChange
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import ChangedAgreement
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.billing import BillingPort

STEP = "billing.change"


class BillingChangeActivities:
    """One business step, through the billing port."""

    def __init__(self, billing: BillingPort, ensure: Ensure) -> None:
        self._billing = billing
        self._ensure = ensure

    @activity.defn(name="billing.change")
    async def change(self, order: BillChange) -> BilledChange:
        """Agreement, invoice and credit memos of the change, each once. What is billed is held
        against the preview: a difference is said, and never undone silently."""
        context, change = order.context, order.change
        key = idempotency_key(context.business_key, context.generation, "billing", "do")

        async def act(wire_key: str) -> Outcome[ChangedAgreement]:
            return await self._billing.change_agreement(change, idempotency_key=wire_key)

        made = await self._ensure(
            Write(
                spec=WriteSpec(
                    key=key,
                    step=STEP,
                    system=System.BILLING,
                    account=change.after.billing_account,
                    context=context,
                    request_hash=request_hash(change),
                    money=order.money,
                ),
                result_type=ChangedAgreement,
                find=lambda: self._billing.find_change(change, idempotency_key=key),
                act=act,
                effects=lambda changed: Effects(refs=refs_of(changed), stage="billing_changed"),
                replay_safe_for=self._billing.idempotency_window,
            )
        )
        return BilledChange(changed=made, difference=difference(order.preview, made))


def refs_of(changed: ChangedAgreement) -> tuple[Ref, ...]:
    """Agreement, invoice and credit memos, by id and by legal number."""
    agreement, invoice = changed.agreement, changed.invoice
    found = [
        ref
        for ref in (agreement.ref, agreement.subscription, agreement.schedule)
        if ref is not None
    ]
    if invoice is not None:
        found += named(invoice.ref, "invoice_number", invoice.number)
    for memo in changed.credit_memos:
        found += named(memo.ref, "credit_memo_number", memo.number)
    return tuple(found)


def named(ref: Ref | None, kind: str, number: str) -> list[Ref]:
    """A document by its id and, where it has one, by its number."""
    if ref is None:
        return []
    if not number:
        return [ref]
    return [ref, ref.model_copy(update={"kind": kind, "native_id": number})]


def difference(preview: ChangedAgreement | None, made: ChangedAgreement) -> str:
    """In what the biller's documents differ from its own preview; "" where they agree."""
    if preview is None:
        return ""
    said = []
    for name, wanted, found in (
        ("invoice", preview.invoice, made.invoice),
        *(
            (f"credit memo {at + 1}", one, other)
            for at, (one, other) in enumerate(
                zip(preview.credit_memos, made.credit_memos, strict=False)
            )
        ),
    ):
        if wanted is None and found is None:
            continue
        if wanted is None or found is None:
            said.append(f"{name}: {'not previewed' if wanted is None else 'not made'}")
        elif (wanted.net, wanted.tax, wanted.gross) != (found.net, found.tax, found.gross):
            said.append(f"{name}: {found.gross} instead of {wanted.gross}")
    if len(preview.credit_memos) != len(made.credit_memos):
        said.append(
            f"credit memos: {len(made.credit_memos)} instead of {len(preview.credit_memos)}"
        )
    return "; ".join(said)
