"""What the ledger gets of a disputed payment in another currency: facts/domain.md §5, "FX" and
"Dispute" (PF-08). Figures of D5: 12,000.00 EUR, paid at 0.842 GBP.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from dealthread.domain.base import Ref, System
from dealthread.domain.dispute import (
    Dispute,
    DisputeAccounts,
    DisputeStatus,
    LostDispute,
    lost_entry,
    opened_entry,
    won_entry,
)
from dealthread.domain.dispute_exchange import (
    DisputeExchange,
    DisputeRates,
    LostPart,
    in_ledger,
)
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.ledger_rate import LedgerRate, said_rate
from dealthread.domain.money import Money

KEY, RECEIPT = "DTAAAAAAAAAAAAAA", "DTBBBBBBBBBBBBBB"
OPENED, BACK = date(2026, 7, 6), date(2026, 8, 3)
ACCOUNTS = DisputeAccounts()


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def gbp(rate: str) -> LedgerRate:
    return LedgerRate(currency="GBP", rate=Decimal(rate), rate_date=OPENED, source="treasury")


def dispute(**changes: Any) -> Dispute:
    """All of it, with a fee of 20.00 EUR."""
    return Dispute(
        ref=Ref(system=System.BILLING, account="acct_1", kind="dispute", native_id="du_1"),
        status=DisputeStatus.OPEN,
        amount=eur("12000.00"),
        reason="fraudulent",
        withdrawn=eur("12000.00"),
        reinstated=eur("0.00"),
        fee=eur("20.00"),
        fee_returned=eur("0.00"),
        opened_on=OPENED,
    ).model_copy(update=changes)


def exchange(*parts: LostPart) -> DisputeExchange:
    return DisputeExchange(ledger="GBP", disputes=ACCOUNTS.disputes, parts=parts)


def net(journal: LedgerJournal) -> dict[str, str]:
    """By account, debit less credit in the ledger's currency."""
    sums: dict[str, Decimal] = {}
    for line in journal.lines:
        sums[line.account] = sums.get(line.account, Decimal(0)) + line.signed.amount
    return {account: str(amount) for account, amount in sums.items() if amount}


def told(journal: LedgerJournal) -> dict[str, str]:
    """The same in the document's own currency, where a line has one."""
    return {
        line.account: str(line.document_amount)
        for line in journal.lines
        if line.document_amount is not None
    }


def opened(one: Dispute, rate: LedgerRate | None) -> LedgerJournal:
    made = opened_entry(one, KEY, "3", ACCOUNTS, "UK-1")
    assert made is not None
    return in_ledger(made, exchange(), DisputeRates(moved=rate, carried=rate))


def lost(one: Dispute, policy: LostDispute, rates: DisputeRates, *of: LostPart) -> LedgerJournal:
    made = lost_entry(one, KEY, "3", ACCOUNTS, "UK-1", BACK, policy)
    assert made is not None
    return in_ledger(made, exchange(*of), rates)


def test_what_was_taken_is_converted_at_the_days_rate_and_says_it() -> None:
    """12,000.00 EUR at 0.86 is 10,320.00 GBP, 20.00 EUR is 17.20; the account is what they come to
    in both currencies."""
    entry = opened(dispute(), gbp("0.86"))
    assert net(entry) == {"1060": "10320.00", "6650": "17.20", "1050": "-10337.20"}
    assert told(entry) == {
        "1060": "12,000.00 EUR",
        "6650": "20.00 EUR",
        "1050": "12,020.00 EUR",
    }
    assert said_rate(entry.description) == gbp("0.86")


def test_no_cent_of_rounding_is_an_exchange_difference_when_it_is_taken() -> None:
    """0.01 and 0.01 EUR at 0.5 are 0.01 GBP each, half up; together at 0.5 they would be 0.01."""
    entry = opened(dispute(amount=eur("0.01"), withdrawn=eur("0.01"), fee=eur("0.01")), gbp("0.5"))
    assert net(entry) == {"1060": "0.01", "6650": "0.01", "1050": "-0.02"}


def test_won_at_another_rate_the_difference_is_realised() -> None:
    """10,320.00 GBP stood there; 12,000.00 EUR at 0.845 are 10,140.00: 180.00 are lost, beside the
    fee, which comes back at 16.90."""
    one = dispute(
        status=DisputeStatus.WON,
        reinstated=eur("12000.00"),
        fee_returned=eur("20.00"),
        reinstated_on=BACK,
    )
    made = won_entry(one, KEY, "3", ACCOUNTS, "UK-1")
    assert made is not None
    entry = in_ledger(made, exchange(), DisputeRates(moved=gbp("0.845"), carried=gbp("0.86")))
    assert net(entry) == {
        "1050": "10156.90",
        "1060": "-10320.00",
        "6650": "-16.90",
        "7000": "180.00",
    }
    assert told(entry)["1050"] == "12,020.00 EUR"


def test_lost_the_payment_is_undone_at_its_own_rate_and_the_rest_is_realised() -> None:
    """The payment came at 0.842, 10,104.00 GBP, and 10,320.00 were taken: 216.00 are lost. With the
    payment's opposite, nothing is left of it on clearing or disputes."""
    part = LostPart(invoice="UK-1", receipt=RECEIPT, whole=eur("12000.00"), lost=eur("12000.00"))
    one = dispute(status=DisputeStatus.LOST)
    rates = DisputeRates(moved=gbp("0.86"), carried=gbp("0.86"), parts=(gbp("0.842"),))
    entry = lost(one, LostDispute.REOPEN, rates, part)
    assert net(entry) == {"1050": "10104.00", "1060": "-10320.00", "7000": "216.00"}


