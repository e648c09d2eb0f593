"""Settings of the Tryton adapter, from `DEALTHREAD_TRYTON_…` variables."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class TrytonSettings(BaseSettings):
    """Where Tryton is and which of its companies is which of ours.

    `companies` maps our ERP company code to Tryton's company id, or to the legal name of the
    company there. `parent_relation` names the relation type from a customer to its parent.
    """

    model_config = SettingsConfigDict(env_prefix="DEALTHREAD_TRYTON_", extra="ignore")

    url: str
    database: str
    user: str
    password: SecretStr
    instance: str = "tryton"
    companies: dict[str, int | str]
    parent_relation: str = "Subsidiary of"
    clearing_account: str = "4900"
    """Account of revenue that invoice lines for other accounts pass through, empty after each
    document: Tryton takes nothing but revenue on the line of a customer invoice."""
    rate_days: int = 7
    """How old the ledger's latest rate of a currency may be when a document is converted at it."""
    connect_seconds: float = 3.0
    read_seconds: float = 20.0
    """Longest wait for one answer."""
    total_seconds: float = 24.0
    """Longest a port call may take, all its RPCs together; below the activity's 30 s."""
