"""What a sender of webhooks does, written from the vendors' pages and not from our code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.resources import Resources
from dealthread.store.schema import inbox

ORG = "00D000000000001EAA"
DEAL = "0065g00000AbCdEAAV"
ACCOUNT = "acct_us"
SECRET = "whsec_" + base64.b64encode(b"a" * 24).decode()
NEXT_SECRET = "whsec_" + base64.b64encode(b"b" * 24).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"c" * 24).decode()
OUTBOUND_TOKEN = "outbound-token-of-the-tests"
STRIPE_SECRET = "whsec_stripe_of_the_tests"
CODEC_TOKEN = "codec-token-of-the-tests"
UI = "http://127.0.0.1:8233"
START = 1_763_000_000.0
"""Machine time of every test until it moves the clock."""

ROLES = (
    "viewer",
    "operator",
    "approver",
    "finance",
    "deal-desk",
    "finance-systems",
    "customer-success",
    "metering",
    "cash",
)
"""Each has a token of its own."""
TOKENS = {f"token-{role}": {"actor": f"{role}-person", "roles": [role]} for role in ROLES} | {
    "token-none": {"actor": "nobody", "roles": []},
    "token-all": {
        "actor": "head",
        "roles": ["viewer", "operator", "approver", "finance", "deal-desk", "finance-systems"],
    },
}


@dataclass
class Clock:
    """Machine time that a test moves."""

    at: float = START

    def __call__(self) -> float:
        return self.at


@dataclass
class Bridge:
    """The running application, a client of it, its clock and its store."""

    http: httpx.AsyncClient
    held: Resources
    clock: Clock
    engine: AsyncEngine

    async def rows(self) -> list[Row[Any]]:
        """The inbox, oldest first."""
        async with self.engine.connect() as connection:
            return list(await connection.execute(select(inbox).order_by(inbox.c.id)))

    async def hook(self, body: bytes, headers: dict[str, str], org: str = ORG) -> httpx.Response:
        """Post to the Salesforce webhook."""
        return await self.http.post(
            f"/webhooks/salesforce/{org}",
            content=body,
            headers={"content-type": "application/json"} | headers,
        )

    async def as_role(
        self, role: str, method: str, path: str, body: object = None
    ) -> httpx.Response:
        """Call the process API with the token of a role."""
        return await self.http.request(
            method,
            path,
            content=b"" if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer token-{role}", "content-type": "application/json"},
        )


def hint(record: str = DEAL, **more: object) -> bytes:
    """A body as our Salesforce package sends it."""
    return json.dumps(
        {"object": "Opportunity", "recordId": record, "trigger": "won", "sequence": 1} | more
    ).encode()


def signed(
    body: bytes,
    *secrets: str,
    message_id: str = "msg_1",
    at: float = START,
    timestamp: str | None = None,
) -> dict[str, str]:
    """Headers by standard-webhooks.com: HMAC-SHA256 over id, timestamp and body."""
    stamp = str(int(at)) if timestamp is None else timestamp
    given = []
    for secret in secrets or (SECRET,):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
        given.append("v1," + base64.b64encode(digest).decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(given),
    }
