"""Salesforce simulator: ids, rows, upserts and the rules of the objects."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from dealthread.simulators.salesforce.ids import MalformedId, make_id, to_18
from dealthread.simulators.salesforce.jsonio import NotJson, dumps, loads

KEY = "Dealthread_Customer_Key__c"


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """(status, errorCode)."""
    return answer.status_code, answer.json()[0]["errorCode"]


@pytest.mark.parametrize(
    "id18",
    ["0015500001QdZPKAA3", "0035500001H9kZuAAJ", "0035500001H9ka0AAB", "0019000000B98deAAB"],
)
def test_the_checksum_agrees_with_published_ids(id18: str) -> None:
    """Ids recorded from real orgs and one from a public explanation."""
    assert to_18(id18[:15]) == id18
    assert to_18(id18) == id18


@pytest.mark.parametrize("text", ["", "001", "0015500001QdZPKAA4", "0015500001QdZP-", "x" * 16])
def test_a_bad_id_is_told_from_a_good_one(text: str) -> None:
    """Wrong length, wrong character, wrong checksum."""
    with pytest.raises(MalformedId):
        to_18(text)


def test_made_ids_are_distinct_and_sort_in_the_order_they_were_made() -> None:
    """Keyset paging by Id relies on it."""
    ids = [make_id("006", "5i", number) for number in range(1, 5000)]
    assert ids == sorted(set(ids))


def test_amounts_pass_through_json_exactly() -> None:
    """No float in between: digits come out as they went in."""
    text = b'{"a":19.99,"b":0.1000,"c":12345678901234567.89,"d":7}'
    assert loads(text) == {
        "a": Decimal("19.99"),
        "b": Decimal("0.1000"),
        "c": Decimal("12345678901234567.89"),
        "d": 7,
    }
    assert dumps(loads(text)) == text
    assert dumps(Decimal(100)) == b"100.0"
    with pytest.raises(NotJson):
        loads(b'{"a":NaN}')


def test_a_row_is_created_read_changed_and_deleted_through_simple_salesforce(org: Any) -> None:
    """The public client works unmodified; ids have 18 characters."""
    sf = org.simple_salesforce()
    made = sf.Account.create({"Name": "Acme", "BillingCountry": "DE", KEY: "C-1"})
    assert made["success"] is True
    record_id = made["id"]
    assert (len(record_id), record_id[:3]) == (18, "001")
    assert sf.Account.update(record_id, {"Website": "https://acme.example"}) == 204
    row = sf.Account.get(record_id)
    assert (row["Name"], row["Website"]) == ("Acme", "https://acme.example")
    assert row["attributes"]["url"] == f"/services/data/v66.0/sobjects/Account/{record_id}"
    assert row["BillingAddress"]["country"] == "DE"
    assert row["CreatedDate"].endswith(".000+0000")
    assert sf.Account.get_by_custom_id(KEY, "C-1")["Id"] == record_id
    assert sf.Account.get(record_id[:15])["Id"] == record_id
    assert sf.Account.delete(record_id) == 204
    with pytest.raises(SalesforceResourceNotFound) as caught:
        sf.Account.get(record_id)
    assert caught.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_an_upsert_creates_then_updates(org: Any) -> None:
    """201 with created true, then 200 with created false, for one row."""
    path = f"/sobjects/Account/{KEY}/C%2F7%20x"
    first = org.http.patch(path, json={"Name": "One"})
    second = org.http.patch(path, json={"Name": "Two"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert first.json()["id"] == second.json()["id"]
    assert org.query(f"SELECT Name, {KEY} FROM Account")[0][KEY] == "C/7 x"  # noqa: S608


def test_an_upsert_with_update_only_does_not_create(org: Any) -> None:
    """Status must not create a stub."""
    answer = org.http.patch(f"/sobjects/Account/{KEY}/none?updateOnly=true", json={"Name": "x"})
    assert error_of(answer) == (404, "NOT_FOUND")
    assert org.query("SELECT Id FROM Account") == []


def test_an_upsert_that_matches_several_rows_answers_300_with_their_addresses(org: Any) -> None:
    """Contact.Email may be used as a key, and is not unique."""
    ids = [org.create("Contact", LastName=name, Email="a@b.example") for name in ("A", "B")]
    answer = org.http.patch("/sobjects/Contact/Email/a@b.example", json={"LastName": "C"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v66.0/sobjects/Contact/{one}" for one in ids]


def test_the_key_of_an_upsert_must_not_be_in_its_body(org: Any) -> None:
    """Salesforce refuses it, and so does a body with an Id."""
    path = f"/sobjects/Account/{KEY}/C-1"
    assert error_of(org.http.patch(path, json={"Name": "x", KEY: "C-1"})) == (400, "INVALID_FIELD")
    assert error_of(org.http.patch(path, json={"Name": "x", "Id": "1"})) == (400, "INVALID_FIELD")


def test_a_unique_field_refuses_the_second_row(org: Any) -> None:
    """DUPLICATE_VALUE names the row that has the value; simple-salesforce calls it malformed."""
    first = org.create("Account", Name="A", **{KEY: "Key"})
    with pytest.raises(SalesforceMalformedRequest) as caught:
        org.simple_salesforce().Account.create({"Name": "B", KEY: "Key"})
    (error,) = caught.value.content
    assert error["errorCode"] == "DUPLICATE_VALUE"
    assert first in error["message"]
    org.http.delete(f"/sobjects/Account/{first}")
    org.create("Account", Name="C", **{KEY: "Key"})


def test_our_keys_tell_cases_apart_and_other_unique_fields_do_not(org: Any) -> None:
    """Declared case-sensitive: two rows, each found by its own spelling, in SOQL too."""
    ids = {text: org.create("Account", Name="A", **{KEY: text}) for text in ("Key", "kEY")}
    for text, record_id in ids.items():
        assert org.http.get(f"/sobjects/Account/{KEY}/{text}").json()["Id"] == record_id
        condition = f"WHERE {KEY} = '{text}'"
        assert [one["Id"] for one in org.query(f"SELECT Id FROM Account {condition}")] == [  # noqa: S608
            record_id
        ]
        either = f"{condition} OR {KEY} = 'none'"
        assert len(org.query(f"SELECT Id FROM Account {either}")) == 1  # noqa: S608
    described = org.http.get("/sobjects/Account/describe").json()["fields"]
    (key,) = [one for one in described if one["name"] == KEY]
    assert (key["caseSensitive"], key["unique"], key["externalId"]) == (True, True, True)
    org.create("Dealthread_Outbox__c", Dealthread_Event_Id__c="abc")
    again = org.http.post("/sobjects/Dealthread_Outbox__c", json={"Dealthread_Event_Id__c": "ABC"})
    assert error_of(again) == (400, "DUPLICATE_VALUE")


@pytest.mark.parametrize(
    ("sobject", "body", "code"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING"),
        ("Account", {"Name": " "}, "REQUIRED_FIELD_MISSING"),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG"),
        ("Account", {"Name": "x", "Nonsense__c": 1}, "INVALID_FIELD"),
        ("Account", {"Name": "x", "CreatedDate": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Account", {"Name": 7}, "JSON_PARSER_ERROR"),
        ("Account", {"Name": "x", "ParentId": "003"}, "MALFORMED_ID"),
        ("Account", {"Name": "x", "ParentId": "0035500001H9ka0AAB"}, "MALFORMED_ID"),
        ("Account", {"Name": "x", "ParentId": "0015500001QdZPK"}, "INVALID_CROSS_REFERENCE_KEY"),
        (
            "Account",
            {"Name": "x", "Dealthread_Buyer_Type__c": "alien"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        ("Account", {"Name": "x", "Dealthread_Screened_On__c": "2026-02-30"}, "JSON_PARSER_ERROR"),
        (
            "Account",
            {"Name": "x", "CurrencyIsoCode": "XXX"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        ("Contact", {"LastName": "x", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        (
            "Opportunity",
            {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": 1.005},
            "NUMBER_OUTSIDE_VALID_RANGE",
        ),
        (
            "Opportunity",
            {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": "1"},
            "JSON_PARSER_ERROR",
        ),
        ("Organization", {"Name": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        (
            "Account",
            {"Name": "x", "Parent": {KEY: "none"}},
            "INVALID_FIELD",
        ),
    ],
)
def test_a_value_the_schema_does_not_allow_is_refused(
    org: Any, sobject: str, body: dict[str, Any], code: str
) -> None:
    """By its code, and nothing is written."""
    answer = org.http.post(f"/sobjects/{sobject}", json=body)
    assert error_of(answer) == (400, code)
    assert [one for one in org.effects() if one["kind"].startswith(sobject)] == []


def test_names_are_read_in_any_case_and_answered_in_their_own(org: Any) -> None:
    """Fields and objects."""
    record_id = org.create("aCCOUNT", nAME="Acme")
    row = org.http.get(f"/sobjects/account/{record_id}?fields=name").json()
    assert {name: row[name] for name in ("Name", "Id")} == {"Name": "Acme", "Id": record_id}
    assert "Website" not in row


def test_a_parent_is_named_by_its_external_id(org: Any) -> None:
    """`"Parent": {"Key": "x"}`; null and the empty text clear a field."""
    parent = org.create("Account", Name="Parent", **{KEY: "P"})
    child = org.create("Account", Name="Child", Website="x.example", Parent={KEY: "P"})
    assert org.read("Account", child)["ParentId"] == parent
    org.http.patch(f"/sobjects/Account/{child}", json={"ParentId": None, "Website": ""})
    assert (org.read("Account", child)["ParentId"], org.read("Account", child)["Website"]) == (
        None,
        None,
    )


def test_the_sync_sequence_never_decreases(org: Any) -> None:
    """A late write is refused by the package's validation rule; the same number is not."""
    opportunity = org.opportunity(org.create("Account", Name="A"))
    path = f"/sobjects/Opportunity/{opportunity}"

    def write(value: int | None) -> httpx.Response:
        answer: httpx.Response = org.http.patch(
            path, json={"Dealthread_Sync_Seq__c": value, "Dealthread_Status__c": f"s{value}"}
        )
        return answer

    assert write(5).status_code == 204
    assert write(5).status_code == 204
    for lower in (4, None):
        assert error_of(write(lower)) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    row = org.read("Opportunity", opportunity)
    assert (row["Dealthread_Sync_Seq__c"], row["Dealthread_Status__c"]) == (5, "s5")


