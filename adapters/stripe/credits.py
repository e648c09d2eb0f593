"""Credit notes of a change: planned on what was billed, previewed, made once, found again."""

from __future__ import annotations

from dataclasses import dataclass, field

from stripe.params import CreditNoteCreateParams

from adapters.http import act_key
from adapters.stripe import translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.change_requests import BEGUN, CHANGE
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.credit_plan import (
    REFUSED,
    BilledLine,
    GivenBack,
    Note,
    allocated,
    billed_lines,
    is_of,
    less,
    memo_to_be,
    params_of,
)
from adapters.stripe.credit_reading import memo_of
from adapters.stripe.invoices import FIRST, Invoices
from adapters.stripe.paging import pages, rows_of
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditMemo
from dealthread.errors import ContractDrift
from dealthread.outcome import Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement

_CREDITABLE = ("draft", "open", "paid")


@dataclass
class Ledger:
    """What a subscription billed, and what credits did with it."""

    invoices: dict[str, Answer] = field(default_factory=dict)
    lines: list[BilledLine] = field(default_factory=list)
    rooms: dict[str, int] = field(default_factory=dict)
    """By invoice, its total less all credit notes."""
    given: dict[str, GivenBack] = field(default_factory=dict)
    """By invoice, what all credit notes gave back of its payments."""
    own: list[tuple[Answer, list[Answer]]] = field(default_factory=list)
    """Credit notes of the change itself, with their lines."""
    keys: dict[str, str] = field(default_factory=dict)
    """By invoice line, the contract line."""

    def own_by_line(self) -> dict[str, int]:
        """What the change has credited already."""
        found: dict[str, int] = {}
        for _, lines in self.own:
            for line in lines:
                key = self.keys.get(translate.text(line, "invoice_line_item"), "")
                found[key] = found.get(key, 0) + translate.minor(line, "amount")
        return found


