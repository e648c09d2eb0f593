"""Salesforce simulator: whatever is asked, the answer is Salesforce's and no failure of its own."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote_plus

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.org import Org
from dealthread.simulators.salesforce.rest.request import RestAnswer, RestRequest, split_target
from tests.judges.soql_queries import QueryMaker

BASE = "/services/data/v66.0"
quick = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
STATUSES = {200, 201, 204, 300, 304, 400, 403, 404, 405, 412, 501}
"""What a call past the session and the media type can answer."""


@cache
def org() -> Org:
    """One org for all examples; what they leave behind makes later ones stranger."""
    return Org(SalesforceConfig("00D5i0000000001EAA", "client", "secret", cpq=True))


@cache
def some_ids() -> tuple[str, ...]:
    """Ids of rows of several objects, and one of none."""
    made = [
        call("POST", "/sobjects/Account", {"Name": "A", "Dealthread_Customer_Key__c": "K"}),
        call("POST", "/sobjects/Contact", {"LastName": "B", "Email": "b@example.com"}),
    ]
    return (*(str(one.body["id"]) for one in made), "0015i00000ZZZZZAA5")


def call(
    method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> RestAnswer:
    """One call of the REST surface; SalesforceError is an answer, anything else a failure."""
    base, segments, query = split_target(BASE + path)
    raw = json.dumps(body).encode()
    try:
        answer = org().api.handle(
            RestRequest(method, base, segments, query, headers or {}, raw_body=raw)
        )
    except SalesforceError as exc:
        answer = RestAnswer(exc.status, exc.as_rest())
    if answer.body is not None:
        dumps(answer.body)
    return answer


objects = st.sampled_from(
    ["Account", "contact", "Opportunity", "OpportunityLineItem", "Order", "User", "Nothing__c"]
)
names = st.sampled_from(
    [
        *("Id", "Name", "LastName", "Email", "AccountId", "Account", "ParentId", "Amount"),
        *("StageName", "CloseDate", "IsDeleted", "Contacts", "BillingAddress", "Quantity"),
        *("Dealthread_Customer_Key__c", "Nothing__c", "attributes", "type", "records"),
        *("referenceId", "ids", "fields", "allOrNone", "haltOnError", "method", "url", "body"),
    ]
)
references = st.deferred(lambda: st.sampled_from([*some_ids(), "@{a.id}", "nonsense", ""]))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["Account", "Contact", "2026-02-30", "2026-02-28", "Closed Won", "a@b.example"]
    ),
    st.text(max_size=5),
    references,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
fields = st.dictionaries(names, values, max_size=5)
rows = fields | st.builds(lambda row, one: {**row, "Id": one}, fields, references)
typed_rows = st.builds(
    lambda sobject, reference, row: {
        **row,
        "attributes": {"type": sobject, "referenceId": reference},
    },
    objects,
    st.sampled_from(["a", "b", "", None]),
    rows,
)
methods = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "HEAD", "PUT"])
parts = st.builds(
    lambda method, sobject, end, reference, row: {
        "method": method,
        "url": f"{BASE}/sobjects/{sobject}{end}",
        "referenceId": reference,
        "body": row,
    },
    methods,
    objects,
    st.sampled_from(
        ["", "/", "/@{a.id}", "/nonsense", "/Dealthread_Customer_Key__c/K", "/describe"]
    ),
    st.sampled_from(["a", "b", "c"]),
    rows,
)
batch_calls = st.builds(
    lambda part: {
        "method": part["method"],
        "url": part["url"].removeprefix("/services/data/"),
        "richInput": part["body"],
    },
    parts,
)
several = st.one_of(
    st.builds(
        lambda found, whole: {"records": found, "allOrNone": whole},
        st.lists(typed_rows | rows, max_size=4),
        st.booleans(),
    ),
    st.builds(lambda found: {"records": found}, st.lists(typed_rows, max_size=3)),
    st.builds(
        lambda found, whole: {"compositeRequest": found, "allOrNone": whole},
        st.lists(parts, max_size=4),
        st.booleans(),
    ),
    st.builds(
        lambda found: {"graphs": [{"graphId": "1", "compositeRequest": found}]},
        st.lists(parts, max_size=4),
    ),
    st.builds(lambda found: {"batchRequests": found}, st.lists(batch_calls, max_size=4)),
    st.builds(
        lambda ids, fields: {"ids": ids, "fields": fields},
        st.lists(references, max_size=3),
        st.lists(names, max_size=3),
    ),
    values,
)
paths = st.one_of(
    st.sampled_from(
        [
            *("/composite", "/composite/graph", "/composite/batch", "/composite/sobjects"),
            *("/composite/tree/Account", "/composite/tree/contact", "/composite/sobjects/Account"),
            *("/composite/sobjects/Account/Id", "/composite/sobjects/Contact/Email"),
            *(
                "/composite/sobjects/Account/Dealthread_Customer_Key__c",
                "/composite/sobjects?ids=x",
            ),
            *("/limits", "/sobjects", "/query?q=", "/queryAll", "/query/01g0-3", ""),
        ]
    ),
    st.builds(lambda sobject: f"/sobjects/{sobject}", objects),
    st.builds(lambda sobject, one: f"/sobjects/{sobject}/{one}", objects, references),
    st.builds(
        lambda sobject, name, one: f"/sobjects/{sobject}/{name}/{one}", objects, names, references
    ),
    st.builds(
        lambda sobject, kind, end: (
            f"/sobjects/{sobject}/{kind}?start=2026-01-01T00:00:00Z&end={end}"
        ),
        objects,
        st.sampled_from(["updated", "deleted", "describe", "listviews"]),
        st.sampled_from(["2026-01-02T00:00:00Z", "x", ""]),
    ),
)
headers = st.dictionaries(
    st.sampled_from(["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"])
    | st.just("sforce-duplicate-rule-header"),
    st.sampled_from(['"x"', "*", "", "Wed, 21 Oct 2015 07:28:00 GMT", "allowSave=true", "soon"]),
    max_size=2,
)


@quick
@given(methods, paths, st.one_of(rows, several), headers)
def test_every_call_is_answered(
    method: str, path: str, body: Any, given_headers: dict[str, str]
) -> None:
    """One of the statuses of the REST guide, with a body that is JSON."""
    assert call(method, path, body, given_headers).status in STATUSES


@quick
@given(st.sampled_from(["POST", "PATCH"]), paths, several)
def test_every_body_of_several_rows_is_answered(method: str, path: str, body: Any) -> None:
    """Collections, composites, trees, graphs and batches, whole and damaged."""
    assert call(method, path, body).status in STATUSES


IN_TERMS_OF_THE_ORG = {
    r"\bOrder__c\b": "Type",
    r"\bParent__r\.Key__c\b": "Account.Dealthread_Customer_Key__c",
    r"\bo\.Name\b": "Opportunity.Name",
    r"\b(Contacts|Opportunities|Dealthread_Contracts__r)\b": "OpportunityLineItems",
    r"\bFROM(\s+)(Account|Contact|PricebookEntry|Dealthread_Outbox__c)\b": r"FROM\1Opportunity",
}
"""The generated words that the org does not have -> words that it has."""


def test_every_query_is_answered() -> None:
    """The queries that the parsers are compared on, run against rows."""
    deal = {"Name": "A", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": 1}
    for _ in range(3):
        call("POST", "/sobjects/Opportunity", deal)
    codes = {200: 0, 400: 0, 501: 0}
    for query in QueryMaker(20_261_120).queries(2000):
        for word, known in IN_TERMS_OF_THE_ORG.items():
            query = re.sub(word, known, query, flags=re.IGNORECASE)
        codes[call("GET", f"/query?q={quote_plus(query)}").status] += 1
    assert min(codes.values()) > 100, codes
