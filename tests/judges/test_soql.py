"""Our SOQL parser against soql-parser-js: which texts each of them accepts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.judges.conftest import NodeRunner
from tests.judges.soql_differences import (
    ACCEPTED_HERE,
    REFUSED_HERE,
    complaint_about,
    in_judge_terms,
)
from tests.judges.soql_hand_picked import BOTH_ACCEPT, BOTH_REFUSE, DIFFERENT
from tests.judges.soql_queries import QueryMaker

pytestmark = pytest.mark.judges

SEED = 20_260_731
COUNT = 4000

ACCEPTED, REFUSED, UNEXPLAINED = "both accept", "both refuse", "unexplained"


def verdicts(node: NodeRunner, queries: list[str]) -> list[str]:
    """For each query: both accept, both refuse, or the name of the class of the difference."""
    rewritten = [in_judge_terms(query) for query in queries]
    complaints = node("soql_judge.cjs", [*queries, *rewritten])
    as_written, as_rewritten = complaints[: len(queries)], complaints[len(queries) :]
    found = []
    for query, told, told_then in zip(queries, as_written, as_rewritten, strict=True):
        ours = complaint_about(query)
        if ours is None:
            found.append(ACCEPTED if told is None else _leniency(query, told_then))
        elif told is None:
            names = [one.name for one in REFUSED_HERE if one.covers(ours)]
            found.append(names[0] if names else f"{UNEXPLAINED}: we refuse it, {ours.text!r}")
        else:
            found.append(REFUSED)
    return found


def _leniency(query: str, told_when_rewritten: str | None) -> str:
    if told_when_rewritten is not None:
        return f"{UNEXPLAINED}: the judge refuses it, {told_when_rewritten!r}"
    return next(one.name for one in ACCEPTED_HERE if one.as_judge_reads(query) != query)


def test_generated_queries_are_accepted_and_refused_alike(node: NodeRunner, capsys: Any) -> None:
    """Each disagreement belongs to a class on the list, with its reason."""
    queries = list(QueryMaker(SEED).queries(COUNT))
    found = verdicts(node, queries)
    counts = Counter(found)
    with capsys.disabled():
        _report(counts)
    unexplained = [
        (verdict, query)
        for verdict, query in zip(found, queries, strict=True)
        if verdict.startswith(UNEXPLAINED)
    ]
    assert not unexplained
    assert len(set(queries)) > 0.95 * COUNT
    # Enough of both sorts that neither "accept all" nor "refuse all" would pass.
    assert counts[ACCEPTED] > 500
    assert counts[REFUSED] > 500


def test_hand_picked_queries_meet_the_verdict_written_beside_them(node: NodeRunner) -> None:
    """The edges that random queries seldom reach."""
    wanted = {
        **dict.fromkeys(BOTH_ACCEPT, ACCEPTED),
        **dict.fromkeys(BOTH_REFUSE, REFUSED),
        **DIFFERENT,
    }
    queries = list(wanted)
    assert dict(zip(queries, verdicts(node, queries), strict=True)) == wanted


def test_every_class_of_difference_is_shown_by_a_hand_picked_query() -> None:
    """A class that has become empty leaves the list."""
    listed = {one.name for one in REFUSED_HERE} | {one.name for one in ACCEPTED_HERE}
    assert set(DIFFERENT.values()) == listed


def _report(counts: Counter[str]) -> None:
    agreed = counts[ACCEPTED] + counts[REFUSED]
    picked = len(BOTH_ACCEPT) + len(BOTH_REFUSE) + len(DIFFERENT)
    print(f"\nSOQL: {COUNT} generated queries (seed {SEED}), {picked} hand-picked ones")
    print(f"  agreed on {agreed}: accepted {counts[ACCEPTED]}, refused {counts[REFUSED]}")
    for heading, classes in (
        ("refused here, accepted by the judge", REFUSED_HERE),
        ("accepted here, refused by the judge", ACCEPTED_HERE),
    ):
        print(f"  {heading}: {sum(counts[one.name] for one in classes)}")
        for one in classes:
            print(f"    {counts[one.name]:4} {one.name}: {one.why}")
