"""The generated documents are those of the present code (docs/cli.md, docs/settings.md)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dealthread.cli.reference import cli_page
from dealthread.cli.settings_reference import settings_page
from dealthread.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "command", "made"),
    [
        ("cli.md", "python -m dealthread.cli.reference > docs/cli.md", cli_page),
        (
            "settings.md",
            "python -m dealthread.cli.reference settings > docs/settings.md",
            settings_page,
        ),
    ],
)
def test_a_generated_page_is_up_to_date(
    page: str, command: str, made: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the terminal's width; the failure names the command that mends it."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERMINAL_WIDTH", "40")
    stands = (DOCS / page).read_text(encoding="utf-8")
    assert stands == made(), f"docs/{page} is stale: {command}"


def test_every_verb_says_what_it_does() -> None:
    """No section of the reference stands without a sentence."""
    for section in cli_page().split("\n## ")[1:]:
        assert len(section.split("Usage: ")[1].split("\n\n")[1].strip()) > 10, section


def test_every_setting_stands_in_the_page_and_no_secret_has_a_default() -> None:
    """The core's and each adapter's; a secret never shows a value."""
    page = settings_page()
    for name in Settings.model_fields:
        assert f"`DEALTHREAD_{name.upper()}`" in page
    for prefix in ("SALESFORCE_CLIENT_SECRET", "STRIPE_ACCOUNTS", "TRYTON_PASSWORD"):
        (line,) = (row for row in page.splitlines() if f"`DEALTHREAD_{prefix}`" in row)
        assert "*required, secret*" in line
