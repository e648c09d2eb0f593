"""What a simulated org is told from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from dealthread.simulators.kit.signing import secret_key
from dealthread.simulators.salesforce.access.pem import rsa_key
from dealthread.simulators.salesforce.ids import MalformedId, to_18
from dealthread.simulators.salesforce.messages.outbox import Trigger
from dealthread.simulators.salesforce.rules.org_rules import OrgRules, org_rules_of

CURRENCIES = (
    "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HUF", "INR",
    "JPY", "MXN", "NOK", "NZD", "PLN", "RON", "SEK", "SGD", "USD", "ZAR",
)  # fmt: skip


@dataclass(frozen=True)
class SalesforceConfig:
    """One org."""

    org_id: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str = "integration@simulated.example"
    """The user on whose behalf every flow acts."""
    jwt_public_key: str | None = None
    """PEM of the certificate or RSA key uploaded to the app; without it no JWT bearer flow."""
    jwt_audiences: tuple[str, ...] = (
        "https://login.salesforce.com",
        "https://test.salesforce.com",
    )
    webhook_url: str | None = None
    """Where what happened is announced: the full address, org id included."""
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    outbound_message_url: str | None = None
    """Where the same is told by SOAP outbound messages, each sent until it is acknowledged."""
    clock_offset: timedelta = timedelta(0)
    state: str | None = None
    """A file's path or a postgresql:// address; None keeps everything in memory."""
    rules: OrgRules = field(default_factory=OrgRules)
    """What the org's administrator has forbidden besides."""
    multicurrency: bool = True
    """Without it rows have no CurrencyIsoCode and the org no CurrencyType."""
    currencies: tuple[str, ...] = CURRENCIES
    """The active ones."""
    default_currency: str = "EUR"
    """The corporate currency, and the user's."""
    conversion_rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Against the corporate currency; 1 where none is given."""
    announce: tuple[Trigger, ...] = (Trigger.WON, Trigger.LOST)
    """What goes into the outbox, and so to the webhook."""
    cpq: bool = False
    """Whether the managed package SBQQ is installed."""
    cpq_delay: timedelta = timedelta(seconds=2)
    """Business time between Ordered and the order, Contracted and the contract."""
    cpq_orders_won_deals: bool = False
    """Whether a flow of the org ticks Ordered on a won deal that has a primary quote."""
    session_lifetime: timedelta = timedelta(hours=2)
    daily_request_limit: int = 5_000_000
    """Salesforce's depends on edition and licences; clients must read `/limits`."""
    query_page_size: int = 2000
    webhook_back_off: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse a configuration that could not have come from a real org."""
        try:
            is_org = len(self.org_id) == 18 and to_18(self.org_id).startswith("00D")
        except MalformedId:
            is_org = False
        if not is_org:
            raise ValueError("the org id must be a valid 18-character id that starts with 00D")
        if self.webhook_url is not None and not self.webhook_secrets:
            raise ValueError("a webhook address needs at least one secret")
        if self.jwt_public_key is not None:
            rsa_key(self.jwt_public_key)
        for secret in self.webhook_secrets:
            secret_key(secret)
        if self.default_currency not in self.currencies:
            raise ValueError("the default currency is not among the currencies")
        if self.conversion_rates.get(self.default_currency, Decimal(1)) != 1:
            raise ValueError("the corporate currency's conversion rate is 1")
        if Trigger.QUOTE_ACCEPTED in self.announce and not self.cpq:
            raise ValueError("only an org with CPQ can announce accepted quotes")
        if self.cpq_orders_won_deals and not self.cpq:
            raise ValueError("only an org with CPQ can order won deals")
        if self.cpq_delay < timedelta(0):
            raise ValueError("CPQ cannot be done before it began")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> SalesforceConfig:
        """Read DEALTHREAD_SIM_…; raises KeyError or ValueError."""
        certificate = env.get("DEALTHREAD_SIM_SF_JWT_CERTIFICATE_FILE")
        return cls(
            org_id=env["DEALTHREAD_SIM_SF_ORG_ID"],
            client_id=env["DEALTHREAD_SIM_SF_CLIENT_ID"],
            client_secret=env["DEALTHREAD_SIM_SF_CLIENT_SECRET"],
            jwt_public_key=Path(certificate).read_text("ascii") if certificate else None,
            rules=org_rules_of(env.get("DEALTHREAD_SIM_SF_RULES") or "{}"),
            webhook_url=env.get("DEALTHREAD_SIM_WEBHOOK_URL") or None,
            webhook_secrets=tuple(env.get("DEALTHREAD_SIM_WEBHOOK_SECRETS", "").split()),
            outbound_message_url=env.get("DEALTHREAD_SIM_SF_OUTBOUND_MESSAGE_URL") or None,
            clock_offset=timedelta(
                seconds=float(env.get("DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS", "0"))
            ),
            state=env.get("DEALTHREAD_SIM_STATE") or None,
            multicurrency=env.get("DEALTHREAD_SIM_SF_MULTICURRENCY", "yes") == "yes",
            announce=tuple(
                Trigger(name) for name in env.get("DEALTHREAD_SIM_SF_ANNOUNCE", "won lost").split()
            ),
            cpq=env.get("DEALTHREAD_SIM_SF_CPQ", "no") == "yes",
            cpq_orders_won_deals=env.get("DEALTHREAD_SIM_SF_CPQ_ORDERS_WON_DEALS", "no") == "yes",
            cpq_delay=timedelta(seconds=float(env.get("DEALTHREAD_SIM_SF_CPQ_DELAY_SECONDS", "2"))),
        )
