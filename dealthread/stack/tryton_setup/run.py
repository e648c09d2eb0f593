"""The set-up of a fresh Tryton database, from the configuration and nothing else."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from dealthread.domain.catalog import ConfigSet
from dealthread.stack.errors import StackError
from dealthread.stack.tryton_setup import catalog, company, geography, users
from dealthread.stack.tryton_setup.environment import Report
from dealthread.stack.tryton_setup.session import SetupSession
from dealthread.stack.tryton_setup.users import Credentials


def setup_digest(config: ConfigSet) -> str:
    """Digest of what decides the outcome: the configuration that is read and this code."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for part in (
        config.legal_entities,
        config.billing_accounts,
        config.accounts,
        config.tax_codes,
        config.tax_rules,
        config.products,
        config.payment_terms,
    ):
        digest.update(b"".join(row.model_dump_json().encode() for row in part))
    digest.update(repr(sorted(config.closed_until.items())).encode())
    return digest.hexdigest()


def first_open_day(config: ConfigSet, entity: str) -> date:
    """The entity's first open day, which decides the fiscal years that are made."""
    try:
        return config.closed_until[entity]
    except KeyError:
        raise StackError(
            f"closed_until says nothing of {entity}",
            f"add the first open day of {entity} to closed_until in config/legal_entities.yaml",
        ) from None


def set_up(
    session: SetupSession,
    config: ConfigSet,
    credentials: Credentials,
    environment: Path,
    report: Report,
) -> dict[str, int]:
    """Fill the database. Returns our ERP company code → Tryton's company id."""
    if not config.legal_entities:
        raise StackError("no legal entity is configured", "add one to config/legal_entities.yaml")
    report("Tryton: companies, charts, fiscal years")
    currencies = geography.create_currencies(session, config)
    countries = geography.create_countries(session, geography.read_countries(environment))
    geography.create_regions(session, config, countries)
    companies = [
        company.create_company(session, entity, currencies, countries)
        for entity in config.legal_entities
    ]
    ids = [item.id for item in companies]
    users.see_all_companies(session, ids)
    for item in companies:
        company.create_chart(session, item, config)
        company.create_fiscal_years(session, item, first_open_day(config, item.entity.code))
        catalog.create_taxes(session, item, config)
    report("Tryton: payment terms, products, users")
    catalog.create_payment_terms(session, config)
    catalog.create_products(session, companies, config)
    users.create_relation_types(session)
    users.create_integration_user(session, ids, credentials)
    return {item.entity.erp_company: item.id for item in companies}
