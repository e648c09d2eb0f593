"""What a rule is, what it sees, and what it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ChargeKind, ConfigSet, LegalEntity, ProductMapping, TaxCode
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal, DealLine
from dealthread.domain.seller import resolve_seller
from dealthread.domain.taxation import tax_code_for
from dealthread.domain.validation.facts import ExternalFacts


class Severity(StrEnum):
    """STOP: nothing is written. WARN: recorded. APPROVAL: waits for a person."""

    STOP = "B"
    WARN = "W"
    APPROVAL = "A"


class Violation(Carried):
    """A rule that does not hold. `value` is a code, an amount, a date or an id, never personal."""

    rule: str
    severity: Severity
    field: str
    value: str
    owner: str
    case_kind: str
    message: str


@dataclass(frozen=True)
class Finding:
    """What a rule function says; the table adds rule, severity, owner and case kind."""

    field: str
    value: str
    message: str
    severity: Severity | None = None
    """Only where one finding of a rule is graver than the rule."""
    case_kind: str = ""


@dataclass(frozen=True)
class Assessment:
    """Everything a rule may look at."""

    deal: Deal
    config: ConfigSet
    today: date
    facts: ExternalFacts = field(default_factory=ExternalFacts)
    contract: Contract | None = None
    """Set for rules that need amounts, once nothing static stops the deal."""

    @cached_property
    def seller(self) -> LegalEntity | None:
        """The one seller, or None (V04)."""
        return resolve_seller(self.deal, self.config, self.today)

    def mapping(self, line: DealLine) -> ProductMapping | None:
        """The product's mapping in force today, or None (V09)."""
        return self.config.product(line.product_code, self.today)

    def mapped_lines(self) -> Iterator[tuple[int, DealLine, ProductMapping]]:
        """Lines that have a mapping, with their position."""
        for index, line in enumerate(self.deal.lines):
            mapping = self.mapping(line)
            if mapping is not None:
                yield index, line, mapping

    def recurring_lines(self) -> Iterator[tuple[int, DealLine, ProductMapping]]:
        """Mapped lines that are charged again and again at a fixed price."""
        for index, line, mapping in self.mapped_lines():
            if mapping.kind is ChargeKind.RECURRING:
                yield index, line, mapping

    def tax_date(self) -> date:
        """The service start decides rate and registration."""
        return self.deal.start_date or self.today

    def tax_code(self, mapping: ProductMapping) -> TaxCode | None:
        """The code of a product for this buyer, or None (V31)."""
        if self.seller is None or self.deal.account is None:
            return None
        return tax_code_for(
            self.config, self.seller.code, mapping.tax_category, self.deal.account, self.tax_date()
        )


Check = Callable[[Assessment], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """One row of the table."""

    id: str
    title: str
    severity: Severity
    owner: str
    case_kind: str
    check: Check
    after: tuple[str, ...] = ()
    """Rules whose violation makes this one meaningless; it is then skipped."""
    needs_contract: bool = False
    """Works on amounts: runs when no rule so far stops the deal."""
    fact: str = ""
    """Field of ExternalFacts without which the rule, or a part of it, is undecided."""
