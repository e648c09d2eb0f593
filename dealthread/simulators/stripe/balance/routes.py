"""The operations on the account's balance, and on what payers' banks take back.

A row is as in `settlement_routes`.
"""

from __future__ import annotations

from dealthread.simulators.stripe.balance import payouts, transactions
from dealthread.simulators.stripe.catalogue.params import CURRENCY, META
from dealthread.simulators.stripe.invoices.routes import Row
from dealthread.simulators.stripe.payments import disputes
from dealthread.simulators.stripe.wire.schema import (
    EXPAND_ONLY,
    Fields,
    Flag,
    Int,
    Text,
    When,
    listing,
)

_TRANSACTION_LIST = listing(
    {
        "created": When(),
        "currency": CURRENCY,
        "payout": Text(),
        "source": Text(),
        "type": Text(),
    }
)
_PAYOUT_CREATE = Fields(
    {
        **META,
        "amount": Int(1),
        "currency": CURRENCY,
        "description": Text(),
        "statement_descriptor": Text(max_length=22),
    },
    required=("amount", "currency"),
    unsupported=frozenset({"destination", "method", "payout_method", "source_type"}),
)
_DISPUTE_UPDATE = Fields(
    {
        **META,
        "evidence": Fields(
            {name: Text(clears=True) for name in disputes.EVIDENCE},
            unsupported=frozenset({"appeal", "enhanced_evidence"}),
        ),
        "submit": Flag(),
    },
    unsupported=frozenset({"intended_submission_method"}),
)
_DISPUTE_LIST = listing({"charge": Text(), "created": When(), "payment_intent": Text()})
_PAYOUT_LIST = listing(
    {
        "arrival_date": When(),
        "created": When(),
        "status": Text(choices=("pending", "paid", "failed", "canceled")),
    },
    "destination",
)

ROWS: tuple[Row, ...] = (
    ("GET", "balance_transactions", transactions.listed, _TRANSACTION_LIST),
    ("GET", "balance_transactions/{}", transactions.retrieve, EXPAND_ONLY),
    ("GET", "disputes", disputes.listed, _DISPUTE_LIST),
    ("GET", "disputes/{}", "dispute", EXPAND_ONLY),
    ("POST", "disputes/{}", disputes.update, _DISPUTE_UPDATE),
    ("POST", "disputes/{}/close", disputes.close, EXPAND_ONLY),
    ("POST", "payouts", payouts.create, _PAYOUT_CREATE),
    ("GET", "payouts", payouts.listed, _PAYOUT_LIST),
    ("GET", "payouts/{}", "payout", EXPAND_ONLY),
)
