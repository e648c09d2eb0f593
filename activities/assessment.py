"""The step that decides whether a deal may go on: rules, the biller's preview, the ERP's rules.

Reads only, but for the contract recorded as pending in our own store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

from temporalio import activity

from activities.deal_telling import opportunity_closed
from activities.erp_away import erp_away
from activities.inputs import AssessDeal, Assessment, Finding
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract, deal_value
from dealthread.domain.corrections import apply_corrections
from dealthread.domain.deal import CollectionMethod, Deal
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.domain.validation import (
    ExternalFacts,
    PostingFinding,
    Violation,
    approval_reasons,
    assess,
    assess_static,
    blocking,
    warnings,
)
from dealthread.domain.validation.facts import CreditFacts
from dealthread.errors import BadInput, RateLimited, StepRejected, VendorUnavailable
from dealthread.hub import Contracts, Pursuits
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort, PostingQuestion


class AssessmentActivities:
    """Validation before the first write."""

    def __init__(
        self,
        billing: BillingPort,
        erps: Mapping[str, ErpPort],
        contracts: Contracts,
        pursuits: Pursuits,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._billing = billing
        self._erps = erps
        self._contracts = contracts
        self._pursuits = pursuits
        self._config = config
        self._clock = clock

    @activity.defn(name="deal.assess")
    async def assess(self, order: AssessDeal) -> Assessment:
        """Which rules stop the deal, what needs approval, and the contract it would become."""
        config = self._config()
        today = self._clock.now().date()
        told = order.frozen.deal
        try:
            deal = apply_corrections(told, order.corrections)
        except BadInput as refusal:
            return Assessment(
                stopping=(_refused(refusal),), at_risk=deal_value(told, config, today)
            )
        static = assess_static(deal, config, today)
        if blocking(static):
            return Assessment(
                stopping=_findings(blocking(static)), at_risk=deal_value(deal, config, today)
            )
        contract = build_contract(
            told, config, today, order.context.contract_key, order.corrections
        )
        facts = await self._gather(order, told, deal, contract)
        if isinstance(facts, Finding):
            return Assessment(stopping=(facts,), at_risk=contract.tcv())
        found = assess(deal, config, today, facts)
        approvals = approval_reasons(found)
        content_hash = order.frozen.content_hash + order.corrections.model_dump_json()
        if order.record and not blocking(found):
            name = deal.account.legal_name if deal.account else ""
            is_accepted = not approvals or order.approved_hash == content_hash
            told_of = opportunity_closed(order.context, contract, self._clock.now())
            await self._contracts.record_pending(
                order.context, contract, name, (told_of,) if is_accepted else ()
            )
        return Assessment(
            stopping=_findings(blocking(found)),
            warnings=_findings(warnings(found)),
            approvals=approvals,
            contract=None if blocking(found) else contract,
            party=deal.account,
            parent=deal.parents[0] if deal.parents else None,
            preview=facts.preview,
            at_risk=contract.tcv(),
            content_hash=content_hash,
            erp_patience_minutes=config.policy.erp_unavailable_minutes,
            entitlement_patience_minutes=config.policy.entitlement_confirm_minutes,
        )

    async def _gather(
        self, order: AssessDeal, told: Deal, deal: Deal, contract: Contract
    ) -> ExternalFacts | Finding:
        """Ask biller, ERP and store at once. A refusal by the biller is a finding."""
        account = deal.account
        if account is None:
            raise StepRejected("no_account", case_kind="customer.data_missing", field="account")
        preview, on_file, posting, hashes, active, credit = await asyncio.gather(
            self._preview(contract, deal),
            self._on_file(contract),
            self._posting(order, contract),
            self._contracts.accepted_hashes(contract.key, order.context.business_key),
            self._contracts.active_contracts(contract.customer_key, contract.seller, contract.key),
            self._credit(contract),
        )
        if isinstance(preview, Finding):
            return preview
        return ExternalFacts(
            content_hash=told.content_hash(),
            accepted_hashes=hashes,
            posting_findings=posting,
            payment_method_on_file=on_file,
            preview=preview,
            active_contracts=active,
            credit=credit,
        )

    async def _credit(self, contract: Contract) -> CreditFacts | None:
        """Of a customer in collections: what is overdue, at the least. No figures are read of
        others."""
        pursued = await self._pursuits.listing(
            customer_key=contract.customer_key, closed=False, limit=100
        )
        if not pursued:
            return None
        owed = (one.amount_due for one in pursued)
        same = [amount for amount in owed if amount.currency == contract.currency]
        return CreditFacts(exposure=Money.total(same, contract.currency), in_collections=True)

    async def _preview(self, contract: Contract, deal: Deal) -> BillingInvoice | Finding:
        party = deal.account
        if party is None:
            raise StepRejected("no_account", case_kind="customer.data_missing", field="account")
        try:
            return await self._billing.preview_first_invoice(contract, party)
        except StepRejected as refusal:
            return Finding(
                rule="V11",
                severity="B",
                field=refusal.field or "lines",
                value=refusal.code,
                owner="deal-desk",
                case_kind=refusal.case_kind,
                message="the biller refuses these terms",
            )

    async def _on_file(self, contract: Contract) -> bool | None:
        if contract.collection_method is not CollectionMethod.CARD:
            return None
        return await self._billing.payment_method_on_file(
            contract.billing_account, contract.customer_key
        )

    async def _posting(
        self, order: AssessDeal, contract: Contract
    ) -> tuple[PostingFinding, ...] | None:
        if not order.ask_erp:
            return None
        erp = self._erps[contract.erp]
        question = PostingQuestion(
            company=contract.erp_company,
            currency=contract.currency,
            service_start=contract.start_date,
            posting_date=order.corrections.posting_date or contract.start_date,
            items=tuple(sorted({line.erp_item for line in contract.lines})),
            tax_codes=tuple(sorted({line.tax.code for line in contract.lines})),
            accounts=tuple(sorted({line.revenue_account for line in contract.lines})),
            payment_terms=contract.payment_terms,
        )
        patience = timedelta(minutes=self._config().policy.erp_unavailable_minutes)
        try:
            rules = await erp.check_posting_rules(question)
        except (VendorUnavailable, RateLimited) as error:
            raise erp_away(error, patience) from error
        return tuple(
            PostingFinding(rule=row.rule, field=row.field, value=row.value, detail=row.detail)
            for row in rules.problems
        )


def _findings(violations: list[Violation]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule=row.rule,
            severity=row.severity,
            field=row.field,
            value=row.value,
            owner=row.owner,
            case_kind=row.case_kind,
            message=row.message,
        )
        for row in violations
    )


def _refused(refusal: BadInput) -> Finding:
    return Finding(
        rule="correction",
        severity="B",
        field=refusal.field,
        value=refusal.code,
        owner="deal-desk",
        case_kind="deal.invalid_terms",
        message=refusal.action,
    )
