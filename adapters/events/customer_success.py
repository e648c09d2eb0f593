"""The customer-success port: one look-up by contract, authorised by a bearer token.

`GET <read_url>/contracts/<contract_key>` answers 200 with `contract_key`, `state` (as the events
tell it: scheduled, active, ended, never_activated; or a word of the system's own), `version` where
it keeps one, and `changed_at` where it knows when anybody last changed it; 404 for a contract that
it knows nothing of.
"""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import quote, urlsplit

import httpx
from pydantic import AwareDatetime, BaseModel, Field, SecretStr, ValidationError

from adapters.events.guard import AddressRefused, GuardedTransport, Resolver, resolve
from adapters.http import (
    CallMeter,
    NoMeter,
    make_client,
    read_failure,
    refuse_unanswered,
    within_total,
)
from dealthread.domain.comparison.seen import HeldContract
from dealthread.errors import (
    BadInput,
    ContractDrift,
    VendorUnavailable,
)

MAX_ANSWER_BYTES = 64 * 1024


class _Answer(BaseModel):
    """What is used of it; fields that it has beside these are its own."""

    contract_key: str
    state: str = Field(min_length=1, max_length=60)
    version: int | None = None
    changed_at: AwareDatetime | None = None


class ContractLookUp:
    """Implements `dealthread.ports.customer_success.CustomerSuccessPort`."""

    def __init__(
        self,
        read_url: str,
        token: SecretStr,
        meter: CallMeter | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        parts = urlsplit(read_url)
        self._path = parts.path.rstrip("/")
        self._token = token
        self._meter = meter or NoMeter()
        try:
            self._client = make_client(
                f"{parts.scheme}://{parts.netloc}",
                transport=GuardedTransport(transport or httpx.AsyncHTTPTransport(), resolver),
            )
        except (ValueError, httpx.InvalidURL):
            raise BadInput(
                "subscriber_url_refused",
                field="DEALTHREAD_SUBSCRIBERS.read_url",
                action="give an https address, without a path that ends in /contracts",
            ) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def contract_now(self, contract_key: str) -> HeldContract | None:
        """Raises transport errors; ContractDrift for an answer that we do not know."""
        self._meter.count("customer_success", "contract_now")
        path = f"{self._path}/contracts/{quote(contract_key, safe='')}"
        headers = {"authorization": f"Bearer {self._token.get_secret_value()}"}
        try:
            response = await within_total(self._client.get(path, headers=headers))
        except AddressRefused as refusal:
            raise VendorUnavailable(str(refusal)) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise read_failure(error) from None
        status = response.status_code
        if status == 404:
            return None
        refuse_unanswered(response, "customer_success_token_refused")
        if status != 200 or len(response.content) > MAX_ANSWER_BYTES:
            raise ContractDrift("unexpected_customer_success_answer", status=str(status))
        return held_of(response.content, contract_key)


def held_of(content: bytes, contract_key: str) -> HeldContract:
    """What the answer says. Raises ContractDrift naming the fields that it says otherwise."""
    try:
        answer = _Answer.model_validate(json.loads(content, parse_float=Decimal))
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
        raise ContractDrift("customer_success_answer_shape", fields=fields) from None
    except ValueError:
        raise ContractDrift("customer_success_answer_not_json") from None
    if answer.contract_key != contract_key:
        raise ContractDrift("customer_success_answer_of_another", fields="contract_key")
    return HeldContract(
        contract_key=contract_key,
        state=answer.state,
        version=answer.version,
        changed_at=answer.changed_at,
    )
