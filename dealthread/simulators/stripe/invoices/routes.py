"""The operations from a charge that waits to money that moved: items, invoices, payments, credits.

A row is method, path, handler and what is accepted; a handler that is a word answers the object of
that kind by its id.
"""

from __future__ import annotations

from collections.abc import Callable

from dealthread.simulators.stripe.customers import balance
from dealthread.simulators.stripe.invoices import attached, credit_notes, draft_lines
from dealthread.simulators.stripe.invoices import create as invoice_create
from dealthread.simulators.stripe.invoices import item_params as invoice_item_params
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices import params as invoice_params
from dealthread.simulators.stripe.invoices import requests as invoices
from dealthread.simulators.stripe.payments import (
    charges,
    confirmations,
    invoice_payments,
    payment_intents,
    payment_methods,
    payment_records,
    refunds,
)
from dealthread.simulators.stripe.payments import params as payment_params
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.schema import EXPAND_ONLY, Fields, Spec, listing

Row = tuple[str, str, Callable[..., Json] | str, Spec]
_NOTHING = Fields({})
_ITEM, _LINES = "invoiceitems/{}", "invoices/{}/lines"
_BALANCE = "customers/{}/balance_transactions"

ROWS: tuple[Row, ...] = (
    ("POST", "invoiceitems", draft_lines.create_item, invoice_item_params.INVOICE_ITEM_CREATE),
    ("GET", "invoiceitems", invoice_items.listed, invoice_item_params.INVOICE_ITEM_LIST),
    ("GET", _ITEM, "invoiceitem", EXPAND_ONLY),
    ("POST", _ITEM, draft_lines.update_item, invoice_item_params.INVOICE_ITEM_UPDATE),
    ("DELETE", _ITEM, draft_lines.delete_item, _NOTHING),
    ("POST", "invoices", invoice_create.create, invoice_params.INVOICE_CREATE),
    ("GET", "invoices", invoices.listed, invoice_params.INVOICE_LIST),
    ("GET", "invoices/{}", "invoice", EXPAND_ONLY),
    ("POST", "invoices/{}", invoices.update, invoice_params.INVOICE_UPDATE),
    ("DELETE", "invoices/{}", invoice_create.delete, _NOTHING),
    ("GET", _LINES, invoices.lines, listing()),
    ("POST", f"{_LINES}/{{}}", draft_lines.update_one, invoice_params.INVOICE_LINE_UPDATE),
    ("POST", "invoices/{}/add_lines", draft_lines.add, invoice_params.INVOICE_ADD_LINES),
    ("POST", "invoices/{}/update_lines", draft_lines.update, invoice_params.INVOICE_UPDATE_LINES),
    ("POST", "invoices/{}/remove_lines", draft_lines.remove, invoice_params.INVOICE_REMOVE_LINES),
    ("POST", "invoices/{}/finalize", invoices.finalize, invoice_params.INVOICE_FINALIZE),
    ("POST", "invoices/{}/pay", invoices.pay, invoice_params.INVOICE_PAY),
    ("POST", "invoices/{}/send", invoices.send, EXPAND_ONLY),
    ("POST", "invoices/{}/mark_uncollectible", invoices.mark_uncollectible, EXPAND_ONLY),
    ("POST", "invoices/{}/void", invoices.void, EXPAND_ONLY),
    (
        "POST",
        "invoices/{}/attach_payment",
        attached.attach_payment,
        invoice_params.INVOICE_ATTACH_PAYMENT,
    ),
    ("GET", "invoice_payments", invoice_payments.listed, payment_params.INVOICE_PAYMENT_LIST),
    ("GET", "invoice_payments/{}", "invoice_payment", EXPAND_ONLY),
    (
        "POST",
        "payment_records/report_payment",
        payment_records.report_payment,
        payment_params.PAYMENT_RECORD_REPORT,
    ),
    ("GET", "payment_records", payment_records.listed, payment_params.PAYMENT_RECORD_LIST),
    ("GET", "payment_records/{}", "payment_record", EXPAND_ONLY),
    ("POST", "payment_intents", payment_intents.create, payment_params.PAYMENT_INTENT_CREATE),
    ("GET", "payment_intents", payment_intents.listed, payment_params.PAYMENT_INTENT_LIST),
    ("GET", "payment_intents/{}", "payment_intent", payment_params.PAYMENT_INTENT_RETRIEVE),
    (
        "POST",
        "payment_intents/{}/confirm",
        confirmations.confirm,
        payment_params.PAYMENT_INTENT_CONFIRM,
    ),
    (
        "POST",
        "payment_intents/{}/cancel",
        payment_intents.cancel,
        payment_params.PAYMENT_INTENT_CANCEL,
    ),
    ("GET", "charges", charges.listed, payment_params.CHARGE_LIST),
    ("GET", "charges/{}", "charge", EXPAND_ONLY),
    ("POST", "refunds", refunds.create, payment_params.REFUND_CREATE),
    ("GET", "refunds", refunds.listed, payment_params.REFUND_LIST),
    ("GET", "refunds/{}", "refund", EXPAND_ONLY),
    ("POST", "refunds/{}", refunds.update, payment_params.REFUND_UPDATE),
    ("POST", "refunds/{}/cancel", refunds.cancel, EXPAND_ONLY),
    ("POST", "credit_notes", credit_notes.create, payment_params.CREDIT_NOTE),
    ("GET", "credit_notes/preview", credit_notes.preview, payment_params.CREDIT_NOTE),
    (
        "GET",
        "credit_notes/preview/lines",
        credit_notes.preview_lines,
        payment_params.CREDIT_NOTE_PREVIEW_LINES,
    ),
    ("GET", "credit_notes", credit_notes.listed, payment_params.CREDIT_NOTE_LIST),
    ("GET", "credit_notes/{}", "credit_note", EXPAND_ONLY),
    ("POST", "credit_notes/{}", credit_notes.update, payment_params.CREDIT_NOTE_UPDATE),
    ("GET", "credit_notes/{}/lines", credit_notes.lines, listing()),
    ("POST", "credit_notes/{}/void", credit_notes.void, EXPAND_ONLY),
    ("POST", _BALANCE, balance.create, payment_params.BALANCE_CREATE),
    ("GET", _BALANCE, balance.listed, payment_params.BALANCE_LIST),
    ("GET", f"{_BALANCE}/{{}}", balance.retrieve, EXPAND_ONLY),
    ("POST", f"{_BALANCE}/{{}}", balance.update, payment_params.BALANCE_UPDATE),
    ("POST", "payment_methods/{}/detach", payment_methods.detach, EXPAND_ONLY),
    (
        "GET",
        "customers/{}/payment_methods/{}",
        payment_methods.retrieve_of_customer,
        EXPAND_ONLY,
    ),
)
