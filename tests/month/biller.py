"""The simulated biller in this process: its accounts, its cards, its events, its faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import httpx
import stripe
from stripe.params import BalanceTransactionListParams, EventListParams, InvoiceListParams

from dealthread.domain.catalog import ConfigSet
from dealthread.sandbox.stripe_catalogue import CUSTOMER, ensure_catalogue, every
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig

GOOD_CARD, BAD_CARD = "pm_card_visa", "pm_card_chargeCustomerFail"
DISPUTED_CARD = "pm_card_createDispute"
_COUNTRIES = {"US01": "US", "DE01": "DE", "UK01": "GB"}


class Biller:
    """One Stripe account for each company, by Stripe's own client."""

    def __init__(self, url: str, keys: dict[str, str], config: ConfigSet) -> None:
        self.url = url
        self.keys = keys
        self._control = httpx.Client(base_url=url, timeout=30.0, trust_env=False)
        self._http = stripe.HTTPXClient(timeout=30.0, allow_sync_methods=True)
        self.clients = {
            account: stripe.StripeClient(
                key, base_addresses={"api": url}, http_client=self._http, max_network_retries=0
            )
            for account, key in keys.items()
        }
        self._told = dict.fromkeys(keys, "")
        """The newest event of each account that was asked for."""
        self._lost: dict[str, list[dict[str, Any]]] = {}
        """Looked for once, at the end."""
        ensure_catalogue(self.clients, config)

    def go(self, offset: timedelta) -> None:
        """Its time is the machine's and this."""
        seconds = {"offset_seconds": offset.total_seconds()}
        self._control.post("/_sim/clock", json=seconds).raise_for_status()

    def fault(self, kind: str, method: str, path: str) -> None:
        """The next request of this kind goes wrong."""
        fault = {"kind": kind, "method": method, "path": path}
        self._control.post("/_sim/faults", json=fault).raise_for_status()

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._control.delete("/_sim/faults").raise_for_status()

    def faults_met(self) -> int:
        """Requests that went wrong so far."""
        page = self._control.get("/_sim/ledger", params={"kind": "requests"}).json()
        return sum(1 for one in page["entries"] if one["fault"])

    def put_card(self, account: str, customer_key: str, name: str, card: str) -> None:
        """A new customer with a card."""
        self.clients[account].v1.customers.create(
            {
                "name": name,
                "email": f"ap@{customer_key.lower()}.example",
                "metadata": {CUSTOMER: customer_key},
                "payment_method": card,
                "invoice_settings": {"default_payment_method": card},
            }
        )

    def change_card(self, account: str, customer: str, card: str) -> None:
        """From now on this one is charged."""
        client = self.clients[account]
        method = client.v1.payment_methods.attach(card, {"customer": customer})
        client.v1.customers.update(
            customer, {"invoice_settings": {"default_payment_method": method.id}}
        )

    def customer(self, account: str, customer_key: str) -> str:
        """The id of a customer of ours; "" while the search does not find it."""
        query = f"metadata['{CUSTOMER}']:'{customer_key}'"
        found = self.clients[account].v1.customers.search({"query": query}).data
        return str(found[0].id) if found else ""

    def invoices(self, account: str, **query: Any) -> list[dict[str, Any]]:
        """Those that exist for the customer: no drafts."""
        asked = cast("InvoiceListParams", {"limit": 100, **query})
        rows = every(self.clients[account].v1.invoices.list(asked))
        return [row for row in rows if row["status"] != "draft"]

    def credit_notes(self, account: str) -> list[dict[str, Any]]:
        return list(every(self.clients[account].v1.credit_notes.list({"limit": 100})))

    def balances(self, account: str) -> int:
        """What the customers of an account owe beside their invoices, in cents; below nought it is
        theirs."""
        rows = every(self.clients[account].v1.customers.list({"limit": 100}))
        return sum(int(row["balance"]) for row in rows)

    def pay(self, account: str, customer: str, *, by_card: bool) -> int:
        """Whatever is open of a customer is paid; how many invoices."""
        paid = 0
        for row in self.invoices(account, customer=customer, status="open"):
            how: Any = {} if by_card else {"paid_out_of_band": True}
            self.clients[account].v1.invoices.pay(str(row["id"]), how)
            paid += 1
        return paid

    def new_events(self) -> list[tuple[str, dict[str, Any]]]:
        """Account and event, of all that happened since it was asked last."""
        found = []
        for account, client in self.clients.items():
            # The oldest of those that are newer come first.
            rows = _after(client, self._told[account])
            if rows:
                self._told[account] = str(rows[-1]["id"])
            found += [(account, row) for row in rows]
        return found

    def give_evidence(self, account: str, customer: str) -> None:
        """To the bank that disputes a charge of a customer: it convinces."""
        self.clients[account].v1.disputes.update(
            self._dispute(account, customer),
            {"evidence": {"uncategorized_text": "winning_evidence"}},
        )

    def take_loss(self, account: str, customer: str) -> None:
        """Nothing is said against the dispute."""
        self.clients[account].v1.disputes.close(self._dispute(account, customer))

    def _dispute(self, account: str, customer: str) -> str:
        client = self.clients[account].v1
        charges = {str(one.id) for one in client.charges.list({"customer": customer}).data}
        found = client.disputes.list({"limit": 100}).auto_paging_iter()
        return next(str(one.id) for one in found if str(one.charge) in charges)

    def metered(self, account: str) -> set[str]:
        """Prices of what is used."""
        listed = self.clients[account].v1.prices.list({"limit": 100})
        return {
            str(row["id"])
            for row in every(listed)
            if (row["recurring"] or {}).get("usage_type") == "metered"
        }

    def disputes(self, account: str) -> list[dict[str, Any]]:
        return list(every(self.clients[account].v1.disputes.list({"limit": 100})))

    def lost(self, account: str, invoice: str) -> list[dict[str, Any]]:
        """Disputes over payments of an invoice that were lost."""
        if account not in self._lost:
            paid = self.clients[account].v1.invoice_payments.list({"limit": 100})
            of = {row["payment"].get("payment_intent"): row["invoice"] for row in every(paid)}
            self._lost[account] = [
                row | {"invoice": of.get(row["payment_intent"])}
                for row in self.disputes(account)
                if row["status"] == "lost"
            ]
        return [row for row in self._lost[account] if row["invoice"] == invoice]

    def movements(self, account: str, payout: str = "") -> list[dict[str, Any]]:
        """All that moved on an account's balance; or in a payout."""
        asked: BalanceTransactionListParams = {"limit": 100}
        if payout:
            asked["payout"] = payout
        return list(every(self.clients[account].v1.balance_transactions.list(asked)))

    def payouts(self, account: str) -> list[dict[str, Any]]:
        return list(every(self.clients[account].v1.payouts.list({"limit": 100})))

    def close(self) -> None:
        self._control.close()
        self._http.close()  # type: ignore[no-untyped-call]