@pytest.fixture
def priced(org: Any) -> dict[str, str]:
    """A product with a standard price, an account and an opportunity in EUR."""
    (book,) = org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    product = org.create("Product2", Name="Seat", ProductCode="SEAT", IsActive=True)
    entry = org.create(
        "PricebookEntry",
        Pricebook2Id=book["Id"],
        Product2Id=product,
        UnitPrice=12.5,
        IsActive=True,
        CurrencyIsoCode="EUR",
    )
    opportunity = org.opportunity(org.create("Account", Name="A"), CurrencyIsoCode="EUR")
    return {"book": book["Id"], "product": product, "entry": entry, "opportunity": opportunity}


def test_lines_fill_from_the_price_book_and_roll_up_to_the_amount(
    org: Any, priced: dict[str, str]
) -> None:
    """List price, product and total are derived; the opportunity's amount is their sum."""
    opportunity = priced["opportunity"]
    lines = [
        org.create(
            "OpportunityLineItem",
            OpportunityId=opportunity,
            PricebookEntryId=priced["entry"],
            Quantity=quantity,
            UnitPrice=price,
        )
        for quantity, price in ((3, 9.99), (1.5, 0.01))
    ]
    line = org.read("OpportunityLineItem", lines[0])
    assert (line["ListPrice"], line["ProductCode"], line["TotalPrice"]) == (12.5, "SEAT", 29.97)
    assert line["CurrencyIsoCode"] == "EUR"
    row = org.read("Opportunity", opportunity)
    # 1.5 × 0.01 = 0.015, half up.
    assert (row["Amount"], row["HasOpportunityLineItem"]) == (29.99, True)
    assert row["Pricebook2Id"] == priced["book"]
    org.http.patch(f"/sobjects/Opportunity/{opportunity}", json={"Amount": 1, "Name": "New"})
    row = org.read("Opportunity", opportunity)
    assert (row["Amount"], row["Name"]) == (29.99, "New")
    refused = org.http.patch(
        f"/sobjects/Opportunity/{opportunity}", json={"CurrencyIsoCode": "USD"}
    )
    assert error_of(refused) == (400, "FIELD_INTEGRITY_EXCEPTION")
    org.http.delete(f"/sobjects/OpportunityLineItem/{lines[1]}")
    assert org.read("Opportunity", opportunity)["Amount"] == 29.97


