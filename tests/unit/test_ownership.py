"""DM-09: each field has one owner, and what we write to a system is ours to write there."""

from __future__ import annotations

import pytest

from dealthread.domain.base import System
from dealthread.domain.ownership import (
    OWNERSHIP,
    WRITE_MODELS,
    may_write,
    refuse_foreign,
    row,
    unowned_fields,
)
from dealthread.ports.adoption import TakeOverAgreement, TakeOverCustomer
from dealthread.ports.billing import (
    ChangeAgreement,
    CreditInvoice,
    OnboardBillingCustomer,
    StartAgreement,
)
from dealthread.ports.crm import CollectionsMirror, CrmChange, CrmWriteBack, InvoiceMirror
from dealthread.ports.entitlement import GrantEntitlement, SuspendEntitlement
from dealthread.ports.erp import DraftBooking, OnboardErpCustomer

COMMANDS = {
    model.__name__: model
    for model in (
        CrmWriteBack,
        CrmChange,
        InvoiceMirror,
        OnboardBillingCustomer,
        StartAgreement,
        ChangeAgreement,
        CreditInvoice,
        OnboardErpCustomer,
        DraftBooking,
        GrantEntitlement,
        SuspendEntitlement,
        CollectionsMirror,
        TakeOverAgreement,
        TakeOverCustomer,
    )
}


def test_the_table_has_its_74_rows_once() -> None:
    assert [entry.no for entry in OWNERSHIP] == list(range(1, 75))
    assert len({entry.field for entry in OWNERSHIP}) == 74
    for entry in OWNERSHIP:
        assert entry.owners
        assert entry.writers
        assert entry.direction
        assert entry.on_difference


@pytest.mark.parametrize("name", COMMANDS)
def test_every_field_of_a_command_is_mapped_to_its_rows(name: str) -> None:
    """A field added to a command fails here until somebody says who owns it."""
    assert set(WRITE_MODELS[name].rows) == set(COMMANDS[name].model_fields)


def test_every_command_has_a_mapping() -> None:
    assert set(WRITE_MODELS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_carries_only_what_the_hub_may_write_there(name: str) -> None:
    assert unowned_fields(name) == []


def test_the_crm_is_told_only_these_rows() -> None:
    told = {
        no
        for model in ("CrmWriteBack", "CrmChange", "InvoiceMirror", "CollectionsMirror")
        for numbers in WRITE_MODELS[model].rows.values()
        for no in numbers
    }
    assert told == {26, 27, 30, 31, 32, 39, 40, 42, 44, 45, 54, 58, 60, 70, 72, 74}


@pytest.mark.parametrize(
    "field",
    [
        "opportunity_stage_and_amount",
        "quote_lines",
        "list_price",
        "bill_to_address",
        "po_number",
        "party_legal_name",
        "sales_credit",
    ],
)
def test_the_crm_is_never_overwritten_in_what_it_owns(field: str) -> None:
    assert not may_write(System.CRM, field, creating=True)


def test_no_amount_is_written_to_who_owns_it_by_its_own_rules() -> None:
    """Invoices, tax and subscription status belong to the biller; periods to the ERP."""
    for field in ("invoice_lines", "invoice_tax_lines", "subscription_status", "credit_note"):
        assert not may_write(System.BILLING, field)
    for field in ("period_state", "control_account", "chart_of_accounts", "exchange_rate"):
        assert not may_write(System.ERP, field)
    assert not may_write(System.ENTITLEMENT, "entitlement_state_and_use")


def test_what_is_given_once_is_not_updated() -> None:
    """The tax identifier goes to the ERP with a new customer; from then on the ERP owns it."""
    assert may_write(System.ERP, "tax_identifier", creating=True)
    assert not may_write(System.ERP, "tax_identifier")
    assert may_write(System.CRM, "contract_dates", creating=True)
    assert not may_write(System.CRM, "contract_dates")
    assert may_write(System.CRM, "renewal_opportunity", creating=True)
    assert not may_write(System.CRM, "renewal_opportunity")


def test_foreign_fields_are_named_and_unknown_ones_refused() -> None:
    asked = ["contract_key", "quote_lines", "crm_sync_status", "made_up"]
    assert refuse_foreign(System.CRM, asked) == ["quote_lines", "made_up"]


def test_the_hub_writes_no_field_into_itself_or_into_who_only_tells_us() -> None:
    silent = {System.HUB, System.FINANCE, System.PROCESSOR, System.BANK, System.CPQ}
    for entry in OWNERSHIP:
        assert not silent & {*entry.hub_writes, *entry.at_creation}, entry.field


def test_a_row_is_found_by_number_and_by_field() -> None:
    assert row(26) is row("contract_key")
    with pytest.raises(KeyError):
        row(75)
