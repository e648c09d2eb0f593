"""PF-23: a wrong setting is named, with what to do, and never quoted."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dealthread.errors import BadInput
from dealthread.settings import OffsetClock, Principal, Settings, load_settings

KEYS = json.dumps({"kek/1": base64.b64encode(b"k" * 32).decode()})
ORG = "00D000000000001EAA"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the two settings without a default."""
    for name in list(os.environ):
        if name.startswith("DEALTHREAD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEALTHREAD_DATABASE_URL", "postgresql://u:geheim@h/d")
    monkeypatch.setenv("DEALTHREAD_CODEC_KEYS", KEYS)


def test_two_settings_are_enough() -> None:
    settings = load_settings()
    assert settings.principals() == {}
    assert settings.orgs() == ()
    assert settings.secrets_of("salesforce:x") == ()
    assert settings.subscribers == ()
    assert settings.codec_token.get_secret_value() == ""


def test_tokens_secrets_and_subscribers_are_read_from_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "DEALTHREAD_API_TOKENS", json.dumps({"t": {"actor": "olga", "roles": ["viewer"]}})
    )
    monkeypatch.setenv(
        "DEALTHREAD_WEBHOOK_SECRETS",
        json.dumps({f"salesforce:{ORG}": ["a", "b"], f"salesforce-outbound:{ORG}": ["c"]}),
    )
    monkeypatch.setenv(
        "DEALTHREAD_SUBSCRIBERS",
        json.dumps([{"name": "n", "url": "http://x", "secret_name": "s", "types": ["*"]}]),
    )
    settings = load_settings()
    assert settings.principals() == {"t": Principal(actor="olga", roles=("viewer",))}
    assert settings.orgs() == (ORG,)
    assert settings.secrets_of(f"salesforce:{ORG}") == ("a", "b")
    assert settings.secrets_of(f"salesforce-outbound:{ORG}") == ("c",)
    assert settings.subscribers[0].types == ("*",)


@pytest.mark.parametrize("name", ["DATABASE_URL", "CODEC_KEYS"])
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(f"DEALTHREAD_{name}")
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert caught.value.field == f"DEALTHREAD_{name}"
    assert "docs/settings.md" in caught.value.action


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKENS", "geheim"),
        ("API_TOKENS", '["geheim"]'),
        ("API_TOKENS", '{"geheim": "olga"}'),
        ("API_TOKENS", '{"geheim": {"roles": []}}'),
        ("API_TOKENS", '{"": {"actor": "geheim"}}'),
        ("WEBHOOK_SECRETS", "geheim"),
        ("WEBHOOK_SECRETS", '"geheim"'),
        ("WEBHOOK_SECRETS", '{"salesforce:x": "geheim"}'),
        ("WEBHOOK_SECRETS", '{"salesforce:x": ["geheim", ""]}'),
        ("WEBHOOK_SECRETS", '{"salesforce:x": ["geheim", 7]}'),
        ("SUBSCRIBERS", "geheim"),
        ("SUBSCRIBERS", '[{"name": "geheim"}]'),
        ("CODEC_ORIGINS", "geheim"),
        ("LEASE_SECONDS", "geheim"),
    ],
)
def test_an_unusable_setting_is_named_at_the_start_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DEALTHREAD_{name}", value)
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert caught.value.field == f"DEALTHREAD_{name}"
    assert "geheim" not in caught.value.action + str(caught.value)


def test_unusable_codec_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEALTHREAD_CODEC_KEYS", '{"kek/1": "AAAA"}')
    with pytest.raises(BadInput) as caught:
        load_settings().codec()
    assert caught.value.field == "DEALTHREAD_CODEC_KEYS"
    assert "32 bytes" in caught.value.action


def test_secrets_do_not_show() -> None:
    settings = load_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "geheim" not in text
        assert KEYS not in text


def test_business_time_is_machine_time_and_an_offset() -> None:
    assert OffsetClock(0).now().tzinfo is UTC
    ahead = OffsetClock(86_400).now() - datetime.now(UTC)
    assert timedelta(hours=23) < ahead < timedelta(hours=25)


def test_settings_accept_what_the_stack_gives() -> None:
    given = {"database_url": "postgresql://x", "codec_keys": KEYS, "codec_origins": '["http://u"]'}
    assert Settings.model_validate(given).codec_origins == ("http://u",)