class Credits:
    """Works on one account at a time."""

    def __init__(self, tax_rates: TaxRates, invoices: Invoices) -> None:
        self._tax_rates = tax_rates
        self._invoices = invoices

    async def ledger(
        self, account: BillingAccount, row: Answer, command: ChangeAgreement, key: str
    ) -> Ledger:
        """All that a subscription billed; nothing is read where nothing is credited."""
        found = Ledger()
        if not command.credits or row.get("object") == "subscription_schedule":
            return found
        keys = LineKeysOfContract(row, command.before)
        async for invoice in self._invoices.of_subscription(account, str(row["id"])):
            marked = translate.mapping(invoice, "parent", "subscription_details", "metadata")
            if key and act_key(key) in (marked.get(CHANGE), marked.get(BEGUN)):
                # What the change itself charged is not what it gives back.
                continue
            await self.add(account, found, invoice, keys, key)
        return found

    async def add(
        self,
        account: BillingAccount,
        found: Ledger,
        invoice: Answer,
        keys: translate.LineKeys,
        key: str,
    ) -> None:
        """An invoice with its lines and notes; those of the act with this key are its own."""
        native_id = str(invoice["id"])
        found.invoices[native_id] = invoice
        found.rooms[native_id] = translate.minor(invoice, "total")
        billed = billed_lines(invoice, await self._invoices.lines(account, invoice), keys)
        found.keys.update({line.native_id: line.line_key for line in billed})
        noted: dict[str, int] = {}
        for note in await self.notes(account, invoice):
            if note.get("status") != "issued":
                continue
            found.rooms[native_id] -= translate.minor(note, "total")
            found.given[native_id] = found.given.get(native_id, GivenBack()).and_of(note)
            note_lines = await self.note_lines(account, note)
            if is_of(note, act_key(key)):
                found.own.append((note, note_lines))
            for line in note_lines:
                name = translate.text(line, "invoice_line_item")
                noted[name] = noted.get(name, 0) + translate.minor(line, "amount")
        # What was credited on an invoice before it was given up counts all the same.
        if invoice.get("status") in _CREDITABLE:
            found.lines += less(billed, noted)

    def plan(self, ledger: Ledger, row: Answer, command: ChangeAgreement) -> list[Note] | Rejected:
        """The notes that are still to be made."""
        notes = allocated(command.credits, ledger.own_by_line(), ledger.lines, ledger.rooms)
        if isinstance(notes, Rejected):
            return notes
        for note in notes:
            invoice = ledger.invoices[note.invoice]
            is_first = invoice.get("billing_reason") == FIRST
            if is_first and invoice.get("status") == "draft" and translate.is_held(row):
                # A person reviews it; it is not sent past him to be credited.
                return Rejected(REFUSED, "first_invoice_held", "credits")
        return notes

    async def make(
        self,
        account: BillingAccount,
        notes: list[Note],
        ledger: Ledger,
        command: ChangeAgreement,
        key: str,
    ) -> list[Answer] | Rejected | Unknown:
        """One note for each invoice. A draft is finalised first: it gets its number and is
        corrected at once, and goes out by itself only where something is left to pay."""
        made = []
        for note in notes:
            invoice = ledger.invoices[note.invoice]
            if invoice.get("status") == "draft":
                advance = note.total < translate.minor(invoice, "total")
                finalised = await self._invoices.finalise(
                    account, note.invoice, advance, f"{key}:8:{note.invoice}"
                )
                if isinstance(finalised, Rejected | Unknown):
                    return finalised
                invoice = finalised
            params = params_of(
                note,
                invoice,
                {CHANGE: act_key(key)},
                refund=command.refund,
                given=ledger.given.get(note.invoice, GivenBack()),
            )

            async def find(native_id: str = note.invoice) -> Answer | None:
                return await self._own_note(account, native_id, key)

            outcome = await account.write_again_after_saved_answer(
                "credit_invoice",
                # The default binds this round's parameters.
                lambda options, asked=params: account.v1.credit_notes.create_async(  # type: ignore[misc]
                    asked, options
                ),
                f"{key}:9:{note.invoice}",
                find,
            )
            if isinstance(outcome, Rejected | Unknown):
                return outcome
            made.append(outcome)
        return made

    async def memos(
        self, account: BillingAccount, row: Answer, command: ChangeAgreement, key: str
    ) -> tuple[CreditMemo, ...]:
        """The notes that the change has made, in the order in which they were previewed."""
        ledger = await self.ledger(account, row, command, key)
        return tuple(memo_of(account.key, note, lines, ledger.keys) for note, lines in ledger.own)

    async def previews(
        self, account: BillingAccount, notes: list[Note], ledger: Ledger, command: ChangeAgreement
    ) -> tuple[CreditMemo, ...]:
        """The biller's own previews; a draft's credit is counted by the same rules."""
        found = []
        for note in notes:
            invoice = ledger.invoices[note.invoice]
            if invoice.get("status") == "draft":
                currency = command.before.currency
                found.append(memo_to_be(account.key, note, currency, refund=command.refund, paid=0))
                continue
            given = ledger.given.get(note.invoice, GivenBack())
            params = params_of(note, invoice, {}, refund=command.refund, given=given)
            found.append(await self.preview_of(account, params, ledger))
        return tuple(found)

    async def preview_of(
        self, account: BillingAccount, params: CreditNoteCreateParams, ledger: Ledger
    ) -> CreditMemo:
        """The biller's preview of one note."""
        row = await account.read(
            "preview_credit_note",
            lambda: account.v1.credit_notes.preview_async(params),
        )
        shown = dict(translate.mapping(row, "lines"))
        if shown.get("has_more"):
            raise ContractDrift("preview_with_more_lines", field="lines.has_more")
        return memo_of(account.key, row, rows_of(shown), ledger.keys, is_preview=True)

    async def _own_note(self, account: BillingAccount, invoice: str, key: str) -> Answer | None:
        for note in await self.notes(account, {"id": invoice}):
            if is_of(note, act_key(key)):
                return note
        return None

    async def notes(self, account: BillingAccount, invoice: Answer) -> list[Answer]:
        """All notes of an invoice, newest first, void ones among them."""
        if invoice.get("status") == "draft":
            return []
        native_id = str(invoice["id"])
        return [
            row
            async for row in pages(
                account,
                "list_credit_notes",
                lambda after: account.v1.credit_notes.list_async(
                    {
                        "invoice": native_id,
                        "limit": 100,
                        **({"starting_after": after} if after else {}),
                    }
                ),
            )
        ]

    async def note_lines(self, account: BillingAccount, note: Answer) -> list[Answer]:
        """All lines of a note."""
        embedded = dict(translate.mapping(note, "lines"))
        if not embedded.get("has_more"):
            return rows_of(embedded)
        native_id = str(note["id"])
        return [
            row
            async for row in pages(
                account,
                "list_credit_note_lines",
                lambda after: account.v1.credit_notes.line_items.list_async(
                    native_id, {"limit": 100, **({"starting_after": after} if after else {})}
                ),
            )
        ]


class LineKeysOfContract(translate.LineKeys):
    """As `LineKeys`; a line of an item that the biller replaced by itself, where a phase began, is
    told by its product and its day where only one line of the contract has them."""

    def __init__(self, row: translate.Data, contract: Contract) -> None:
        super().__init__(translate.items_of(row), retired=translate.retired_items_of(row))
        self._contract = contract

    def of(self, line: translate.Data) -> str:
        """The line key, or ""."""
        known = super().of(line)
        start = translate.day(line, "period", "start")
        if known and self._billed(known, line):
            return known
        product = translate.text(line, "pricing", "price_details", "product")
        keys = {
            one.line_key
            for one in self._contract.lines
            if one.billing_product == product
            and start is not None
            and one.start_date <= start
            and (one.end_date is None or start < one.end_date)
        }
        return keys.pop() if len(keys) == 1 else known

    def _billed(self, key: str, line: translate.Data) -> bool:
        """Whether the contract has this line on that day: an item goes on under the key of the
        phase that bills it now."""
        start = translate.day(line, "period", "start")
        spans = [one for one in self._contract.lines if one.line_key == key]
        return start is None or any(
            one.start_date <= start and (one.end_date is None or start < one.end_date)
            for one in spans
        )
