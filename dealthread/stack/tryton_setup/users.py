"""Users: the administrator sees all companies; the integration has what booking needs."""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.stack.tryton_setup.session import SetupSession

ADMINISTRATOR = "admin"
INTEGRATION_USER = "dealthread"
_INTEGRATION_GROUPS = (
    ("sale", "group_sale"),
    ("account", "group_account"),
    ("party", "group_party_admin"),
)
CLOSING_GROUP = "Closing of months"
# Direction of the hierarchy as a customer's record shows it, and its mirror image.
CHILD_RELATION = "Subsidiary of"
PARENT_RELATION = "Parent of"


@dataclass(frozen=True)
class Credentials:
    """Made once per installation, never in the repository."""

    administrator_password: str
    integration_password: str


def see_all_companies(session: SetupSession, companies: list[int]) -> None:
    """Give the logged-in administrator every company: other companies' rows are invisible else."""
    values = {
        "companies": [["add", companies]],
        "company": companies[0],
        "company_filter": "all",
    }
    session.write("res.user", session.user_id, values)


def create_integration_user(
    session: SetupSession, companies: list[int], credentials: Credentials
) -> int:
    """One user for all companies; each call names its company in the context."""
    groups = [session.known(module, name) for module, name in _INTEGRATION_GROUPS]
    groups.append(_who_closes_months(session))
    return session.create(
        "res.user",
        {
            "name": "Dealthread",
            "login": INTEGRATION_USER,
            "password": credentials.integration_password,
            "groups": [["add", groups]],
            "companies": [["add", companies]],
            "company": companies[0],
            "company_filter": "all",
        },
    )


def _who_closes_months(session: SetupSession) -> int:
    """A group that may press "Close" on a period and change nothing else of fiscal years: a
    button's own groups count instead of the right to write the record."""
    group = session.create("res.group", {"name": CLOSING_GROUP})
    button = session.known("account", "period_close_button")
    administrators = session.known("account", "group_account_admin")
    session.write("ir.model.button", button, {"groups": [["add", [group, administrators]]]})
    return group


def create_relation_types(session: SetupSession) -> None:
    """The two directions of the commercial hierarchy; Tryton shows the reverse by itself."""
    child, parent = session.create_many(
        "party.relation.type", [{"name": CHILD_RELATION}, {"name": PARENT_RELATION}]
    )
    session.write("party.relation.type", child, {"reverse": parent})
    session.write("party.relation.type", parent, {"reverse": child})
