"""What is allowed of semi joins and anti joins (SOQL Reference, "Comparison Operators")."""

from __future__ import annotations

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema.model import SObject
from dealthread.simulators.salesforce.soql.syntax import (
    Condition,
    Junction,
    Membership,
    Negation,
    Path,
    Query,
)

MAX_JOINS = 2


def check_joins(where: Condition | None, sobject: SObject) -> None:
    """Raise MALFORMED_QUERY for a join that Salesforce does not take."""
    joins = joins_in(where)
    if not joins:
        return
    if len(joins) > MAX_JOINS:
        raise _malformed(f"Maximum {MAX_JOINS} semi join sub-selects are allowed")
    is_and = isinstance(where, Junction) and where.word == "AND"
    top = where.parts if isinstance(where, Junction) and is_and else (where,)
    if any(join not in top for join in joins):
        raise _malformed(
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in"
            " nested WHERE expressions."
        )
    for join in joins:
        if join.subquery is not None:
            _check_subquery(join.subquery, sobject)


def check_joins_absent(query: Query) -> None:
    """A subquery's WHERE has no joins."""
    if joins_in(query.where):
        raise _malformed("semi join sub-selects are allowed in the main WHERE only")


def joins_in(condition: Condition | None) -> list[Membership]:
    """All memberships of a condition whose list is a subquery."""
    if isinstance(condition, Junction):
        return [join for part in condition.parts for join in joins_in(part)]
    if isinstance(condition, Negation):
        return joins_in(condition.inner)
    is_join = isinstance(condition, Membership) and condition.subquery is not None
    return [condition] if isinstance(condition, Membership) and is_join else []


def _check_subquery(query: Query, sobject: SObject) -> None:
    (item, *others) = query.items
    if others or not isinstance(item, Path) or len(item.parts) > 1:
        raise _malformed("a semi join selects exactly one field of its own object")
    if query.order_by or query.limit is not None or query.group_by:
        raise _malformed("a semi join has neither groups nor order nor limit")
    if joins_in(query.where):
        raise _malformed("Nesting of semi join sub-selects is not supported")
    if query.source.lower() == sobject.name.lower():
        raise _malformed(
            f"The inner and outer selects should not be on the same object type: {sobject.name}"
        )


def _malformed(message: str) -> SalesforceError:
    return SalesforceError("MALFORMED_QUERY", message)
