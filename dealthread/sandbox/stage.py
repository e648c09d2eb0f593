"""What every scene of the demonstration works with: sell, wait, decide, check."""

from __future__ import annotations

from dataclasses import dataclass, field

from dealthread.sandbox.books import BillingBooks, CustomerSuccess, Entitlements
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.narration import Narrator
from dealthread.sandbox.process import Json, ProcessApi, Standing
from dealthread.sandbox.records import Sale
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.selling import Entered, SalesDesk
from dealthread.sandbox.tryton import TrytonReader
from dealthread.stack.defaults import APPROVER

PATIENCE_SECONDS = 90.0
"""How long one wait of the demonstration may take before it says what is stuck: a worker that was
killed is missed after 30 s, and its write looked up after the lease of 35 s."""
_ROUNDS = 5
"""No deal of the demonstration meets more cases than this."""


@dataclass
class Stage:
    """Everything a scene works with; collects what did not come out."""

    say: Narrator
    desk: SalesDesk
    operator: ProcessApi
    approver: ProcessApi
    billing: BillingBooks
    tryton: TrytonReader
    entitlements: Entitlements
    customer_success: CustomerSuccess
    org: SalesforceOrg
    tryton_proxy: str
    label: str
    patience_seconds: float = PATIENCE_SECONDS
    failures: list[str] = field(default_factory=list)

    def check(self, holds: bool, fact: str) -> None:
        """Say whether a fact holds, and remember when it does not."""
        if holds:
            self.say.good(fact)
        else:
            self.say.bad(fact)
            self.failures.append(fact)

    def sell(self, sale: Sale) -> Entered:
        """Enter a deal in Salesforce and close it as won."""
        entered = self.desk.sell(sale, self.label)
        self.say.does(f"{entered.name}: closed as won in Salesforce ({entered.deal_id})")
        return entered

    def rest(self, entered: Entered) -> Standing:
        """Wait until the deal ended or waits for a person."""
        return self.operator.wait_until(
            entered.deal_id, lambda seen: seen.is_resting, "rest", self.patience_seconds
        )

    def stuck(self, entered: Entered, kind: str) -> Json:
        """Wait for the deal's case, show it. Raises SandboxError for another kind."""
        seen = self.rest(entered)
        if not seen.case_id:
            raise SandboxError(f"{entered.name} ended {seen.outcome} instead of waiting")
        case = self.operator.case(seen.case_id)
        self.say.case(case)
        if case["kind"] != kind:
            raise SandboxError(f"{entered.name} stopped at {case['kind']}, not at {kind}")
        return case

    def decide(
        self, case: Json, decision: str, reason: str, correction: Json | None = None
    ) -> None:
        """Decide as the operator, with the command for it."""
        options = "".join(
            f" --set {name}.{key}={value}"
            for name, pairs in (correction or {}).items()
            for key, value in pairs.items()
        )
        verb = decision.replace("_", "-")
        self.say.typed(f"dealthread cases {verb} {case['case_id']}{options} --reason '{reason}'")
        self.operator.decide(case, decision, reason, correction)

    def finish(self, entered: Entered, *, must_be_approved: bool = False) -> Standing:
        """Wait for the end, giving every approval that is asked for as the second person.

        A deal that `must_be_approved` and was not asked about fails the demonstration.
        """
        approved = ""
        for _ in range(_ROUNDS):
            seen = self.rest(entered)
            if not seen.case_id:
                if approved:
                    self._check_who_approved(entered, approved)
                elif must_be_approved:
                    self.check(False, f"{entered.name} ended {seen.outcome} without an approval")
                return seen
            if seen.case_kind != "deal.approval":
                self.say.case(self.operator.case(seen.case_id))
                raise SandboxError(f"{entered.name} is stuck: {seen.in_words}")
            self._approve(entered, seen)
            approved = seen.case_id
        raise SandboxError(f"{entered.name} asks for approval again and again")

    def _approve(self, entered: Entered, seen: Standing) -> None:
        case = self.approver.case(seen.case_id)
        self.say.seen(f"{entered.name} waits for the approval of a second person:")
        self.say.case(case)
        reason = "checked against the signed order"
        self.say.typed(
            f"dealthread cases approve {case['case_id']} --as approver --reason '{reason}'"
        )
        self.approver.decide(case, "approve", reason)

    def _check_who_approved(self, entered: Entered, case_id: str) -> None:
        """The case as the operator reads it afterwards: approved, and by the second person."""
        case = self.operator.case(case_id)
        self.check(
            (case["kind"], case["decision"], case["decided_by"])
            == ("deal.approval", "approve", APPROVER),
            f"{entered.name}: {case['kind']} {case['case_id']}, {case['decision'] or 'undecided'} "
            f"by {case['decided_by'] or 'nobody'}, asked for by {case['requested_by']}",
        )
