"""A book that others kept in the real Tryton 8.2: read as it stands, then marked as ours."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.domain.money import Money
from dealthread.domain.receipts import Application, LedgerReceipt
from dealthread.outcome import Rejected
from dealthread.ports.adoption import FOREIGN_REFERENCE, TakeOverCustomer
from dealthread.ports.erp import ErpPort
from tests.support import deals
from tests.support.postings import invoice, line
from tests.support.tryton import customer_of, done, onboard

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)
US = "1"
CODE = "10017"
KEY = "A-ADOPTEDCUSTOM"


async def test_customers_and_open_invoices_of_others_are_read_and_marked(
    tryton_erp: ErpPort,
) -> None:
    """Posted under codes and keys that are none of ours: so others would have left it."""
    party = deals.HARBORLINE.model_copy(update={"key": CODE})
    await customer_of(tryton_erp, deals.d1(), party)
    posted = invoice(
        US, party, "2026-01-01", line("2300", "15000.00", "US-TX-SVC0", "0.00", "USD")
    ).model_copy(update={"document_key": "OTHERS-0001"})
    done(await tryton_erp.post_invoice(posted, idempotency_key="k"))

    book = await tryton_erp.read_ledger(US, date(2026, 2, 1), date(2026, 2, 1))
    assert book.currency == "USD"
    (found,) = [one for one in book.parties if one.code == CODE]
    (item,) = [one for one in book.open_items if one.party == found.ref]
    assert (item.number, str(item.gross), str(item.open_amount), item.document_key) == (
        posted.number,
        "15,000.00 USD",
        "15,000.00 USD",
        "",
    )
    assert item.open_ledger_amount == item.open_amount
    assert book.at_opening == await tryton_erp.trial_balance(US, date(2026, 2, 1))

    command = TakeOverCustomer(company=US, party=found.ref, customer_key=KEY)
    before = await tryton_erp.trial_balance(US, date(2100, 1, 1))
    assert await tryton_erp.find_taken_over_customer(command) is None
    for _ in range(2):
        taken = done(await tryton_erp.take_over_customer(command, idempotency_key="k"))
        assert taken.customer_key == KEY
    assert await tryton_erp.find_taken_over_customer(command) is not None
    owed = await tryton_erp.open_documents(US, KEY)
    assert [one.number for one in owed] == [posted.number]
    # A customer that is brought up to date keeps our key.
    known = await tryton_erp.find_customer(US, KEY)
    assert known is not None
    update = onboard(deals.d1(), deals.HARBORLINE.model_copy(update={"key": KEY}))
    done(await tryton_erp.update_customer(update, known, idempotency_key="k"))
    assert await tryton_erp.find_customer(US, KEY) == known
    assert await tryton_erp.trial_balance(US, date(2100, 1, 1)) == before

    # Paid in two parts, the second of them told twice: by Tryton's own id, and no key put on it.
    for number, amount in ((1, "5000.00"), (2, "10000.00"), (2, "10000.00")):
        money = Money.of(amount, "USD")
        receipt = LedgerReceipt(
            document_key=f"DTADOPTEDPAYMNT{number}",
            source=found.ref,
            company=US,
            customer_key=KEY,
            value_date=date(2026, 2, 10),
            posting_date=date(2026, 2, 10),
            money_account="1000",
            amount=money,
            applications=(
                Application(
                    document_key="DTADOPTEDINVOICE", amount=money, native_id=item.ref.native_id
                ),
            ),
            unapplied=Money.zero("USD"),
        )
        done(await tryton_erp.apply_receipt(receipt, idempotency_key="k"))
        left = (await tryton_erp.read_ledger(US, date(2026, 2, 1), date(2026, 2, 28))).open_items
        mine = [str(one.open_amount) for one in left if one.ref == item.ref]
        assert mine == (["10,000.00 USD"] if number == 1 else [])
    assert await tryton_erp.open_documents(US, KEY) == ()
    assert await tryton_erp.find_document(US, "DTADOPTEDINVOICE") is None

    other = command.model_copy(update={"customer_key": "A-SOMEBODYELSES"})
    refused = await tryton_erp.take_over_customer(other, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert refused.code == FOREIGN_REFERENCE
