"""The process API as the sandbox uses it: look at transactions, decide cases, wait."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

from dealthread.held_http import HoldsHttp
from dealthread.sandbox.errors import NoAnswer, SandboxError
from dealthread.stack.info import StackInfo

Json = dict[str, Any]

PAGE = 1000
"""Longest list the process API gives at once."""
POLL_SECONDS = 0.15
ROUND_SECONDS = 1.0
UNSEEN_AT_ONCE = 100
"""Deals asked for one by one in a round, where the list does not reach back to them."""


@dataclass(frozen=True)
class Standing:
    """Where a deal's run stands."""

    deal_id: str
    business_key: str
    contract_key: str
    stage: str
    outcome: str
    case_id: str
    case_kind: str
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_resting(self) -> bool:
        """Ended, or waiting for a person."""
        return bool(self.outcome or self.case_id)

    @property
    def in_words(self) -> str:
        """For a line of a report."""
        if self.case_id:
            return f"{self.stage}, case {self.case_id} {self.case_kind}"
        return self.outcome or self.stage


class ProcessApi(HoldsHttp):
    """A person's access: one bearer token. Numbers stay exact."""

    def __init__(self, stack: StackInfo, token: str) -> None:
        self._http = httpx.Client(
            base_url=stack.urls.bridge,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30.0,
            trust_env=False,
        )

    def standings(self) -> list[Standing]:
        """The newest runs, newest first."""
        rows = self._get("/v1/transactions", {"limit": str(PAGE)})
        return [standing_of(row) for row in rows]

    def standing(self, any_id: str) -> Standing | None:
        """Of one deal, or None while nothing is known of it."""
        view = self._find(f"/v1/transactions/{quote(any_id, safe='')}")
        return None if view is None else standing_of(view["transaction"])

    def refs(self, any_id: str) -> list[Json]:
        """Every native id of a deal's contract."""
        rows: list[Json] = self._get(f"/v1/transactions/{quote(any_id, safe='')}")["refs"]
        return rows

    def trace(self, any_id: str) -> list[Json]:
        """Everything that happened, in order."""
        rows: list[Json] = self._get(f"/v1/transactions/{quote(any_id, safe='')}/trace")
        return rows

    def writes(self, business_key: str) -> list[Json]:
        """The write journal of a run."""
        rows: list[Json] = self._get(f"/v1/writes/{quote(business_key, safe='')}")
        return rows

    def case(self, case_id: str) -> Json:
        """One case with everything a person needs to decide."""
        row: Json = self._get(f"/v1/cases/{case_id}")
        return row

    def decide(
        self,
        case: Json,
        decision: str,
        reason: str,
        correction: Json | None = None,
    ) -> None:
        """Decide the case at the version that was read."""
        body = {
            "version": case["version"],
            "decision": decision,
            "reason": reason,
            "correction": correction or {},
        }
        answer = self._send("POST", f"/v1/cases/{case['case_id']}/decisions", json=body)
        if answer.status_code != 201:
            raise _refused(f"the decision {decision}", answer)

    def wait_until(
        self,
        deal_id: str,
        is_there: Callable[[Standing], bool],
        what: str,
        seconds: float,
    ) -> Standing:
        """Poll one deal. Raises SandboxError saying where it stands when time is up."""
        deadline = time.monotonic() + seconds
        seen: Standing | None = None
        while True:
            with contextlib.suppress(NoAnswer):
                seen = self.standing(deal_id)
                if seen is not None and is_there(seen):
                    return seen
            if time.monotonic() > deadline:
                where = seen.in_words if seen else "no transaction is known of it"
                raise SandboxError(
                    f"deal {deal_id} did not come to {what} within {seconds:.0f} s: {where}",
                    f"dealthread show {deal_id}; dealthread trace {deal_id}; dealthread status",
                )
            time.sleep(POLL_SECONDS)

    def wait_for_rest(
        self,
        deal_ids: Iterable[str],
        seconds: float,
        progress: Callable[[int], None],
    ) -> dict[str, Standing]:
        """Poll many deals until each rests or time is up; what is known of each then."""
        waiting = set(deal_ids)
        total = len(waiting)
        known: dict[str, Standing] = {}
        deadline = time.monotonic() + seconds
        while waiting:
            with contextlib.suppress(NoAnswer):
                known |= self._standings_of(waiting)
            waiting -= {deal_id for deal_id, seen in known.items() if seen.is_resting}
            progress(total - len(waiting))
            if time.monotonic() > deadline:
                break
            if waiting:
                time.sleep(ROUND_SECONDS)
        return known

    def _standings_of(self, deal_ids: set[str]) -> dict[str, Standing]:
        """By the list, and one by one for some of those that the list does not reach."""
        # The newest run of a deal comes first and must win.
        listed = {row.deal_id: row for row in reversed(self.standings())}
        found = {deal_id: listed[deal_id] for deal_id in deal_ids & listed.keys()}
        for deal_id in sorted(deal_ids - listed.keys())[:UNSEEN_AT_ONCE]:
            seen = self.standing(deal_id)
            if seen is not None:
                found[deal_id] = seen
        return found

    def _find(self, path: str) -> Json | None:
        answer = self._send("GET", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise _refused(path, answer)
        body: Json = _body(answer)
        return body

    def _get(self, path: str, query: dict[str, str] | None = None) -> Any:
        answer = self._send("GET", path, params=query or {})
        if answer.status_code != httpx.codes.OK:
            raise _refused(path, answer)
        return _body(answer)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Raises NoAnswer for a bridge that is down or cannot reach its database."""
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as failure:
            raise NoAnswer(
                f"the process API does not answer ({type(failure).__name__})",
                "dealthread status; dealthread up",
            ) from None
        if answer.is_server_error:
            raise NoAnswer(f"the process API answered {answer.status_code}", "dealthread status")
        return answer


def standing_of(row: Json) -> Standing:
    """From one transaction of the process API."""
    ended = row["ended_at"]
    return Standing(
        deal_id=row["deal_id"],
        business_key=row["business_key"],
        contract_key=row["contract_key"],
        stage=row["stage"],
        outcome=row["outcome"] or "",
        case_id=row["case_id"],
        case_kind=row["case_kind"],
        created_at=datetime.fromisoformat(row["created_at"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
    )


def _body(answer: httpx.Response) -> Any:
    return json.loads(answer.content, parse_float=Decimal)


def _refused(what: str, answer: httpx.Response) -> SandboxError:
    return SandboxError(f"the process API refused {what} ({answer.status_code}): {answer.text}")
