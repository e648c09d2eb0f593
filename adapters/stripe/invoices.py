"""First invoices: find, read with all lines, hold, release, close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from stripe.params import CreditNoteCreateParams
from stripe.params._credit_note_create_params import CreditNoteCreateParamsLine

from adapters.stripe import requests, translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.errors import REJECTED, lost_after_effect
from adapters.stripe.paging import pages, rows_of
from dealthread.domain.base import Ref
from dealthread.domain.deal import CollectionMethod
from dealthread.domain.documents import Agreement
from dealthread.domain.invoice import BillingInvoice
from dealthread.errors import TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown

CLOSING = "dealthread_closing"
FIRST = "subscription_create"
VOIDABLE_SELLERS = frozenset({"US"})
"""Countries whose law lets a seller void an unsent invoice of an open period (elsewhere, and
where the country is not known, a credit note in full corrects it)."""


class Invoices:
    """Works on raw answers of one account at a time."""

    def __init__(self, tax_rates: TaxRates) -> None:
        self._tax_rates = tax_rates

    async def first_of(self, account: BillingAccount, subscription: Answer) -> Answer | None:
        """The subscription's first invoice. The latest is it while there is only one."""
        latest = subscription.get("latest_invoice")
        if not latest:
            return None
        if isinstance(latest, dict) and latest.get("billing_reason") == FIRST:
            return latest
        oldest: Answer | None = None
        async for row in self.of_subscription(account, str(subscription["id"])):
            oldest = row
        return oldest

    def of_subscription(
        self, account: BillingAccount, subscription_id: str
    ) -> AsyncIterator[Answer]:
        """All invoices of a subscription, newest first."""
        return pages(
            account,
            "list_invoices",
            lambda after: account.v1.invoices.list_async(
                {
                    "subscription": subscription_id,
                    "limit": 100,
                    **({"starting_after": after} if after else {}),
                }
            ),
        )

    async def read(
        self,
        account: BillingAccount,
        invoice: Answer,
        items: dict[str, str],
        retired: dict[str, str] | None = None,
    ) -> BillingInvoice:
        """With all its lines; the invoice object itself carries the first ten."""
        lines = await self.lines(account, invoice)
        return translate.invoice(
            account.key,
            invoice,
            lines,
            translate.LineKeys(items, retired=retired),
            await self._tax_rates.codes(account, lines),
        )

    async def retrieve(self, account: BillingAccount, native_id: str) -> Answer:
        """Present state."""
        return await account.read(
            "read_invoice", lambda: account.v1.invoices.retrieve_async(native_id)
        )

    async def hold(
        self, account: BillingAccount, invoice: Answer, key: str
    ) -> Answer | Rejected | Unknown:
        """Keep the first draft from being finalised by itself, within the hour that Stripe gives
        an invoice by mail. What is held, or beyond holding, is returned as it is."""
        if invoice.get("status") != "draft" or invoice.get("auto_advance") is False:
            return invoice
        native_id = str(invoice["id"])

        return await account.write(
            "hold_first_invoice",
            lambda options: account.v1.invoices.update_async(
                native_id, {"auto_advance": False}, options
            ),
            key,
            case_kind=REJECTED,
        )

    async def release(
        self,
        account: BillingAccount,
        subscription: Answer,
        agreement: Agreement,
        idempotency_key: str,
    ) -> Outcome[BillingInvoice]:
        """Finalise the held draft. By card, collection is set back to automatic first."""
        invoice = await self.first_of(account, subscription)
        if invoice is None:
            return Rejected(REJECTED, "no_first_invoice")
        if invoice.get("status") != "draft":
            return Done(await self.read(account, invoice, agreement.items))
        prepared = await self._collect_by_card(account, subscription, invoice, idempotency_key)
        if isinstance(prepared, Rejected | Unknown):
            return prepared
        outcome = await self.finalise(account, str(invoice["id"]), True, idempotency_key)
        if isinstance(outcome, Unknown):
            return outcome
        if isinstance(outcome, Rejected):
            # Somebody may have finalised it in between; then it is done all the same.
            present = await self.retrieve(account, str(invoice["id"]))
            if present.get("status") == "draft":
                return outcome
            outcome = present
        try:
            return Done(await self.read(account, outcome, agreement.items))
        except TransportError as error:
            return lost_after_effect(error)

    async def give_up(self, account: BillingAccount, native_id: str, key: str) -> Outcome[Ref]:
        """Mark it as uncollectible. Stripe takes that of an open one only; it may be paid later."""
        present = await self.retrieve(account, native_id)
        if present.get("status") != "uncollectible":
            outcome = await account.write(
                "mark_uncollectible",
                lambda options: account.v1.invoices.mark_uncollectible_async(
                    native_id, {}, options
                ),
                key,
                case_kind=REJECTED,
            )
            if isinstance(outcome, Rejected | Unknown):
                return outcome
        return Done(translate.ref(account.key, "invoice", native_id))

    async def close_draft(
        self, account: BillingAccount, invoice: Answer, seller_country: str, key: str
    ) -> Rejected | Unknown | None:
        """Close the draft of a cancelled agreement, in steps that can be repeated one by one.

        Stripe does not let a subscription's draft be deleted: it is finalised without collection
        and corrected at once, by voiding where the seller's law permits, else by a credit note
        in full, without e-mail."""
        native_id = str(invoice["id"])
        present = invoice
        if present.get("status") == "draft":
            finalised = await self.finalise(account, native_id, False, f"{key}:3")
            if isinstance(finalised, Rejected | Unknown):
                return finalised
            present = finalised
        if present.get("status") != "open":
            # Void already, or paid: an invoice over nothing is paid when it is finalised.
            return None
        if seller_country in VOIDABLE_SELLERS:
            voided = await account.write(
                "void_invoice",
                lambda options: account.v1.invoices.void_invoice_async(native_id, {}, options),
                f"{key}:4",
                case_kind="integration.undo_failed",
            )
            return voided if isinstance(voided, Rejected | Unknown) else None
        return await self._credit(account, present, f"{key}:4")

    async def _credit(
        self, account: BillingAccount, invoice: Answer, key: str
    ) -> Rejected | Unknown | None:
        total = translate.minor(invoice, "total")
        credited = translate.minor(invoice, "pre_payment_credit_notes_amount")
        if credited >= total:
            return None
        lines: list[CreditNoteCreateParamsLine] = [
            {
                "type": "invoice_line_item",
                "invoice_line_item": translate.text(line, "id"),
                "amount": translate.minor(line, "amount"),
            }
            for line in await self.lines(account, invoice)
            if translate.minor(line, "amount") > 0
        ]
        params: CreditNoteCreateParams = {
            "invoice": str(invoice["id"]),
            "lines": lines,
            "reason": "order_change",
            "email_type": "none",
        }
        outcome = await account.write(
            "credit_invoice",
            lambda options: account.v1.credit_notes.create_async(params, options),
            key,
            case_kind="integration.undo_failed",
        )
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        if translate.minor(outcome, "total") != total:
            return Rejected("integration.undo_failed", "credit_differs_from_invoice", "total")
        return None

    async def finalise(
        self, account: BillingAccount, native_id: str, advance: bool, key: str
    ) -> Answer | Rejected | Unknown:
        """`advance`: it is sent or charged by itself from here on."""
        return await account.write(
            "finalise_invoice",
            lambda options: account.v1.invoices.finalize_invoice_async(
                native_id, {"auto_advance": advance}, options
            ),
            key,
            case_kind=REJECTED,
        )

    async def _collect_by_card(
        self, account: BillingAccount, subscription: Answer, invoice: Answer, key: str
    ) -> Rejected | Unknown | None:
        marks = translate.mapping(subscription, "metadata")
        if translate.text(marks, requests.COLLECTION) != CollectionMethod.CARD:
            return None
        subscription_id, invoice_id = str(subscription["id"]), str(invoice["id"])
        if subscription.get("collection_method") != "charge_automatically":
            outcome = await account.write(
                "set_collection",
                lambda options: account.v1.subscriptions.update_async(
                    subscription_id, {"collection_method": "charge_automatically"}, options
                ),
                f"{key}:1",
            )
            if isinstance(outcome, Rejected | Unknown):
                return outcome
        if invoice.get("collection_method") != "charge_automatically":
            outcome = await account.write(
                "set_collection",
                lambda options: account.v1.invoices.update_async(
                    invoice_id, {"collection_method": "charge_automatically"}, options
                ),
                f"{key}:2",
            )
            if isinstance(outcome, Rejected | Unknown):
                return outcome
        return None

    async def lines(self, account: BillingAccount, invoice: Answer) -> Sequence[Answer]:
        """All lines of an invoice."""
        embedded = translate.mapping(invoice, "lines")
        if not embedded.get("has_more"):
            return rows_of(dict(embedded))
        native_id = str(invoice["id"])
        return [
            row
            async for row in pages(
                account,
                "list_invoice_lines",
                lambda after: account.v1.invoices.line_items.list_async(
                    native_id,
                    {"limit": 100, **({"starting_after": after} if after else {})},
                ),
            )
        ]


def may_be_undone(first_invoice: Answer | None) -> bool:
    """Whether the first invoice is still a draft, gone, or one that our own undo is closing."""
    if first_invoice is None or first_invoice.get("status") in ("draft", "void"):
        return True
    return bool(translate.mark(first_invoice, CLOSING))
