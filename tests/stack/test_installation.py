"""Ports, credentials and stack.json. Mission rows SC-06, OB-10."""

from __future__ import annotations

import json
import socket
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dealthread.settings import Settings
from dealthread.stack import defaults, info, parts, ports
from dealthread.stack.environment import app_environment, receiver_environment
from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.installation import establish
from dealthread.stack.layout import LONGEST_SOCKET_FOLDER, Layout, private_folder
from dealthread.stack.plan import Part


def test_the_usual_ports_are_taken_when_they_are_free() -> None:
    """A person finds the Temporal UI and the bridge where the documents say."""
    assert ports.choose(free=lambda _: True) == dict(ports.USUAL)


def test_a_taken_port_gives_way_to_a_free_one_nearby() -> None:
    """Another program keeps its port, and no two parts get the same one."""
    chosen = ports.choose(free=lambda port: port not in (8700, 18700, 7233))
    assert chosen["bridge"] == 18701
    assert chosen["temporal"] == 17233
    assert chosen["stripe"] == 8720
    assert len(set(chosen.values())) == len(chosen)


def test_a_moved_port_stays_where_it_was_while_the_usual_one_is_taken() -> None:
    """Addresses change as rarely as possible."""
    chosen = ports.choose({"bridge": 18705}, free=lambda port: port != 8700)
    assert chosen["bridge"] == 18705


def test_a_port_somebody_listens_on_is_not_free() -> None:
    """The probe sees a listener on this machine."""
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_no_free_port_is_said_with_what_to_do() -> None:
    """A machine without any port left gets a sentence, no trace."""
    with pytest.raises(StackError, match="no free port for temporal") as caught:
        ports.choose(free=lambda _: False)
    assert "ss -ltnp" in caught.value.mend


def test_stack_json_is_for_its_owner_only_and_names_everything(tmp_path: Path) -> None:
    """One file of mode 0600 lets any tool drive the stack."""
    made = establish(tmp_path, None)
    path = made.layout.stack_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text(encoding="utf-8"))
    assert set(document["ports"]) == set(ports.USUAL)
    assert document["urls"]["bridge"].startswith("http://127.0.0.1:")
    assert document["credentials"]["operator_token"]
    assert info.read(tmp_path) == made


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """A reader sees the old file or the new one, never half of it, and no scraps stay."""
    path = tmp_path / "stack.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["stack.json"]


def test_each_installation_has_its_own_credentials_and_keeps_them(tmp_path: Path) -> None:
    """Nothing secret comes from the source; a second start changes nothing."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first = establish(one, None).credentials
    assert establish(one, None).credentials == first
    other = establish(two, None).credentials
    assert not set(_strings(first.model_dump())) & set(_strings(other.model_dump()))


def test_a_damaged_stack_json_is_named_without_its_secrets(tmp_path: Path) -> None:
    """The message names the field that is wrong, and shows no value of the file."""
    made = establish(tmp_path, None)
    document = json.loads(made.layout.stack_file.read_text(encoding="utf-8"))
    document["credentials"]["operator_token"] = ["canary-of-a-secret"]
    made.layout.stack_file.write_text(json.dumps(document), encoding="utf-8")
    for look in (info.read, lambda root: establish(root, None)):
        with pytest.raises(StackError, match=r"credentials\.operator_token") as caught:
            look(tmp_path)
        assert caught.value.__cause__ is None
        assert "canary" not in str(caught.value)


def test_a_new_version_adds_its_credentials_and_keeps_the_others(tmp_path: Path) -> None:
    """An update of the source costs nobody the data of the local stack."""
    made = establish(tmp_path, None)
    document = json.loads(made.layout.stack_file.read_text(encoding="utf-8"))
    del document["credentials"]["codec_token"], document["urls"]
    made.layout.stack_file.write_text(json.dumps(document), encoding="utf-8")
    again = establish(tmp_path, None).credentials
    assert again.codec_token != made.credentials.codec_token
    assert again.model_copy(update={"codec_token": made.credentials.codec_token}) == (
        made.credentials
    )


def test_the_business_clock_starts_on_the_default_day_and_goes_on(tmp_path: Path) -> None:
    """The first start sets it to 09:00 UTC of the worked deals' day; later starts keep it."""
    made = establish(tmp_path, None)
    expected = datetime(2026, 3, 15, 9, 0, tzinfo=UTC) - datetime.now(UTC)
    assert abs(made.business_offset_seconds - expected.total_seconds()) < 60
    again = establish(tmp_path, defaults.BUSINESS_DATE)
    assert again.business_offset_seconds == made.business_offset_seconds


