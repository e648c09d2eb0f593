"""The ledger's port on the real Tryton 8.2: worked deals and rules (SN-1, DM-10, T4 to T7)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.manifest import MANIFEST
from adapters.erp.tryton.rpc import TrytonRpc
from adapters.manifest import Manifest, VendorOperation
from dealthread.domain.ledger import trial_balance_of
from dealthread.domain.ledger_export import to_hledger
from dealthread.domain.party import BuyerSnapshot
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort
from tests.adapters.credit_rate_suite import CREDIT_RATES
from tests.adapters.posting_beside import BESIDE
from tests.adapters.posting_deals import DEALS
from tests.adapters.posting_ledger import DE, FIRST, LAST, UK, US, Ledger
from tests.adapters.posting_rules import RULES
from tests.adapters.rate_suite import RATES
from tests.adapters.taking_back_suite import TAKING_BACK
from tests.support import deals
from tests.support import postings as p
from tests.support.hledger import HLEDGER, MISSING, judge
from tests.support.tryton import set_rates
from tests.support.tryton_accountant import Accountant

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from collections.abc import Awaitable, Callable

    from adapters.erp.tryton.rpc import TrytonRpc
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


@pytest.mark.parametrize(
    "story",
    [*DEALS, *RULES, *BESIDE, *RATES, *CREDIT_RATES, *TAKING_BACK],
    ids=lambda story: str(story.__name__),
)
async def test_the_ledger_keeps(
    tryton_erp: ErpPort,
    tryton_server: RunningTryton,
    story: Callable[[Ledger], Awaitable[None]],
) -> None:
    """Each act twice, read back from Tryton; the trial balance balances."""
    await _rates(tryton_server)
    await story(Ledger(tryton_erp))


async def test_a_latecomer_keeps_the_rate_of_its_own_day(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """Tryton numbers by date: behind one of July an invoice of June is dated, and converted, as
    July's. Its own rate is put right, and the tax return with it."""
    await _rates(tryton_server)
    ledger, part = Ledger(tryton_erp), p.line("2300", "100.00", "DE-19", "19.00", "GBP")
    await p.onboard(tryton_erp, DE, p.PENNINE)
    # Line and tax, each by itself: 118.76 and 22.57; 117.65 and 22.35.
    for day, entered, net, tax, gross in (
        ("2026-07-01", "2026-06-29", "118.76", "22.57", "141.33"),
        ("2026-06-02", "2026-06-01", "117.65", "22.35", "140.00"),
    ):
        given = await tryton_erp.exchange_rate(DE, "GBP", p.day(day))
        assert given is not None
        assert given.rate_date == p.day(entered)
        before = await _returned(tryton_server)
        bill = p.invoice(DE, p.PENNINE, day, part, rate=given, due="2026-07-31", terms="NET30")
        posted = await ledger.do(bill)
        assert (posted.rate, posted.issue_date) == (given, p.day(day))
        assert posted.due_date == p.day("2026-07-31")
        assert posted.open_ledger_amount == p.money(gross, "EUR")
        await ledger.expect(DE, bill.document_key, a1100=gross, a2300=f"-{net}", a2120=f"-{tax}")
        after = await _returned(tryton_server)
        assert {kind: after[kind] - before[kind] for kind in after} == {
            "base": Decimal(net),
            "tax": Decimal(tax),
        }


async def test_a_latecomer_in_another_currency_with_terms_in_parts_is_refused_and_not_posted(
    tryton_erp: ErpPort, tryton_server: RunningTryton, tryton_http: httpx.AsyncClient
) -> None:
    """Each part would need an entry of its own; in the currency of the ledger it is posted."""
    await _rates(tryton_server)
    login = tryton_server.installation.logins()["admin"]
    person = Accountant(tryton_server.settings, login, DE, tryton_http)
    await person.agrees_on_halves("HALVES")
    await p.onboard(tryton_erp, DE, p.PENNINE)
    part = p.line("2300", "100.00", "DE-19", "19.00", "GBP")
    bills = []
    for day in ("2026-07-01", "2026-06-02"):
        given = await tryton_erp.exchange_rate(DE, "GBP", p.day(day))
        terms = {"rate": given, "due": "2026-08-01", "terms": "HALVES"}
        bills.append(p.invoice(DE, p.PENNINE, day, part, **terms))
    ledger = Ledger(tryton_erp)
    await ledger.do(bills[0])
    refused = await tryton_erp.post_invoice(bills[1], idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.field) == ("payment_terms_in_parts", "payment_terms")
    assert await tryton_erp.find_document(DE, bills[1].document_key) is None


async def _returned(
    server: RunningTryton, company: str = DE, code: str = "DE-19"
) -> dict[str, Decimal]:
    """What Tryton's tax return of a company holds under a code."""
    extra = VendorOperation("RPC", "model.account.tax.line.search_read", "of an administrator")
    manifest = Manifest("erp", [*MANIFEST.operations, extra])
    async with httpx.AsyncClient(trust_env=False) as client:
        rpc = TrytonRpc(server.settings, client, manifest=manifest)
        context = {"company": await Companies(server.settings, rpc).id(company)}
        rows = await rpc.search_read(
            "account.tax.line",
            [["tax.name", "=", code]],
            ["type", "amount"],
            context=context,
        )
    sums = {"base": Decimal(0), "tax": Decimal(0)}
    for row in rows:
        sums[row["type"]] += row["amount"]
    return sums


