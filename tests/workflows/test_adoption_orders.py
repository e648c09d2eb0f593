"""What people ask for on an invoice that others posted before its contract was ours."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.bill import PaymentWay
from tests.support.bridge_over_lab import bridge_over
from tests.support.invoice_lab import mirrored, news, paid_bill, until
from tests.support.old_book import usd
from tests.support.old_company import SEPTEMBER, old_bill, old_company

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def test_an_invoice_of_before_is_neither_credited_nor_given_up_by_us(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """No document of ours can name the ledger's: it is refused before anything is written."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        await old.approve(await old.propose())
        contract = await old.active()
        due = paid_bill(old_bill(contract), usd("891.00"), SEPTEMBER, PaymentWay.BANK)
        it.billing.bills[due.ref.native_id] = due
        await news(dev_server, due)
        await until(lambda: due.ref.native_id in mirrored(it))
        async with bridge_over(it, database_url, dev_server) as asks:
            for path, body in (("credits", {"everything": True}), ("write-off", {})):
                shown = await asks(f"/v1/invoices/{due.number}/{path}/preview", body)
                assert not shown["accepted"]
                assert [one["code"] for one in shown["refusals"]] == ["posted_by_others"]
                assert "at the biller and in the ledger" in shown["refusals"][0]["action"]


async def test_what_others_posted_is_no_difference_between_the_owners(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """891.00 of 15,891.00 are paid since: what is left of it stands in no document of ours."""
    async with old_company(dev_server, engine, database_url) as old:
        it = old.it
        await old.approve(await old.propose())
        contract = await old.active()
        due = paid_bill(old_bill(contract), usd("891.00"), SEPTEMBER, PaymentWay.BANK)
        it.billing.bills[due.ref.native_id] = due
        handle = await news(dev_server, due)
        await until(lambda: due.ref.native_id in mirrored(it))
        async with bridge_over(it, database_url, dev_server) as asks:
            path = f"/v1/money?as_of={SEPTEMBER}&check=true&contract={contract.key}"
            assert (await asks(path))["differences"] == []
            assert (await asks(f"/v1/money?as_of={SEPTEMBER}&check=true&entity=US01"))[
                "differences"
            ] == []
        await handle.terminate()
