"""Credit notes that a person asks for: one on one invoice, previewed, made once, found again."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

from stripe.params import CreditNoteCreateParams

from adapters.http import act_key
from adapters.stripe import requests, translate
from adapters.stripe.bills import SUBSCRIPTION, line_keys
from adapters.stripe.change_requests import CHANGE
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.credit_plan import (
    REFUSED,
    GivenBack,
    StripeReason,
    allocated,
    params_of,
)
from adapters.stripe.credit_reading import memo_of
from adapters.stripe.credits import Credits, Ledger
from adapters.stripe.errors import lost_after_effect
from dealthread.domain.credit_order import CreditReason
from dealthread.domain.documents import CreditMemo
from dealthread.errors import NotFound, StepRejected, TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import CreditInvoice, CreditLine

_REASONS: dict[CreditReason, StripeReason] = {
    CreditReason.DUPLICATE: "duplicate",
    CreditReason.SERVICE: "product_unsatisfactory",
    CreditReason.ORDER_CHANGE: "order_change",
}
"""Stripe has no word for goodwill: such a note names no reason."""
_CREDITABLE = ("open", "paid")


class InvoiceCredits:
    """Works on one account at a time."""

    def __init__(self, credits: Credits) -> None:
        self._credits = credits

    async def preview(self, account: BillingAccount, command: CreditInvoice) -> CreditMemo:
        """The biller's preview. Raises NotFound and StepRejected."""
        ledger = await self._ledger(account, command, "")
        params = self._params(command, ledger, "")
        if isinstance(params, Rejected):
            raise StepRejected.of(params)
        return await self._credits.preview_of(account, params, ledger)

    async def give(
        self, account: BillingAccount, command: CreditInvoice, key: str
    ) -> Outcome[CreditMemo]:
        """The note, made unless it is there."""
        try:
            ledger = await self._ledger(account, command, key)
        except NotFound:
            return Rejected(REFUSED, "invoice_not_found", "invoice")
        found = self._own(account, ledger)
        if found is not None:
            return Done(found)
        params = self._params(command, ledger, key)
        if isinstance(params, Rejected):
            return params

        async def find() -> Answer | None:
            again = await self._ledger(account, command, key)
            return again.own[0][0] if again.own else None

        # What is paid back depends on what is paid by then: a repeat after a payment is another
        # request, and the first one, should it still arrive, is refused for that.
        digest = sha256(repr(params).encode()).hexdigest()[:8]
        made = await account.write_again_after_saved_answer(
            "credit_invoice",
            lambda options: account.v1.credit_notes.create_async(params, options),
            f"{key}:9:{digest}",
            find,
        )
        if isinstance(made, Rejected | Unknown):
            return made
        try:
            lines = await self._credits.note_lines(account, made)
        except TransportError as error:
            return lost_after_effect(error)
        return Done(memo_of(account.key, made, lines, ledger.keys))

    async def find(
        self, account: BillingAccount, command: CreditInvoice, key: str
    ) -> CreditMemo | None:
        """What the act with this key made."""
        try:
            return self._own(account, await self._ledger(account, command, key))
        except NotFound:
            return None

    async def _ledger(self, account: BillingAccount, command: CreditInvoice, key: str) -> Ledger:
        native_id = command.invoice_id
        if not native_id:
            # Without an id the address would be that of the list.
            raise NotFound("billing_object_not_found")
        row = await account.read(
            "read_invoice",
            lambda: account.v1.invoices.retrieve_async(
                native_id, {"expand": [".".join(SUBSCRIPTION)]}
            ),
        )
        found = Ledger()
        keys = line_keys(translate.mapping(row, *SUBSCRIPTION))
        await self._credits.add(account, found, row, keys, key)
        return found

    def _own(self, account: BillingAccount, ledger: Ledger) -> CreditMemo | None:
        for note, lines in ledger.own:
            return memo_of(account.key, note, lines, ledger.keys)
        return None

    def _params(
        self, command: CreditInvoice, ledger: Ledger, key: str
    ) -> CreditNoteCreateParams | Rejected:
        ((native_id, invoice),) = ledger.invoices.items()
        status = translate.text(invoice, "status")
        if status not in _CREDITABLE:
            return Rejected(REFUSED, f"invoice_is_{status}", "invoice")
        currency = translate.text(invoice, "currency").upper()
        if currency != command.currency:
            return Rejected(REFUSED, "currency_differs", "currency", {"invoice": currency})
        wanted = [
            # Whenever it was served: the newest of the invoice's lines first.
            CreditLine(line_key=one.line_key, net=one.net, span_start=date.min, span_end=date.max)
            for one in command.lines
        ]
        notes = allocated(wanted, {}, ledger.lines, ledger.rooms)
        if isinstance(notes, Rejected):
            return notes
        if not notes:
            return Rejected(REFUSED, "nothing_to_credit", "lines")
        (note,) = notes
        marks = {CHANGE: act_key(key), requests.CREDIT_REASON: command.cause.value}
        return params_of(
            note,
            invoice,
            {name: value for name, value in marks.items() if value} if key else {},
            refund=command.refund,
            given=ledger.given.get(native_id, GivenBack()),
            reason=_REASONS.get(command.cause),
        )