async def test_the_invoice_says_who_bought_whatever_the_customer_is_called_later(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """Read back from Tryton: the buyer of the biller's document, not the party's own name."""
    part = p.line("2300", "100.00", "DE-19", "19.00", "EUR")
    await p.onboard(tryton_erp, DE, deals.NORDWERK)
    bought = BuyerSnapshot(
        name="Nordwerk Maschinenbau vormals Beispiel GmbH",
        address=deals.NORDWERK.billing_address,
        tax_ids=deals.NORDWERK.tax_ids,
    )
    invoice = p.invoice(DE, deals.NORDWERK, "2026-07-02", part)
    posted = await Ledger(tryton_erp).do(invoice.model_copy(update={"buyer": bought}))
    (row,) = await tryton_rpc.search_read(
        "account.invoice",
        [["id", "=", int(posted.ref.native_id)]],
        ["comment"],
        context={"company": int(DE)},
    )
    assert row["comment"].splitlines()[-2:] == [
        "Buyer: Nordwerk Maschinenbau vormals Beispiel GmbH, Am Sandtorkai 2, 20457 Hamburg, DE",
        "Tax id: DE199999907 (eu_vat)",
    ]


async def _rates(server: RunningTryton) -> None:
    """D5's days; the unit of the table is entered once."""
    admin = server.installation.logins()["admin"]
    await set_rates(server.settings, admin, {"EUR": "1", "GBP": "0.85"}, "2026-06-01")
    await set_rates(server.settings, admin, {"GBP": "0.842"}, "2026-06-29")


@pytest.mark.parametrize(("company", "currency"), [(US, "USD"), (DE, "EUR"), (UK, "GBP")])
async def test_the_entries_make_the_trial_balance(
    tryton_erp: ErpPort, company: str, currency: str
) -> None:
    """T11: what is exported, whoever posted it, sums to Tryton's own figures of each account."""
    entries = await tryton_erp.journals(company, FIRST, LAST)
    assert entries
    assert trial_balance_of(entries, currency) == await tryton_erp.trial_balance(company, LAST)
    clearing = [row for row in await tryton_erp.trial_balance(company, LAST) if row.balance]
    assert "4900" not in {row.account for row in clearing}


@pytest.mark.skipif(not HLEDGER, reason=MISSING)
async def test_hledger_accepts_the_books(tryton_erp: ErpPort, tmp_path: Path) -> None:
    """SN-1: a second reader of all three companies' books."""
    entries = [one for c in (US, DE, UK) for one in await tryton_erp.journals(c, FIRST, LAST)]
    assert await judge(to_hledger(entries), tmp_path) == ""


async def test_a_bill_bears_the_tax_of_its_day_and_a_credit_that_of_its_bill(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """PF-18: GB-20 ends with November 2026 and goes on at 17.5 %. 100.00 bear 20.00 before and
    17.50 from then on; what is credited of the first bears 20 % in December, and the tax return
    says each."""
    day = p.day("2026-12-01")
    await _new_rate(tryton_server, "GB-20", "0.175", day)
    ledger = Ledger(tryton_erp)
    await p.onboard(tryton_erp, UK, p.PENNINE)
    before = await _returned(tryton_server, UK, "GB-20")
    old = p.invoice(UK, p.PENNINE, "2026-11-30", p.line("2300", "100.00", "GB-20", "20.00", "GBP"))
    new = p.invoice(UK, p.PENNINE, "2026-12-01", p.line("2300", "100.00", "GB-20", "17.50", "GBP"))
    for bill, tax, gross in ((old, "-20.00", "120.00"), (new, "-17.50", "117.50")):
        await ledger.do(bill)
        await ledger.expect(UK, bill.document_key, a1100=gross, a2300="-100.00", a2120=tax)
    wrong = p.invoice(
        UK, p.PENNINE, "2026-12-01", p.line("2300", "100.00", "GB-20", "20.00", "GBP")
    )
    refused = await tryton_erp.post_invoice(wrong, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert (refused.case_kind, refused.code) == ("tax.difference", "tax_differs")
    assert await tryton_erp.find_document(UK, wrong.document_key) is None
    part = p.line("2300", "10.00", "GB-20", "2.00", "GBP")
    memo = p.credit_memo(old, "2026-12-02", part, open_invoice="12.00")
    await ledger.do(memo)
    await ledger.expect(UK, memo.document_key, a1100="-12.00", a2300="10.00", a2120="2.00")
    after = await _returned(tryton_server, UK, "GB-20")
    moved = {kind: after[kind] - before[kind] for kind in after}
    assert moved == {"base": Decimal("190.00"), "tax": Decimal("35.50")}


async def _new_rate(server: RunningTryton, code: str, rate: str, day: date) -> None:
    """What tax does in the ERP: the old row ends, a new one of the same name begins."""
    admin = server.settings.model_copy(
        update={"user": "admin", "password": SecretStr(server.installation.logins()["admin"])}
    )
    extra = [
        VendorOperation("RPC", f"model.account.tax.{name}", "of an administrator")
        for name in ("create", "write")
    ]
    manifest = Manifest("erp", [*MANIFEST.operations, *extra])
    async with httpx.AsyncClient(trust_env=False) as client:
        rpc = TrytonRpc(admin, client, manifest=manifest)
        context = {"company": await Companies(server.settings, rpc).id(UK)}
        fields = ["description", "invoice_account", "credit_note_account", "end_date"]
        domain = [["name", "=", code], ["company", "=", context["company"]]]
        (row,) = await rpc.search_read("account.tax", domain, fields, context=context)
        kept = {name: row[name] for name in fields[:3]}
        await rpc.write(
            "model.account.tax.write",
            [row["id"]],
            {"end_date": day - timedelta(days=1)},
            context=context,
            case_kind="erp.rejected",
        )
        values = {
            **kept,
            "company": context["company"],
            "name": code,
            "type": "percentage",
            "rate": Decimal(rate),
            "start_date": day,
        }
        await rpc.write(
            "model.account.tax.create", [values], context=context, case_kind="erp.rejected"
        )