def _after(client: stripe.StripeClient, told: str) -> list[dict[str, Any]]:
    """Events that came after one, or all that there are; oldest first."""
    asked: EventListParams = {"limit": 100}
    if told:
        try:
            return list(every(client.v1.events.list({**asked, "ending_before": told})))
        except stripe.InvalidRequestError as gone:
            if gone.param != "ending_before":
                raise
            # Events are kept for thirty days: what is left is newer.
    return list(every(client.v1.events.list(asked)))[::-1]


@contextmanager
def biller(config: ConfigSet, offset_seconds: float) -> Iterator[Biller]:
    """Served in a thread of this process, its world in memory."""
    accounts = {one.key: one for one in config.billing_accounts}
    keys = {key: f"sk_test_of_{key}" for key in accounts}
    app = create_app(
        SimulatorConfig(
            accounts=tuple(
                AccountConfig(
                    id=key,
                    secret_key=keys[key],
                    number_format=f"{one.seller}-{{:06d}}",
                    country=_COUNTRIES[one.seller],
                    payout_interval="daily",
                )
                for key, one in accounts.items()
            ),
            clock_offset_seconds=offset_seconds,
        )
    )
    server = BackgroundServer(app)
    server.start()
    try:
        made = Biller(server.url, keys, config)
        yield made
        made.close()
    finally:
        server.stop()
