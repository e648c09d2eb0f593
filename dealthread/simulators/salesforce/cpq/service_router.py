"""`/services/apexrest/SBQQ/ServiceRouter`: the package's REST resource.

CPQ developer guide, "Contract Amender API": PATCH with the loader's name and the contract's id; the
answer is a quote model, "a JSON formatted string". The other loaders, readers and savers, and the
amendment's context, are refused by name.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from dealthread.simulators.salesforce.cpq.amending import amend
from dealthread.simulators.salesforce.cpq.background import Background, JobRefused
from dealthread.simulators.salesforce.cpq.quote_rules import LINE, QUOTE, lines_of
from dealthread.simulators.salesforce.errors import SalesforceError, not_found, not_simulated
from dealthread.simulators.salesforce.ids import MalformedId, to_18
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.rest.rendering import url_of
from dealthread.simulators.salesforce.rest.request import RestAnswer
from dealthread.simulators.salesforce.store import Store

PATH = "/services/apexrest/SBQQ/ServiceRouter"
AMENDER = "SBQQ.ContractManipulationAPI.ContractAmender"
_BASE = "/services/data/v66.0"


class ServiceRouter:
    """Answers calls of the package's resource."""

    def __init__(self, store: Store, background: Background) -> None:
        self._store = store
        self._background = background

    def answer(self, method: str, target: str, body: bytes) -> RestAnswer:
        """Answer one call below `/services/apexrest`. Raises SalesforceError."""
        path, _, parameters = target.partition("?")
        query = dict(parse_qsl(parameters, keep_blank_values=True))
        if path.rstrip("/") != PATH:
            raise not_found()
        named = query.get("loader") or query.get("reader") or query.get("saver")
        if method != "PATCH" or query.get("loader") != AMENDER:
            raise not_simulated(f"{method} {named or 'without a loader'} of the CPQ service router")
        if body.strip() not in (b"", b"{}"):
            raise not_simulated("the context of a CPQ amendment")
        if set(query) - {"loader", "uid"}:
            raise not_simulated("further parameters of the CPQ service router")
        return RestAnswer(200, dumps(self._amend(query.get("uid", ""))).decode())

    def _amend(self, uid: str) -> dict[str, Any]:
        try:
            contract_id = to_18(uid)
            with self._store.transaction():
                quote_id = amend(self._background.worker(), contract_id)
        except (MalformedId, JobRefused) as exc:
            raise SalesforceError("APEX_ERROR", str(exc), status=500) from exc
        return self._model(quote_id)

    def _model(self, quote_id: str) -> dict[str, Any]:
        quote = self._store.live(QUOTE, quote_id) or {}
        lines = lines_of(self._store, quote_id)
        segments = [line for line in lines if line["SBQQ__SegmentIndex__c"] is not None]
        return {
            "record": {**_record(QUOTE, quote_id), "Name": quote.get("Name")},
            "nextKey": len(lines) + 1,
            "netTotal": quote.get("SBQQ__NetAmount__c"),
            **({} if segments else {"netNonSegmentTotal": quote.get("SBQQ__NetAmount__c")}),
            "lineItems": [{"record": _record(LINE, str(line["Id"]))} for line in lines],
            "lineItemGroups": [],
        }


def _record(name: str, record_id: str) -> dict[str, Any]:
    attributes = {"type": name, "url": url_of(_BASE, name, record_id)}
    return {"attributes": attributes, "Id": record_id}
