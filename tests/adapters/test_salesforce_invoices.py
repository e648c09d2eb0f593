"""An invoice mirrored into the simulated org: one record, whatever happens to the answer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.invoices import external_id
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.domain.money import Money
from dealthread.errors import BadInput, InvariantBroken, VendorUnavailable
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.crm import CollectionsMirror, CreditMirror, InvoiceMirror
from tests.adapters.conftest import Simulator
from tests.adapters.contract_suite import CHECKS, KEY, Check, WriteCase, name_of
from tests.adapters.crm_world import CrmWorld
from tests.adapters.test_salesforce_write import command_for, ref
from tests.support import deals

INVOICE = ref(System.BILLING, "acct_us01", "invoice", "in_1")


@pytest.fixture
async def command(crm: SalesforceCrm, crm_world: CrmWorld) -> InvoiceMirror:
    """D1's first invoice; its contract is written back already."""
    account = crm_world.account("Harborline Logistics LLC")
    first = command_for(crm_world.deal(account), account)
    assert isinstance(await crm.record_contract(first, idempotency_key="first"), Done)
    return InvoiceMirror(
        contract_key=deals.d1().key,
        account_id=account,
        invoice=INVOICE,
        number="US-000001",
        status="open",
        currency="USD",
        gross=Money.of("15891.00", "USD"),
        remaining=Money.of("15891.00", "USD"),
        issue_date=date(2026, 1, 1),
        due_date=date(2026, 1, 31),
    )


def invoices(world: CrmWorld) -> list[dict[str, Any]]:
    return world.query(
        "SELECT Id, Dealthread_Invoice_Id__c, Dealthread_Number__c, Dealthread_Status__c, "
        "Dealthread_Account__c, Dealthread_Contract__r.Dealthread_Contract_Key__c, "
        "Dealthread_Total__c, Dealthread_Amount_Due__c, Dealthread_Amount_Paid__c, "
        "Dealthread_Issued_On__c, Dealthread_Due_On__c, Dealthread_Paid_On__c, "
        "Dealthread_Document_Id__c, CurrencyIsoCode FROM Dealthread_Invoice__c"
    )


@pytest.fixture
def written(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror, salesforce: Simulator
) -> WriteCase[CrmRecord]:
    """The port offers no look-up, since a repeat is safe: the org itself is asked."""

    def break_next(kind: str, **fields: Any) -> None:
        if kind == "heal":
            salesforce.heal()
        else:
            salesforce.fault(kind, method="POST", path="/composite$", **fields)

    async def find(key: str) -> CrmRecord | None:
        for row in invoices(crm_world):
            made = ref(System.CRM, deals.ORG, "invoice", row["Id"])
            return CrmRecord(ref=made, status=row["Dealthread_Status__c"])
        return None

    async def count() -> int:
        return len(invoices(crm_world))

    invalid = command.model_copy(update={"status": "preview"})
    return WriteCase(
        act=lambda key: crm.mirror_invoice(command, idempotency_key=key),
        find=find,
        identity=lambda made: made.ref.native_id,
        count=count,
        break_next=break_next,
        invalid=lambda key: crm.mirror_invoice(invalid, idempotency_key=key),
    )


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_a_mirrored_invoice_keeps_the_ports_rules(
    check: Check, written: WriteCase[Any]
) -> None:
    """Lost answers, limits, refusals, repeats."""
    await check(written)


async def test_an_invoice_is_shown_beside_its_contract(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror, salesforce: Simulator
) -> None:
    """One call; the account by its id, the contract by our key."""
    before = len(salesforce.requests())
    outcome = await crm.mirror_invoice(command, idempotency_key=KEY)
    assert isinstance(outcome, Done), outcome
    assert len(salesforce.requests()) == before + 1
    (row,) = invoices(crm_world)
    made = outcome.value
    assert (made.ref.kind, made.ref.native_id, made.status) == ("invoice", row["Id"], "open")
    assert row["Dealthread_Invoice_Id__c"] == "acct_us01:in_1"
    assert row["Dealthread_Account__c"] == command.account_id
    assert row["Dealthread_Contract__r"]["Dealthread_Contract_Key__c"] == deals.d1().key
    assert (row["Dealthread_Number__c"], row["CurrencyIsoCode"]) == ("US-000001", "USD")
    assert (row["Dealthread_Total__c"], row["Dealthread_Amount_Due__c"]) == (15891.0, 15891.0)
    assert row["Dealthread_Issued_On__c"] == "2026-01-01"
    assert (row["Dealthread_Due_On__c"], row["Dealthread_Paid_On__c"]) == ("2026-01-31", None)
    assert row["Dealthread_Document_Id__c"] is None