def test_the_business_clock_is_not_moved_under_data(tmp_path: Path) -> None:
    """Another day is fine before there is data, and refused afterwards."""
    establish(tmp_path, None)
    moved = establish(tmp_path, date(2027, 1, 4))
    assert moved.business_now.date() == date(2027, 1, 4)
    moved.layout.temporal_database.touch()
    with pytest.raises(StackError, match="is not moved under data"):
        establish(tmp_path, date(2026, 3, 15))


def test_no_secret_stands_on_a_command_line(tmp_path: Path) -> None:
    """Arguments are visible to every user of the machine, the environment is not."""
    made = establish(tmp_path, None)
    secrets = _strings(made.credentials.model_dump())
    assert len(secrets) > 10
    unprepared = {"postgres", "tryton"}  # their commands are known once their data is made
    for step in parts.plan(made, {}):
        if isinstance(step, Part) and step.name not in unprepared:
            line = " ".join(step.launch().command)
            assert not [secret for secret in secrets if secret in line], step.name


def test_the_application_hears_of_every_party_by_environment(tmp_path: Path) -> None:
    """Webhook secrets, accounts and subscribers reach the application as JSON."""
    made = establish(tmp_path, None)
    settings = app_environment(made)
    webhooks = json.loads(settings["DEALTHREAD_WEBHOOK_SECRETS"])
    org = made.salesforce_org_id
    assert set(webhooks) == {
        f"salesforce:{org}",
        f"salesforce-outbound:{org}",
        *(f"stripe:{account.id}" for account in defaults.BILLING_ACCOUNTS),
    }
    tokens = json.loads(settings["DEALTHREAD_API_TOKENS"])
    assert {who["actor"] for who in tokens.values()} == {"demo-operator", "demo-approver"}
    assert settings["DEALTHREAD_DATABASE_URL"].startswith("postgresql+psycopg://")


def test_every_need_names_an_earlier_step(tmp_path: Path) -> None:
    """The plan has no circle and no misspelt name."""
    seen: set[str] = set()
    for step in parts.plan(establish(tmp_path, None), {}):
        assert set(step.needs) <= seen, step.name
        seen.add(step.name)


def test_a_long_path_moves_the_socket_to_a_short_folder(tmp_path: Path) -> None:
    """The kernel refuses socket paths of more than 107 bytes."""
    deep = Layout(tmp_path / ("d" * 120))
    assert len(str(deep.socket_folder)) <= LONGEST_SOCKET_FOLDER
    assert deep.socket_folder == Layout(deep.root).socket_folder
    assert deep.socket_folder != Layout(tmp_path / ("e" * 120)).socket_folder


def test_a_folder_prepared_by_another_user_is_refused(tmp_path: Path) -> None:
    """In a shared place somebody else may have put a link where our socket is to be."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "pg"
    link.symlink_to(elsewhere)
    with pytest.raises(StackError, match="belongs to another user"):
        private_folder(link, link.lstat().st_uid)


def test_the_org_id_has_the_check_letters_of_its_vendor() -> None:
    """Salesforce's published example: 001A0000006Vm9r and its 18-character form."""
    assert defaults.eighteen_characters("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert len(defaults.SALESFORCE_ORG_ID) == 18


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def test_the_desk_for_notices_is_a_part_and_a_subscriber_of_its_kind(tmp_path: Path) -> None:
    """PF-24: told by settings alone, with a secret of its own."""
    made = establish(tmp_path, None)
    settings = app_environment(made)
    (desk,) = [
        one
        for one in json.loads(settings["DEALTHREAD_SUBSCRIBERS"])
        if one.get("kind") == "communications"
    ]
    assert desk["url"] == f"{made.urls.communications}/events"
    own = settings[f"DEALTHREAD_WEBHOOK_SECRET_{desk['secret_name']}"]
    assert own == made.credentials.communications_secret
    assert own != made.credentials.customer_success_secret
    assert desk["name"] in [step.name for step in parts.plan(made, {})]


def test_customer_success_is_read_with_the_token_that_it_takes(tmp_path: Path) -> None:
    """DM-10: its look-up is configured by settings alone, through the proxy before it."""
    made = establish(tmp_path, None)
    settings = app_environment(made)
    (row,) = [one for one in json.loads(settings["DEALTHREAD_SUBSCRIBERS"]) if "read_url" in one]
    assert (row["name"], row["read_url"]) == ("customer-success", made.urls.customer_success)
    token = settings[f"DEALTHREAD_READ_TOKEN_{row['token_name']}"]
    takes = receiver_environment(made, "customer-success")
    assert token == takes["DEALTHREAD_SIM_TOKEN"]
    assert (
        Settings.model_validate(
            {"database_url": "x", "codec_keys": "{}", "subscribers": json.dumps([row])}
        )
        .subscribers[0]
        .token_name
        == row["token_name"]
    )