def test_price_books_need_a_standard_price_and_know_one_price_a_product(
    org: Any, priced: dict[str, str]
) -> None:
    """STANDARD_PRICE_NOT_DEFINED in another currency; a second entry is a duplicate."""
    book = org.create("Pricebook2", Name="Partners", IsActive=True)
    body = {"Pricebook2Id": book, "Product2Id": priced["product"], "UnitPrice": 10}
    foreign = org.http.post("/sobjects/PricebookEntry", json={**body, "CurrencyIsoCode": "USD"})
    assert error_of(foreign) == (400, "STANDARD_PRICE_NOT_DEFINED")
    org.create("PricebookEntry", **body)
    assert error_of(org.http.post("/sobjects/PricebookEntry", json=body)) == (
        400,
        "DUPLICATE_VALUE",
    )


def test_a_line_from_another_price_book_or_an_inactive_entry_is_refused(
    org: Any, priced: dict[str, str]
) -> None:
    """FIELD_INTEGRITY_EXCEPTION."""
    book = org.create("Pricebook2", Name="Partners", IsActive=True)
    org.http.patch(f"/sobjects/Opportunity/{priced['opportunity']}", json={"Pricebook2Id": book})
    line = {
        "OpportunityId": priced["opportunity"],
        "PricebookEntryId": priced["entry"],
        "Quantity": 1,
        "UnitPrice": 1,
    }
    other = org.http.post("/sobjects/OpportunityLineItem", json=line)
    assert error_of(other) == (400, "FIELD_INTEGRITY_EXCEPTION")
    org.http.patch(f"/sobjects/PricebookEntry/{priced['entry']}", json={"IsActive": False})
    inactive = org.http.post("/sobjects/OpportunityLineItem", json=line)
    assert "inactive" in inactive.json()[0]["message"]


