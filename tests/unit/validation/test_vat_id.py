"""Tax identifiers: published samples pass, one wrong digit does not."""

from __future__ import annotations

import pytest

from dealthread.domain.vat_id import IdProblem, has_checksum, id_problem, masked


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        ("eu_vat", "DE136695976"),
        ("eu_vat", "DE199999907"),
        ("eu_vat", "DE199999915"),
        ("eu_vat", "de 136 695 976"),
        ("eu_vat", "FR40303265045"),
        ("eu_vat", "FR23334175221"),
        ("eu_vat", "FRK7399859412"),
        ("eu_vat", "IE6433435F"),
        ("eu_vat", "IE6433435OA"),
        ("eu_vat", "IE8D79739I"),
        ("gb_vat", "GB980780684"),
        ("gb_vat", "GB 199 9999 40"),
        ("gb_vat", "GBGD001"),
        ("gb_vat", "GBHA599"),
        ("eu_vat", "ATU13585627"),
        ("eu_vat", "EL094259216"),
        ("eu_vat", "NL004495445B01"),
        ("us_ein", "12-3456789"),
    ],
)
def test_a_right_number_has_no_problem(scheme: str, number: str) -> None:
    assert id_problem(scheme, number) is None


@pytest.mark.parametrize(
    ("scheme", "number", "problem"),
    [
        ("eu_vat", "DE136695978", IdProblem.CHECKSUM),
        ("eu_vat", "DE036695976", IdProblem.STRUCTURE),
        ("eu_vat", "FR4030326504", IdProblem.STRUCTURE),
        ("eu_vat", "FR41303265045", IdProblem.CHECKSUM),
        ("eu_vat", "FR84323140391", IdProblem.CHECKSUM),
        ("eu_vat", "IE6433435E", IdProblem.CHECKSUM),
        ("eu_vat", "IE6433435OB", IdProblem.CHECKSUM),
        ("gb_vat", "GB802311781", IdProblem.CHECKSUM),
        ("eu_vat", "GB980780684", IdProblem.UNKNOWN_PREFIX),
        ("gb_vat", "DE136695976", IdProblem.UNKNOWN_PREFIX),
        ("eu_vat", "136695976", IdProblem.UNKNOWN_PREFIX),
        ("eu_vat", "ATU1358562", IdProblem.STRUCTURE),
        ("us_ein", "123", IdProblem.STRUCTURE),
        ("ch_vat", "CHE-107.787.577", IdProblem.UNKNOWN_SCHEME),
    ],
)
def test_a_wrong_number_is_named_for_what_is_wrong(
    scheme: str, number: str, problem: IdProblem
) -> None:
    assert id_problem(scheme, number) is problem


def test_other_member_states_are_checked_by_structure_only() -> None:
    """A wrong Austrian check digit passes here: only the authority's register would tell."""
    assert not has_checksum("AT")
    assert id_problem("eu_vat", "ATU13585626") is None


def test_a_masked_number_does_not_hold_the_number() -> None:
    assert masked("FR 40 303 265 045") == "FR40…45 (13 characters)"
