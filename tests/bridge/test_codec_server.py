"""SC-06: clear text for the Temporal UI's page with its token, for nobody else."""

from __future__ import annotations

import json

import httpx
import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from dealthread.codec import EncryptingCodec
from tests.bridge.caller import CODEC_TOKEN, UI, Bridge

pytestmark = pytest.mark.postgres
PATH = f"/codec/{CODEC_TOKEN}/decode"
CLEAR = Payload(metadata={"encoding": b"json/plain"}, data=b'"Hedwig Muster"')
ORIGINS = (
    "",
    "null",
    "*",
    "https://evil.test",
    UI + ".evil.test",
    UI.replace("http", "https"),
    UI.upper(),
    UI + "/",
)


async def sealed(codec: EncryptingCodec) -> str:
    return json_format.MessageToJson(Payloads(payloads=await codec.encode([CLEAR])))


async def decode(
    bridge: Bridge, body: str | bytes, origin: str = UI, path: str = PATH
) -> httpx.Response:
    return await bridge.http.post(path, content=body, headers={"origin": origin})


async def test_the_ui_reads_what_was_sealed(bridge: Bridge) -> None:
    body = await sealed(bridge.held.settings.codec())
    assert "Hedwig" not in body
    answer = await decode(bridge, body)
    assert answer.status_code == 200
    assert list(json_format.Parse(answer.content, Payloads()).payloads) == [CLEAR]
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["vary"] == "Origin"


async def test_the_browser_may_ask_first(bridge: Bridge) -> None:
    answer = await bridge.http.options(
        PATH, headers={"origin": UI, "access-control-request-method": "POST"}
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "x-namespace" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ORIGINS)
async def test_no_other_page_gets_an_answer(bridge: Bridge, origin: str) -> None:
    body = await sealed(bridge.held.settings.codec())
    for answer in (
        await decode(bridge, body, origin),
        await bridge.http.options(PATH, headers={"origin": origin}),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("token", ["wrong", "%20", "é", CODEC_TOKEN + "x", CODEC_TOKEN[:-1]])
async def test_without_the_token_there_is_no_answer(bridge: Bridge, token: str) -> None:
    body = await sealed(bridge.held.settings.codec())
    assert (await decode(bridge, body, path=f"/codec/{token}/decode")).status_code == 403


async def test_without_a_configured_token_there_is_no_codec_server(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = type(bridge.held.settings).model_validate(
        bridge.held.settings.model_dump() | {"codec_token": ""}
    )
    monkeypatch.setitem(bridge.held.__dict__, "settings", off)
    for path in ("/codec//decode", "/codec/%20/decode", PATH):
        assert (await decode(bridge, b"{}", path=path)).status_code in (403, 404)


async def test_only_decoding_is_served(bridge: Bridge) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await bridge.http.request(method, PATH, headers={"origin": UI})
        assert answer.status_code == 405
    assert (await decode(bridge, b"{}", path=PATH.replace("decode", "encode"))).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b'{"payloads":7}',
        b'{"payloads":[{"data":7}]}',
        b"\xff",
        b"[" * 100_000,
        b'{"payloads":[' + b'{"metadata":' * 2000,
    ],
)
async def test_what_is_no_payload_is_refused_to_the_page_that_sent_it(
    bridge: Bridge, body: bytes
) -> None:
    answer = await decode(bridge, body)
    assert answer.status_code == 400
    # Without this header the browser would hide from the UI what was wrong.
    assert answer.headers["access-control-allow-origin"] == UI


async def test_a_payload_of_an_unknown_key_or_cut_short_names_the_reason(bridge: Bridge) -> None:
    foreign = await sealed(EncryptingCodec({"old/9": b"o" * 32}))
    own = json.loads(await sealed(bridge.held.settings.codec()))
    own["payloads"][0]["data"] = "AAAA"
    for body in (foreign, json.dumps(own)):
        answer = await decode(bridge, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "key_missing")
        assert answer.headers["access-control-allow-origin"] == UI


async def test_a_body_over_eight_mebibytes_is_refused(bridge: Bridge) -> None:
    assert (await decode(bridge, b" " * (8 * 1024 * 1024 + 1))).status_code == 413