def test_the_stage_decides_won_closed_and_probability(org: Any) -> None:
    """The derived fields cannot be written."""
    opportunity = org.opportunity(org.create("Account", Name="A"))
    path = f"/sobjects/Opportunity/{opportunity}"
    org.http.patch(path, json={"StageName": "Closed Won"})
    row = org.read("Opportunity", opportunity)
    assert (row["IsWon"], row["IsClosed"], row["Probability"]) == (True, True, 100)
    refused = org.http.patch(path, json={"IsWon": False})
    assert error_of(refused) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-12-01", 12, "2027-11-30"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-03-15", 1, "2026-04-14"),
    ],
)
def test_a_contract_ends_on_the_last_day_of_its_term(
    org: Any, start: str, months: int, end: str
) -> None:
    """Inclusive, as Salesforce shows it."""
    contract = org.create(
        "Contract",
        AccountId=org.create("Account", Name="A"),
        StartDate=start,
        ContractTerm=months,
    )
    row = org.read("Contract", contract)
    assert (row["EndDate"], row["Status"], len(row["ContractNumber"])) == (end, "Draft", 8)


def test_a_contract_starts_as_draft_and_stays_activated(org: Any) -> None:
    """Salesforce's order of statuses; an activated contract is not deleted."""
    account = org.create("Account", Name="A")
    early = org.http.post("/sobjects/Contract", json={"AccountId": account, "Status": "Activated"})
    assert error_of(early) == (400, "FAILED_ACTIVATION")
    path = f"/sobjects/Contract/{org.create('Contract', AccountId=account)}"
    assert org.http.patch(path, json={"Status": "Activated"}).status_code == 204
    assert error_of(org.http.patch(path, json={"Status": "Draft"})) == (400, "INVALID_STATUS")
    assert error_of(org.http.delete(path)) == (400, "DELETE_FAILED")


def test_deleting_takes_open_deals_along_and_is_refused_where_won_ones_hang(org: Any) -> None:
    """Cascade as recorded describes say; deleted rows are in queryAll only."""
    account = org.create("Account", Name="A")
    contact = org.create("Contact", LastName="Kim", AccountId=account)
    child = org.create("Account", Name="B", ParentId=account)
    opportunity = org.opportunity(account)
    path = f"/sobjects/Opportunity/{opportunity}"
    org.http.patch(path, json={"StageName": "Closed Won"})
    assert error_of(org.http.delete(f"/sobjects/Account/{account}")) == (400, "DELETE_FAILED")
    org.http.patch(path, json={"StageName": "Closed Lost"})
    assert org.http.delete(f"/sobjects/Account/{account}").status_code == 204
    assert org.query("SELECT Id FROM Opportunity") == []
    answer = org.http.get("/queryAll", params={"q": "SELECT Id, IsDeleted FROM Opportunity"})
    assert [one["IsDeleted"] for one in answer.json()["records"]] == [True]
    assert error_of(org.http.get(f"/sobjects/Contact/{contact}")) == (404, "ENTITY_IS_DELETED")
    assert org.read("Account", child)["ParentId"] is None


def test_an_account_goes_with_its_drafts_and_stays_for_an_activated_contract(org: Any) -> None:
    """What hangs from it is all deleted or all kept."""
    kept = org.create("Account", Name="A")
    draft, active = org.create("Contract", AccountId=kept), org.create("Contract", AccountId=kept)
    org.http.patch(f"/sobjects/Contract/{active}", json={"Status": "Activated"})
    assert error_of(org.http.delete(f"/sobjects/Account/{kept}")) == (400, "DELETE_FAILED")
    assert org.read("Contract", draft)["Status"] == "Draft"
    gone = org.create("Account", Name="B")
    org.create("Contract", AccountId=gone)
    assert org.http.delete(f"/sobjects/Account/{gone}").status_code == 204
    assert {one["AccountId"] for one in org.query("SELECT AccountId FROM Contract")} == {kept}
