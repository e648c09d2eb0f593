"""Reads recorded answers of the real Salesforce, which are not part of this repository.

They are the VCR files of CumulusCI (SFDO-Tooling/CumulusCI, BSD-3-Clause): ids, versions and host
names are partly replaced in them. The folder is found by path: `DEALTHREAD_SHARED`, else `shared`
beside the repository or one of its parents.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import yaml

_REPOSITORY = Path(__file__).resolve().parents[3]
_PLACE = Path("data") / "salesforce-recordings"
VERSION = re.compile(r"/services/data/v[^/]+")
ID = re.compile(r"\b[0-9a-zA-Z]{15}[A-Z0-5]{3}\b")


def folder() -> Path | None:
    """The recordings, or None where they are not at hand."""
    named = os.environ.get("DEALTHREAD_SHARED")
    places = [Path(named)] if named else [one / "shared" for one in _REPOSITORY.parents]
    return next((one / _PLACE for one in places if (one / _PLACE).is_dir()), None)


@dataclass(frozen=True)
class Exchange:
    """One request and what Salesforce answered."""

    method: str
    target: str
    """Path and query below the version."""
    body: Any
    status: int
    answer: Any


def answer_of(place: Path, name: str) -> Any:
    """The answer in a file of one exchange."""
    return json.loads(
        yaml.safe_load((place / name).read_text("utf-8"))["response"]["body"]["string"]
    )


def exchanges(place: Path, name: str) -> Iterator[Exchange]:
    """The exchanges of a file, without the describes it includes from other files."""
    for one in yaml.safe_load((place / name).read_text("utf-8"))["interactions"]:
        if "include_file" in one:
            continue
        request, response = one["request"], one["response"]
        address = urlsplit(request["uri"])
        query = f"?q={unquote_plus(address.query).removeprefix('q=')}" if address.query else ""
        yield Exchange(
            request["method"],
            VERSION.sub("", address.path) + query,
            None if request["body"] is None else json.loads(request["body"]),
            int(response["status"]["code"]),
            json.loads(response["body"]["string"]),
        )


def texts(place: Path) -> str:
    """Everything recorded, as one text."""
    files = sorted(place.glob("*.yaml"))
    return "\n".join(json.dumps(yaml.safe_load(one.read_text("utf-8"))) for one in files)


def differences(where: str, recorded: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """(place, recorded, ours) of everything in which two JSON values differ."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for name in [*recorded, *(one for one in ours if one not in recorded)]:
            yield from differences(
                f"{where}.{name}", recorded.get(name, "absent"), ours.get(name, "absent")
            )
    elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        for index, (left, right) in enumerate(zip(recorded, ours, strict=True)):
            yield from differences(f"{where}.{index}", left, right)
    elif recorded != ours or isinstance(recorded, bool) is not isinstance(ours, bool):
        yield where, recorded, ours