async def test_a_paid_invoice_brings_its_record_up_to_date(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    first = await crm.mirror_invoice(command, idempotency_key=KEY)
    document = Ref(system=System.ERP, account="tryton.1", kind="invoice", native_id="77")
    paid = command.model_copy(
        update={
            "status": "paid",
            "remaining": Money.zero("USD"),
            "paid_on": date(2026, 1, 2),
            "document": document,
        }
    )
    second = await crm.mirror_invoice(paid, idempotency_key="later")
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.value.ref == second.value.ref
    (row,) = invoices(crm_world)
    assert (row["Dealthread_Status__c"], row["Dealthread_Amount_Due__c"]) == ("paid", 0)
    assert (row["Dealthread_Paid_On__c"], row["Dealthread_Document_Id__c"]) == ("2026-01-02", "77")
    assert row["Dealthread_Total__c"] == 15891.0
    assert row["Dealthread_Amount_Paid__c"] is None


def credit_notes(world: CrmWorld) -> list[dict[str, Any]]:
    return world.query(
        "SELECT Id, Dealthread_Credit_Note_Id__c, Dealthread_Number__c, Dealthread_Status__c, "
        "Dealthread_Invoice__r.Dealthread_Invoice_Id__c, Dealthread_Account__c, "
        "Dealthread_Contract__r.Dealthread_Contract_Key__c, Dealthread_Total__c, "
        "Dealthread_Reason__c, Dealthread_Issued_On__c, Dealthread_Voided_On__c, CurrencyIsoCode "
        "FROM Dealthread_Credit_Note__c ORDER BY Dealthread_Number__c"
    )


def credit(number: int, **changes: Any) -> CreditMirror:
    return CreditMirror(
        credit=ref(System.BILLING, "acct_us01", "credit_note", f"cn_{number}"),
        number=f"US-000001-CN-{number:02}",
        gross=Money.of("533.00", "USD"),
        reason="service",
        issue_date=date(2026, 2, 3),
    ).model_copy(update=changes)


async def test_a_credit_note_is_a_record_of_its_own_under_its_invoice(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror, salesforce: Simulator
) -> None:
    """PF-09: number, day, amount and reason, in the account's history and the contract's; the
    invoice and its credits go out in one call."""
    given = command.model_copy(
        update={"credits": (credit(1),), "remaining": Money.of("15358.00", "USD")}
    )
    assert isinstance(await crm.mirror_invoice(given, idempotency_key=KEY), Done)
    before = len(salesforce.requests())
    again = given.model_copy(update={"credits": (credit(1), credit(2, reason="order_change"))})
    for _ in range(2):
        assert isinstance(await crm.mirror_invoice(again, idempotency_key=KEY), Done)
    assert len(salesforce.requests()) == before + 2
    first, second = credit_notes(crm_world)
    assert first["Dealthread_Credit_Note_Id__c"] == "acct_us01:cn_1"
    assert first["Dealthread_Invoice__r"]["Dealthread_Invoice_Id__c"] == "acct_us01:in_1"
    assert first["Dealthread_Account__c"] == command.account_id
    assert first["Dealthread_Contract__r"]["Dealthread_Contract_Key__c"] == deals.d1().key
    assert (first["Dealthread_Number__c"], first["Dealthread_Status__c"]) == (
        "US-000001-CN-01",
        "issued",
    )
    assert (first["Dealthread_Total__c"], first["CurrencyIsoCode"]) == (533.0, "USD")
    assert (first["Dealthread_Reason__c"], second["Dealthread_Reason__c"]) == (
        "service",
        "order_change",
    )
    assert (first["Dealthread_Issued_On__c"], first["Dealthread_Voided_On__c"]) == (
        "2026-02-03",
        None,
    )
    (row,) = invoices(crm_world)
    assert row["Dealthread_Amount_Due__c"] == 15358.0
    rows = crm_world.query(
        "SELECT Id, (SELECT Dealthread_Number__c FROM Dealthread_Credit_Notes__r) FROM Account"
    )
    (account,) = [row for row in rows if row["Id"] == command.account_id]
    assert len(account["Dealthread_Credit_Notes__r"]["records"]) == 2


async def test_a_credit_note_that_is_taken_back_says_so_and_stays(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    """Whoever reads the account's history sees both; an amount is never lost."""
    given = command.model_copy(update={"credits": (credit(1),)})
    assert isinstance(await crm.mirror_invoice(given, idempotency_key=KEY), Done)
    (before,) = credit_notes(crm_world)
    void = credit(1, is_void=True, voided_on=date(2026, 2, 5))
    taken_back = command.model_copy(update={"credits": (void,)})
    assert isinstance(await crm.mirror_invoice(taken_back, idempotency_key="later"), Done)
    (after,) = credit_notes(crm_world)
    assert after == before | {
        "Dealthread_Status__c": "void",
        "Dealthread_Voided_On__c": "2026-02-05",
    }


@pytest.mark.parametrize("fault", ["lose_answer", "refuse"])
async def test_credits_whose_answer_is_lost_are_there_once(
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    command: InvoiceMirror,
    salesforce: Simulator,
    fault: str,
) -> None:
    """All or nothing with their invoice, and the repeat brings the same records."""
    given = command.model_copy(update={"credits": (credit(1), credit(2))})
    salesforce.fault(fault, method="POST", path="/composite$")
    try:
        outcome: object = await crm.mirror_invoice(given, idempotency_key=KEY)
    except VendorUnavailable:
        outcome = None
    assert not isinstance(outcome, Done)
    had = len(credit_notes(crm_world))
    assert had == 2 * len(invoices(crm_world)) == (2 if fault == "lose_answer" else 0)
    assert isinstance(await crm.mirror_invoice(given, idempotency_key=KEY), Done)
    assert len(credit_notes(crm_world)) == 2


async def test_more_credits_than_one_call_takes_are_shown_by_several(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror, salesforce: Simulator
) -> None:
    """A call that fails after the first is no certain failure: the repeat writes what is left."""
    given = command.model_copy(update={"credits": tuple(credit(n) for n in range(1, 61))})
    assert isinstance(
        await crm.mirror_invoice(
            command.model_copy(update={"credits": (credit(1),)}), idempotency_key=KEY
        ),
        Done,
    )
    salesforce.fault("refuse", method="POST", path="/composite$", after=1)
    outcome = await crm.mirror_invoice(given, idempotency_key=KEY)
    assert isinstance(outcome, Unknown), outcome
    salesforce.heal()
    assert isinstance(await crm.mirror_invoice(given, idempotency_key=KEY), Done)
    assert [row["Dealthread_Number__c"] for row in credit_notes(crm_world)] == [
        credit(n).number for n in range(1, 61)
    ]


async def test_an_org_without_the_object_shows_the_invoice_as_before(
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    command: InvoiceMirror,
    salesforce: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked once; nothing is refused, and no invoice waits for a person."""
    monkeypatch.setattr("adapters.salesforce.credit_notes.OBJECT", "Dealthread_Absent__c")
    given = command.model_copy(update={"credits": (credit(1),)})
    before = len(salesforce.requests())
    for _ in range(2):
        assert isinstance(await crm.mirror_invoice(given, idempotency_key=KEY), Done)
    assert len(salesforce.requests()) == before + 3
    assert len(invoices(crm_world)) == 1
    assert credit_notes(crm_world) == []


async def test_the_same_id_in_another_billing_account_is_another_invoice(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    other = command.model_copy(
        update={"invoice": INVOICE.model_copy(update={"account": "acct_de01"})}
    )
    for one in (command, other):
        assert isinstance(await crm.mirror_invoice(one, idempotency_key=KEY), Done)
    assert len(invoices(crm_world)) == 2


async def test_an_invoice_of_no_contract_is_shown_with_its_account(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    loose = command.model_copy(update={"contract_key": ""})
    assert isinstance(await crm.mirror_invoice(loose, idempotency_key=KEY), Done)
    assert invoices(crm_world)[0]["Dealthread_Contract__r"] is None


async def test_a_contract_that_the_org_does_not_know_is_a_case_for_a_person(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    """Salesforce says so with the code of a field that does not exist: this is no drift."""
    unknown = command.model_copy(update={"contract_key": "C-NOBODY"})
    outcome = await crm.mirror_invoice(unknown, idempotency_key=KEY)
    assert isinstance(outcome, Rejected), outcome
    assert (outcome.case_kind, outcome.code) == ("crm.rejected", "contract_record_missing")
    assert invoices(crm_world) == []


async def test_an_account_that_is_gone_is_a_case_for_a_person(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    gone = command.model_copy(update={"account_id": "001000000000009AAA"})
    outcome = await crm.mirror_invoice(gone, idempotency_key=KEY)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.case_kind == "crm.rejected"
    assert invoices(crm_world) == []


async def test_an_account_id_of_another_form_is_refused_before_it_is_sent(
    crm: SalesforceCrm, command: InvoiceMirror
) -> None:
    with pytest.raises(BadInput):
        await crm.mirror_invoice(
            command.model_copy(update={"account_id": "A-1"}), idempotency_key=KEY
        )


@pytest.mark.parametrize(("account", "native_id"), [("", "in_1"), ("a", ""), ("a", "x" * 80)])
def test_an_external_id_is_whole(account: str, native_id: str) -> None:
    """Cut off it could be another invoice's."""
    with pytest.raises(InvariantBroken):
        external_id(ref(System.BILLING, account, "invoice", native_id))


async def test_a_pursuit_is_shown_on_the_invoices_record_and_leaves_the_rest_of_it(
    crm: SalesforceCrm, crm_world: CrmWorld, command: InvoiceMirror
) -> None:
    """PF-16: whichever of the two is told first, there is one record."""
    pursuit = CollectionsMirror(
        contract_key=command.contract_key,
        account_id=command.account_id,
        invoice=command.invoice,
        state="paused",
        stage=3,
        suspended=True,
        promised_until=date(2026, 2, 10),
    )
    first = await crm.show_collections(pursuit, idempotency_key=KEY)
    assert isinstance(await crm.mirror_invoice(command, idempotency_key=KEY), Done)
    ended = pursuit.model_copy(update={"state": "paid", "suspended": False, "promised_until": None})
    for state in (pursuit, ended):
        again = await crm.show_collections(state, idempotency_key="later")
        assert isinstance(first, Done)
        assert isinstance(again, Done)
        assert again.value.ref == first.value.ref
        (row,) = invoices(crm_world)
        assert (row["Dealthread_Status__c"], row["Dealthread_Number__c"]) == ("open", "US-000001")
        (shown,) = crm_world.query(
            "SELECT Dealthread_Collections__c, Dealthread_Collections_Stage__c, "
            "Dealthread_Suspended__c, Dealthread_Promised_Until__c FROM Dealthread_Invoice__c"
        )
        until = state.promised_until
        assert shown["Dealthread_Collections__c"] == state.state
        assert shown["Dealthread_Collections_Stage__c"] == 3
        assert shown["Dealthread_Suspended__c"] is state.suspended
        assert shown["Dealthread_Promised_Until__c"] == (until.isoformat() if until else None)
    unknown = pursuit.model_copy(update={"state": "forgiven"})
    assert isinstance(await crm.show_collections(unknown, idempotency_key="no"), Rejected)