def test_of_a_part_the_account_is_left_by_what_the_payments_documents_leave_it() -> None:
    """Of 100.05 EUR at 0.5 (50.03 GBP) 33.35 are lost and 66.70 stay paid (33.35 GBP): 16.68 leave,
    where 33.35 at 0.5 alone would be 16.68 too; of 33.33 lost, 66.72 stay (33.36): 16.67 leave."""
    for taken, own in (("33.35", "16.68"), ("33.33", "16.67")):
        part = LostPart(invoice="UK-1", receipt=RECEIPT, whole=eur("100.05"), lost=eur(taken))
        one = dispute(
            status=DisputeStatus.LOST,
            amount=eur(taken),
            withdrawn=eur(taken),
            fee=eur("0.00"),
        )
        rates = DisputeRates(moved=gbp("0.5"), carried=gbp("0.5"), parts=(gbp("0.5"),))
        entry = lost(one, LostDispute.REOPEN, rates, part)
        assert net(entry)["1050"] == own
        whole, left = gbp("0.5").of(part.whole), gbp("0.5").of(part.whole - part.lost)
        assert str((whole - left).amount) == own


def test_several_payments_leave_at_a_rate_each() -> None:
    """100.00 EUR at 0.80 and 50.00 at 0.84 are 122.00 GBP; 150.00 at 0.82 were taken: 123.00."""
    one = dispute(status=DisputeStatus.LOST, amount=eur("150.00"), withdrawn=eur("150.00"))
    parts = [
        LostPart(invoice=name, receipt=RECEIPT, whole=eur(amount), lost=eur(amount))
        for name, amount in (("UK-2", "100.00"), ("UK-1", "50.00"))
    ]
    rates = DisputeRates(moved=gbp("0.82"), carried=gbp("0.82"), parts=(gbp("0.80"), gbp("0.84")))
    entry = lost(one, LostDispute.REOPEN, rates, *parts)
    assert net(entry) == {"1050": "122.00", "1060": "-123.00", "7000": "1.00"}
    assert [line.text for line in entry.lines if line.account == "1050"] == ["UK-2", "UK-1"]


def test_a_loss_is_what_stood_there() -> None:
    """Nothing is realised: it was taken at that rate."""
    one = dispute(status=DisputeStatus.LOST)
    rates = DisputeRates(moved=gbp("0.86"), carried=gbp("0.86"))
    entry = lost(one, LostDispute.LOSS, rates)
    assert net(entry) == {"6650": "10320.00", "1060": "-10320.00"}


def test_what_the_processor_converts_is_booked_as_it_says() -> None:
    """12,000.00 EUR were taken as 10,380.00 GBP and given back as 10,300.00: no rate of ours, and
    80.00 are lost. Lost, against the 10,104.00 that the payment brought, 276.00 are."""
    taken = Money.of("10380.00", "GBP")
    nought = Money.zero("GBP")
    one = dispute(
        withdrawn=taken, reinstated=nought, fee=Money.of("15.00", "GBP"), fee_returned=nought
    ).model_copy(update={"rate": Decimal("0.865")})
    made = opened_entry(one, KEY, "3", ACCOUNTS, "UK-1")
    assert made is not None
    assert net(made) == {"1060": "10380.00", "6650": "15.00", "1050": "-10395.00"}
    assert made.lines[0].text == "withdrawn for 12,000.00 EUR at 0.865"
    back = one.model_copy(
        update={"status": DisputeStatus.WON, "reinstated": Money.of("10300.00", "GBP")}
    )
    won = won_entry(back, KEY, "3", ACCOUNTS, "UK-1")
    assert won is not None
    assert net(won) == {"1050": "10300.00", "1060": "-10380.00", "7000": "80.00"}
    part = LostPart(invoice="UK-1", receipt=RECEIPT, whole=eur("12000.00"), lost=eur("12000.00"))
    gone = one.model_copy(update={"status": DisputeStatus.LOST})
    rates = DisputeRates(moved=None, carried=None, parts=(gbp("0.842"),))
    entry = lost(gone, LostDispute.REOPEN, rates, part)
    assert net(entry) == {"1050": "10104.00", "1060": "-10380.00", "7000": "276.00"}


def test_a_balance_in_a_third_currency_is_converted_by_the_ledger() -> None:
    """Euros of a company of pounds, taken as 13,000.00 USD at 0.80: 10,400.00 GBP. Given back as
    12,900.00 USD at 0.79, 10,191.00: 209.00 are lost."""

    def usd(amount: str) -> Money:
        return Money.of(amount, "USD")

    one = dispute(
        status=DisputeStatus.WON,
        withdrawn=usd("13000.00"),
        reinstated=usd("12900.00"),
        fee=usd("0.00"),
        fee_returned=usd("0.00"),
        reinstated_on=BACK,
    )
    assert net(opened(one, gbp("0.80"))) == {"1060": "10400.00", "1050": "-10400.00"}
    made = won_entry(one, KEY, "3", ACCOUNTS, "UK-1")
    assert made is not None
    entry = in_ledger(made, exchange(), DisputeRates(moved=gbp("0.79"), carried=gbp("0.80")))
    assert net(entry) == {"1050": "10191.00", "1060": "-10400.00", "7000": "209.00"}
    assert told(entry) == {"1050": "12,900.00 USD", "1060": "13,000.00 USD"}
