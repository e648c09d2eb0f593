"""The documents name only what exists: rows, tests, commands, cases, rules, interfaces, files.

AG-07, AG-10: every interface of the code is in the catalogue, with an owner and a vendor's page.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi import APIRouter
from fastapi.routing import APIRoute

from dealthread.bridge import (
    api,
    checking,
    circuits_api,
    codec_server,
    collections_api,
    events_api,
    inbox_api,
    intake,
)
from dealthread.cli.main import app
from dealthread.domain.case import KINDS, DecisionKind
from dealthread.domain.corrections import Corrections
from dealthread.domain.events import EventType
from tests.docs.rules_table import BEGIN, END, rules_table

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
MISSION, OPERATIONS = DOCS / "mission.md", DOCS / "operations.md"
INTERFACES = DOCS / "interfaces.md"

# Prefix, how many, digits: the rows of the mission.
ROWS = {
    "PF": 25, "DM": 13, "EV": 10, "AG": 14, "RS": 15, "OB": 10, "MT": 15, "SC": 7, "ER": 8, "SL": 7,
    "SN": 10,
}  # fmt: skip
STATUSES = ("shown", "in part", "not yet")
# Written by `make bench`, which takes long; until it ran the file is not there.
MADE_BY_COMMAND = {DOCS / "performance.md"}
ADAPTERS = ("adapters/salesforce", "adapters/stripe", "adapters/erp/tryton", "adapters/events")

CITED_TEST = re.compile(r"`(tests/[\w/.-]+\.py)::(\w+)`")
CODE = re.compile(r"`([^`\n]+)`|```\w*\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def row_ids() -> list[str]:
    return [
        f"{prefix}-{number if prefix == 'SN' else format(number, '02')}"
        for prefix, count in ROWS.items()
        for number in range(1, count + 1)
    ]


def tables(page: Path, first_column: str) -> list[list[str]]:
    """Rows of the tables whose first column has this heading, as cells."""
    rows: list[list[str]] = []
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == first_column:
            inside = True
        elif inside and set(cells[0]) != {"-"}:
            rows.append(cells)
    return rows


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


# ---------------------------------------------------------------- the mission


def test_every_row_of_the_mission_stands_once() -> None:
    cited = Counter(cells[0] for cells in tables(MISSION, "row"))
    assert len(row_ids()) == 134
    assert cited == Counter(row_ids())


def test_a_row_says_what_shows_it_or_what_is_missing() -> None:
    """Shown: by a test or a command. In part: that, and what is missing. Not yet: no claim."""
    for row, meaning, status, shown in tables(MISSION, "row"):
        assert meaning, row
        assert status in STATUSES, row
        if status != "not yet":
            assert CITED_TEST.search(shown) or "`make " in shown, row
        assert ("missing: " in shown) == (status == "in part"), row


def test_the_counts_at_the_top_are_the_tables() -> None:
    counts = Counter(cells[2] for cells in tables(MISSION, "row"))
    words = ", ".join(f"{counts[status]} {status}" for status in STATUSES)
    assert f"\n{words}.\n" in MISSION.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_cites_exists(page: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in CITED_TEST.findall(page.read_text(encoding="utf-8"))
        if name not in names_in(path)
    ]
    assert missing == []


# ---------------------------------------------------------------- commands


def commands_in(page: Path) -> Iterator[list[str]]:
    """Words of every `make …` and `dealthread …` in code, alone or as a line of a block."""
    for inline, block in CODE.findall(page.read_text(encoding="utf-8")):
        for line in (inline or block).splitlines():
            words = line.strip().removeprefix("$ ").split()
            if words and words[0] in ("make", "dealthread"):
                yield words


@cache
def make_targets() -> frozenset[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def is_command(words: list[str]) -> bool:
    """Whether the verbs exist, and every option that is named."""
    if words[0] == "make":
        return len(words) > 1 and words[1] in make_targets()
    command: Any = typer.main.get_command(app)  # of the click that typer carries
    rest = words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            if word.split("=")[0] not in known | {"--help"}:
                return word == "--as"
        elif hasattr(command, "commands") and re.fullmatch(r"[a-z-]+", word):
            # Verbs of the stack are loaded when they are asked for.
            found = command.get_command(None, word)
            if found is None:
                return False
            command = found
            known |= {option for parameter in command.params for option in parameter.opts}
    return True


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "cli.md"], ids=lambda page: page.name
)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    """`docs/cli.md` is generated and compared by its own test."""
    assert [" ".join(words) for words in commands_in(page) if not is_command(words)] == []


def test_the_check_of_commands_bites() -> None:
    assert is_command("dealthread cases list --queue tax".split())
    assert is_command("make bench".split())
    assert not is_command("dealthread cases lift".split())
    assert not is_command("dealthread list --colour".split())
    assert not is_command("make everything".split())


# ---------------------------------------------------------------- operations


def test_every_kind_of_case_is_in_the_runbook_with_its_queue_and_its_time() -> None:
    rows = tables(OPERATIONS, "kind")
    assert Counter(row[0].strip("`") for row in rows) == Counter(list(KINDS))
    for kind, queue, by, what, _ in rows:
        info = KINDS[kind.strip("`")]
        hours = info.first_decision_within.total_seconds() / 3600
        assert queue == info.queue, kind
        assert by == (f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"), kind
        assert what, kind


def test_every_decision_has_its_row_and_its_command() -> None:
    rows = {row[0].replace(" ", "_"): row[1] for row in tables(OPERATIONS, "decision")}
    assert set(rows) == set(DecisionKind)
    for decision, command in rows.items():
        assert command == f"`dealthread cases {decision.replace('_', '-')}`"


def test_every_correction_is_named() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    assert [name for name in Corrections.model_fields if f"`{name}`" not in text] == []


def test_the_table_of_rules_is_the_rules() -> None:
    """`python -m tests.docs.rules_table` prints what belongs there."""
    text = OPERATIONS.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == rules_table()


# ---------------------------------------------------------------- interfaces


def served() -> list[str]:
    """Method and path of every route of the bridge."""
    modules = (
        intake, api, checking, circuits_api, collections_api, events_api, inbox_api, codec_server,
    )  # fmt: skip
    routers: list[APIRouter] = [module.router for module in modules]
    return [
        f"{method} {route.path}"
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def test_every_interface_of_the_code_is_in_the_catalogue_with_an_owner() -> None:
    """AG-07, AG-11: each route and each adapter, once; owner and latency class are given."""
    rows = tables(INTERFACES, "interface")
    endpoints = Counter(re.findall(r"`((?:GET|POST|OPTIONS) [^`]+)`", "".join(r[4] for r in rows)))
    assert [route for route in served() if endpoints[route] != 1] == []
    named = " ".join(row[0] for row in rows)
    assert [name for name in ADAPTERS if f"`{name}`" not in named] == []
    present = {
        str(path.parent.relative_to(ROOT)) for path in (ROOT / "adapters").rglob("factory.py")
    }
    assert present == set(ADAPTERS)
    for row in rows:
        assert len(row) == 8, row[0]
        assert all(row[column] for column in (1, 2, 3, 4, 5, 7)), row[0]
        assert any(word in row[5] for word in ("real time", "scheduled")), row[0]


def test_every_outbound_interface_names_its_vendors_page() -> None:
    """AG-10: what we call is what the vendor documents."""
    for row in tables(INTERFACES, "interface"):
        if any(f"`{name}`" in row[0] for name in ADAPTERS):
            assert "](https://" in row[6], row[0]


def test_every_event_is_named() -> None:
    text = INTERFACES.read_text(encoding="utf-8")
    assert [kind.value for kind in EventType if f"`{kind.value}`" not in text] == []


# ---------------------------------------------------------------- all pages


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_resolve(page: Path) -> None:
    lost = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if file in MADE_BY_COMMAND:
            continue
        if not file.exists():
            lost.append(target)
        elif fragment:
            headings = HEADING.findall(file.read_text(encoding="utf-8"))
            if fragment not in {anchor(heading) for heading in headings}:
                lost.append(target)
    assert lost == []


MACHINE = re.compile(r"(?<![\w.:/-])/(?:home|root|work|tmp|Users|mnt|opt|usr|var)/")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|proxy\.golang\.org")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_machines_path_or_a_package_registry(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [found[0] for found in (*MACHINE.finditer(text), *REGISTRY.finditer(text))] == []
