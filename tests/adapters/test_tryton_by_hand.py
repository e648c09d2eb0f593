"""OB-09: what people book in Tryton by its own wizards and entries is told as theirs, with the
document of ours that it is counted against; nothing of ours is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from adapters.erp.tryton.factory import create
from dealthread.domain.ledger import PostedJournal
from dealthread.domain.position.by_hand import WATCHED, moved_by
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receivable import LedgerInvoice
from dealthread.outcome import Outcome
from tests.adapters.posting_ledger import FIRST, LAST, US
from tests.support import postings as p
from tests.support.tryton import done
from tests.support.tryton_accountant import Accountant

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


async def _posted(act: Callable[..., Awaitable[Outcome[Any]]], command: object) -> PostedDocument:
    document: PostedDocument = done(await act(command, idempotency_key="k"))
    return document


async def test_what_people_book_is_told_and_nothing_of_ours(
    tryton_server: RunningTryton, tryton_http: httpx.AsyncClient
) -> None:
    """Two invoices of 106.60. Of the first 40.00 are paid by the wizard, and it is credited by the
    wizard that copies our key; the second is given up by an entry that closes it; 15.00 of deferred
    revenue are moved. Our own receipt of 30.00, credit and journal are not told."""
    # A machine that does much else is slow, and here nobody looks before he repeats.
    patient = {"read_seconds": 60, "total_seconds": 180}
    settings = tryton_server.settings.model_copy(update=patient)
    tryton_erp = create(settings, tryton_http)
    await p.onboard(tryton_erp, US, p.LIFFEY)
    others = {one.number for one in await tryton_erp.entries_by_hand(US, WATCHED, LAST, 1000)}

    async def by_hand(until: date, *customers: str) -> list[PostedJournal]:
        """But for what was there before: the company is shared with other tests."""
        known = await tryton_erp.entries_by_hand(US, WATCHED, until, 1000, customer_keys=customers)
        return [one for one in known if one.number not in others]

    def bill() -> LedgerInvoice:
        line = p.line("2300", "100.00", "US-TX-SAAS", "6.60", "USD")
        return p.invoice(US, p.LIFFEY, "2026-09-01", line)

    first, second = bill(), bill()
    made = [await _posted(tryton_erp.post_invoice, one) for one in (first, second)]
    refs = [int(one.ref.native_id) for one in made]
    await _posted(
        tryton_erp.apply_receipt, p.receipt("1000", "2026-09-02", "30.00", (first, "30.00"))
    )
    await _posted(
        tryton_erp.post_journal,
        p.journal(US, "2026-09-30", "USD", {"2300": "8.00"}, {"4000": "8.00"}),
    )
    login = tryton_server.installation.logins()["admin"]
    person = Accountant(settings, login, US, tryton_http)
    await person.pays(refs[0], "40.00", p.day("2026-09-10"), "cheque 17")
    gone = await person.books(
        p.day("2026-09-11"), "given up", p.LIFFEY.key, a6500="106.60", a1100="-106.60"
    )
    await person.reconciles(refs[1], gone)
    moved = await person.books(
        p.day("2026-09-12"), "moved", p.LIFFEY.key, a2300="15.00", a4000="-15.00"
    )
    credited = await person.credits(refs[0], p.day("2026-09-13"))
    # What the wizard leaves on the account that our documents pass through.
    off = {"a4000": "100.00", "a4900": "-100.00"}
    await person.books(p.day("2026-09-14"), "off clearing", p.LIFFEY.key, **off)

    found = await by_hand(LAST)
    told = {
        one.number: (
            str(one.posting_date),
            {
                account: str(amount)
                for account in WATCHED
                if (amount := moved_by(one, account)) is not None
            },
            one.settles,
            one.document_key,
        )
        for one in found
    }
    (paid,) = told.keys() - {gone, moved, credited}
    assert told[paid] == ("2026-09-10", {"1100": "-40.00 USD"}, (first.document_key,), "")
    assert told[gone] == ("2026-09-11", {"1100": "-106.60 USD"}, (second.document_key,), "")
    assert told[moved] == ("2026-09-12", {"2300": "-15.00 USD"}, (), "")
    assert told[credited] == ("2026-09-13", {"1100": "-106.60 USD"}, (), "")
    assert [one.number for one in found] == [credited, moved, gone, paid]
    whole = await tryton_erp.entries_by_hand(US, WATCHED, LAST, 1000)
    assert whole[:2] == await tryton_erp.entries_by_hand(US, WATCHED, LAST, 2)
    assert await by_hand(p.day("2026-09-10")) == []

    of_customer = await by_hand(LAST, p.LIFFEY.key)
    assert {one.number for one in of_customer} == {paid, gone, credited}
    nobody = await tryton_erp.entries_by_hand(US, WATCHED, LAST, 10, customer_keys=("nobody",))
    assert nobody == ()
    # The same entries are people's in the export, which a month is closed on.
    exported = {one.number: one for one in await tryton_erp.journals(US, FIRST, LAST)}
    assert {number: exported[number].settles for number in told} == {
        number: one[2] for number, one in told.items()
    }
    assert {exported[number].document_key for number in told} == {""}
    ours = {one.document_key for one in exported.values()} - {""}
    assert {first.document_key, second.document_key} <= ours
