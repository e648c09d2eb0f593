"""AG-10: an adapter can ask only for what it declares, and declares only what a page describes."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from pydantic import SecretStr

from adapters.erp.tryton import manifest as tryton
from adapters.erp.tryton.rpc import TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from adapters.http import PinnedTransport
from adapters.manifest import Manifest
from adapters.salesforce import manifest as salesforce
from adapters.salesforce.client import SalesforceClient
from adapters.salesforce.session import GuardedSession, UsageMeter
from adapters.stripe import manifest as stripe
from dealthread.errors import InvariantBroken

INTERFACES = Path(__file__).resolve().parents[2] / "docs" / "interfaces.md"
MANIFESTS = {
    "stripe": stripe.MANIFEST,
    "salesforce": salesforce.MANIFEST,
    "salesforce parts": salesforce.PARTS,
    "tryton": tryton.MANIFEST,
}
PAGES = {
    "stripe": "https://docs.stripe.com/api/",
    "salesforce": "https://",
    "salesforce parts": "https://developer.salesforce.com/docs/",
    "tryton": "https://docs.tryton.org/",
}


@pytest.mark.parametrize("name", list(MANIFESTS))
def test_every_operation_has_the_vendors_page_and_stands_once(name: str) -> None:
    """The page is the vendor's own."""
    operations = MANIFESTS[name].operations
    assert operations
    assert all(one.page.startswith(PAGES[name]) for one in operations)
    named = [(one.method, one.path) for one in operations]
    assert len(set(named)) == len(named)


def test_the_catalogue_of_interfaces_knows_every_declared_resource() -> None:
    """What is declared in code is in docs/interfaces.md."""
    text = INTERFACES.read_text(encoding="utf-8")
    resources = {"/".join(one.path.split("/")[:3]) for one in stripe.MANIFEST.operations}
    resources |= {one.path.rsplit("{}/")[-1] for one in salesforce.MANIFEST.operations}
    # The last word of a procedure is what is done with its model.
    resources |= {
        one.path.rpartition(".")[0]
        for one in tryton.MANIFEST.operations
        if not one.path.endswith(("search_read", ".read", "fields_get", "login"))
    }
    assert [name for name in sorted(resources) if name not in text] == []


@pytest.mark.parametrize(
    ("method", "path", "is_declared"),
    [
        ("GET", "/v1/customers/cus_1", True),
        ("GET", "/v1/customers/cus_1/tax_ids", True),
        ("DELETE", "/v1/customers/cus_1", False),
        ("POST", "/v1/refunds", False),
        ("GET", "/v1/customers/cus_1/tax_ids/txi_1", False),
        ("GET", "/v2/customers", False),
        ("GET", "/v1/customers/", False),
    ],
)
async def test_an_undeclared_request_to_the_biller_never_leaves(
    method: str, path: str, is_declared: bool
) -> None:
    """Refused in front of the network, by method and path."""
    left: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        left.append(request.url.path)
        return httpx.Response(200)

    transport = PinnedTransport(
        "https://api.example.com", httpx.MockTransport(answer), stripe.MANIFEST
    )
    refusal = nullcontext() if is_declared else pytest.raises(InvariantBroken, match="undeclared")
    async with httpx.AsyncClient(transport=transport) as client:
        with refusal:
            await client.request(method, f"https://api.example.com{path}")
    assert left == ([path] if is_declared else [])


def test_an_undeclared_request_to_the_crm_never_leaves() -> None:
    """Nothing listens at that address: whoever tried would see a connection error."""
    with GuardedSession("http://127.0.0.1:1", UsageMeter()) as session:
        with pytest.raises(InvariantBroken) as refused:
            session.get("http://127.0.0.1:1/services/data/v66.0/tooling/query")
        assert refused.value.code == "undeclared_vendor_operation"
        with pytest.raises(requests.ConnectionError):
            session.post("http://127.0.0.1:1/services/data/v66.0/composite")


@pytest.mark.parametrize(
    "part",
    [
        {"method": "DELETE", "url": "/services/data/v66.0/sobjects/Account/001"},
        {"method": "POST", "url": "/services/data/v66.0/sobjects/Account"},
        {"method": "GET", "url": "/services/data/v66.0/tooling/query?q=x"},
    ],
)
def test_an_undeclared_part_of_a_composite_request_is_refused(part: dict[str, Any]) -> None:
    """The composite resource is no way around."""
    with pytest.raises(InvariantBroken):
        SalesforceClient.composite(
            SalesforceClient.__new__(SalesforceClient),
            "read",
            [{**part, "referenceId": "a"}],
            all_or_none=True,
        )


async def test_an_undeclared_procedure_of_the_erp_is_never_called() -> None:
    """By its name, whatever the arguments."""
    left: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        left.append(request)
        return httpx.Response(200, json={"id": 1, "result": [1, "token"]})

    settings = TrytonSettings(
        url="http://127.0.0.1:1", database="erp", user="u", password=SecretStr("p"), companies={}
    )
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        rpc = TrytonRpc(settings, http)
        with pytest.raises(InvariantBroken):
            await rpc.read("model.res.user.search_read", [], context={})
    # The sign-in is declared and may have happened; the procedure did not.
    assert all(b"res.user" not in request.content for request in left)


def test_a_place_holder_is_one_segment() -> None:
    """`{}` does not swallow a slash, nor nothing."""
    manifest = Manifest("x", stripe.MANIFEST.operations)
    for path in ("/v1/invoices/a/b/lines", "/v1/invoices//lines"):
        with pytest.raises(InvariantBroken):
            manifest.require("GET", path)
