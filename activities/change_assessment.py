"""The step that decides whether a change may go on: rules, amounts, the biller's preview, the ERP.

Reads only, but for the order and its preview, which are kept in our own store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from temporalio import activity

from activities.change_findings import (
    amounts_of,
    bills_alike,
    is_declined,
    money_at_risk,
    preview_differs,
    refused_by_system,
    refused_order,
    risk_reasons,
    working_of,
)
from activities.change_inputs import AssessChange, AssessedChange
from activities.erp_away import erp_away
from activities.inputs import Finding
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    ChangeOrder,
    RenewalDecision,
    RenewalOrder,
    WithdrawalOrder,
    order_from_json,
)
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.tax.of_day import day_billed_next, retaxed
from dealthread.domain.transaction import ChangeKind
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.delta import booking_delta
from dealthread.domain.versions.effective import effective_date, hold_until
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.lookup import first_difference
from dealthread.domain.versions.money import (
    ChangeMoney,
    change_money,
    charge_lines,
    credit_lines,
    reduced_before,
)
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.renewed import declined, next_year, renewed
from dealthread.domain.versions.rules import approvals, refusals
from dealthread.domain.versions.withdrawn import withdrawn
from dealthread.ensure import request_hash
from dealthread.errors import NotFound, RateLimited, StepRejected, VendorUnavailable
from dealthread.hub import Changes, Contracts
from dealthread.naming import event_id, idempotency_key, renewal_notice_id
from dealthread.ports.billing import BillingPort, ChangeAgreement, CreditLine
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.ports.erp import ErpPort, PostingQuestion

COMMUNICATIONS = "communications"
"""Kind of the subscribers that tell the customer; their confirmation proves a notice."""


class ChangeAssessmentActivities:
    """Validation of a change before the first write."""

    def __init__(
        self,
        crm: CrmPort,
        billing: BillingPort,
        erps: Mapping[str, ErpPort],
        contracts: Contracts,
        changes: Changes,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._crm = crm
        self._billing = billing
        self._erps = erps
        self._contracts = contracts
        self._changes = changes
        self._config = config
        self._clock = clock

    @activity.defn(name="change.assess")
    async def assess(self, ask: AssessChange) -> AssessedChange:
        """What a change would do, or which rules stop it."""
        key = ask.context.contract_key
        contract = await self._contracts.read(key)
        state = await self._contracts.state(key)
        if contract is None or state is None:
            raise NotFound("contract_not_known", contract=key)
        today = self._clock.now().date()
        known = AssessedChange(
            before=contract,
            customer_key=contract.customer_key,
            at_risk=contract.tcv(),
            erp_patience_minutes=self._config().policy.erp_unavailable_minutes,
            entitlement_patience_minutes=self._config().policy.entitlement_confirm_minutes,
        )
        try:
            order = await self._order(ask, contract, today)
            if ask.kind is ChangeKind.RENEWAL_NOTICE:
                return self._offer(known, contract, order, today)
            found = await self._assessed(ask, known, contract, state, order, today)
        except OrderRefused as refusal:
            return known.model_copy(
                update={"stopping": (refused_order(refusal.code, refusal.field, refusal.action),)}
            )
        except StepRejected as refusal:
            return known.model_copy(update={"stopping": (refused_by_system(refusal),)})
        if ask.record:
            await self._changes.record_preview(
                ask.context.business_key, found.model_dump_json(exclude={"before", "billing"})
            )
        return found

    # ------------------------------------------------------------ what is asked

    async def _order(self, ask: AssessChange, contract: Contract, today: date) -> ChangeOrder:
        if ask.order:
            return order_from_json(ask.order)
        change_id = ask.context.business_key
        order = await self._changes.order(change_id)
        if order is None:
            order = await self._from_owner(ask, contract, today)
            if ask.record and ask.kind is not ChangeKind.RENEWAL_NOTICE:
                await self._changes.record_order(order, ask.context.actor)
        return order

    async def _from_owner(self, ask: AssessChange, contract: Contract, today: date) -> ChangeOrder:
        """From the CRM, or from the calendar where no opportunity asks."""
        change_id = ask.context.business_key
        by_calendar = ask.context.deal_id == contract.deal_id
        if ask.kind in (ChangeKind.RENEWAL, ChangeKind.RENEWAL_NOTICE) and by_calendar:
            announced = ask.kind is ChangeKind.RENEWAL_NOTICE
            return RenewalOrder(
                change_id=change_id,
                contract_key=contract.key,
                accepted_on=today,
                decision=RenewalDecision.ACCEPT if announced else RenewalDecision.AUTOMATIC,
                reason="" if announced else "the notice period passed in silence",
            )
        order = await self._crm.read_change(ask.context.deal_id, contract)
        return order.model_copy(update={"change_id": change_id, "contract_key": contract.key})

    # ------------------------------------------------------------ what it would do

    def _offer(
        self, known: AssessedChange, contract: Contract, order: ChangeOrder, today: date
    ) -> AssessedChange:
        """The next term as it would be, and its price: nothing is asked of anybody yet."""
        assert isinstance(order, RenewalOrder)  # noqa: S101 - of a renewal's announcement
        end = contract.end_date or today
        after = renewed(contract, order, self._config(), today)
        return known.model_copy(
            update={
                "contract": after,
                "effective_from": end,
                "accepted_on": today,
                "renewal_price": next_year(after, end),
            }
        )

    async def _assessed(
        self,
        ask: AssessChange,
        known: AssessedChange,
        contract: Contract,
        state: ContractState,
        order: ChangeOrder,
        today: date,
    ) -> AssessedChange:
        config = self._config()
        refused = refusals(contract, state, order, today, config)
        if refused:
            return known.model_copy(
                update={
                    "stopping": tuple(
                        refused_order(row.code, row.field, row.action) for row in refused
                    )
                }
            )
        effective, after = await self._after(contract, order, config, today)
        hold = None
        if isinstance(order, AmendmentOrder | CancellationOrder) and not ask.is_due:
            hold = hold_until(contract, order, today)
        credited = not isinstance(order, CancellationOrder) or order.credit_unused
        money = change_money(contract, after, effective, as_of=today, credit_unused=credited)
        billing = await self._billing_change(contract, after, order, effective, money)
        booking = booking_delta(contract, after, effective)
        found = known.model_copy(
            update={
                "contract": after,
                "booking": booking if contract.booking_policy != "none" else None,
                "billing": billing,
                "amounts": amounts_of(money),
                "effective_from": effective,
                "accepted_on": order.accepted_on,
                "hold_until": hold,
                "regional_deals": (
                    order.regional_deals if isinstance(order, AmendmentOrder) else ()
                ),
                "renewal_price": (
                    next_year(after, effective)
                    if isinstance(order, RenewalOrder) and not is_declined(order)
                    else None
                ),
                "declined": is_declined(order),
                "at_risk": money_at_risk(contract, after, money),
                "deal_id": order.deal_id,
                "amends": next(iter(await self._changes.booking_keys(contract.key)), ""),
                "working": working_of(contract, after, order, money, config),
            }
        )
        return await self._asked(ask, found, contract, order, money)

    async def _asked(
        self,
        ask: AssessChange,
        found: AssessedChange,
        contract: Contract,
        order: ChangeOrder,
        money: ChangeMoney,
    ) -> AssessedChange:
        """The same with what the others say: the biller's preview, the ERP, proof of a notice."""
        stopping: list[Finding] = []
        preview = None
        # What is held is asked about on its day, when it can be billed.
        if found.billing is not None and found.hold_until is None:
            preview = await self._billing.preview_change(found.billing)
            stopping += preview_differs(preview, found.amounts, contract.currency, self._config())
        if ask.ask_erp and found.booking is not None:
            stopping += await self._posting(found.booking)
        if isinstance(order, RenewalOrder):
            stopping += await self._notice(contract, order)
        after = found.contract
        assert after is not None  # noqa: S101 - set by _assessed
        return found.model_copy(
            update={
                "stopping": tuple(stopping),
                "preview": preview,
                "approvals": (
                    *approvals(
                        contract, after, order, money, self._config(), self._clock.now().date()
                    ),
                    *risk_reasons(ask, order),
                ),
                "content_hash": request_hash(
                    order, after, *((preview,) if preview is not None else ())
                ),
            }
        )

    async def _after(
        self, contract: Contract, order: ChangeOrder, config: ConfigSet, today: date
    ) -> tuple[date, Contract]:
        if isinstance(order, AmendmentOrder):
            effective = effective_date(contract, order, today)
            return effective, amended(contract, order, config, today)
        if isinstance(order, CancellationOrder):
            return effective_date(contract, order, today), ended(contract, order, today)
        if isinstance(order, WithdrawalOrder):
            return await self._withdrawn(contract, order, today)
        end = contract.end_date or today
        if is_declined(order):
            return end, declined(contract)
        return end, renewed(contract, order, config, today)

    async def _withdrawn(
        self, contract: Contract, order: WithdrawalOrder, today: date
    ) -> tuple[date, Contract]:
        number = await self._changes.version_of(order.target)
        earlier = (
            None if number is None else await self._contracts.version(contract.key, number - 1)
        )
        if number is None or earlier is None:
            raise OrderRefused(
                "nothing_to_withdraw", "target", "name a change that was agreed and not done yet"
            )
        after = withdrawn(contract, earlier, number, today)
        return first_difference(contract, after) or contract.end_date or today, after

    async def _billing_change(
        self,
        before: Contract,
        after: Contract,
        order: ChangeOrder,
        effective: date,
        money: ChangeMoney,
    ) -> ChangeAgreement | None:
        if bills_alike(before, after):
            return None
        agreement = await self._changes.agreement(before.key)
        if agreement is None:
            raise StepRejected(
                "agreement_not_found", case_kind="billing.rejected", contract=before.key
            )
        # As it is billed today: a rate that changed since is no change of the contract's own.
        config, day = self._config(), day_billed_next(self._clock.now())
        return ChangeAgreement(
            before=retaxed(before, config, day),
            after=retaxed(after, config, day),
            agreement=agreement,
            effective_from=effective,
            charge_lines=charge_lines(money),
            credits=tuple(
                CreditLine(
                    line_key=row.line_key,
                    net=row.net,
                    span_start=row.span_start,
                    span_end=row.span_end,
                )
                for row in credit_lines(money, reduced_before(before, money))
            ),
            refund=isinstance(order, CancellationOrder) and order.refund,
        )

    # ------------------------------------------------------------ what others say

    async def _posting(self, booking: Contract) -> list[Finding]:
        erp = self._erps[booking.erp]
        question = PostingQuestion(
            company=booking.erp_company,
            currency=booking.currency,
            service_start=booking.lines[0].start_date,
            posting_date=max(self._clock.now().date(), booking.lines[0].start_date),
            items=tuple(sorted({line.erp_item for line in booking.lines})),
            tax_codes=tuple(sorted({line.tax.code for line in booking.lines})),
            accounts=tuple(sorted({line.revenue_account for line in booking.lines})),
            payment_terms=booking.payment_terms,
        )
        patience = timedelta(minutes=self._config().policy.erp_unavailable_minutes)
        try:
            rules = await erp.check_posting_rules(question)
        except (VendorUnavailable, RateLimited) as error:
            raise erp_away(error, patience) from error
        return [
            Finding(
                rule=row.rule,
                severity="B",
                field=row.field,
                value=row.value,
                owner="accounting",
                case_kind="erp.period_closed" if row.rule == "V22" else "erp.rejected",
                message=row.detail,
            )
            for row in rules.problems
        ]

    async def _notice(self, contract: Contract, order: RenewalOrder) -> list[Finding]:
        """An automatic renewal whose legal notice was not provably sent may be unenforceable."""
        terms = contract.renewal
        if order.decision is not RenewalDecision.AUTOMATIC or terms is None:
            return []
        if not terms.legal_notice or contract.end_date is None:
            return []
        notice = renewal_notice_id(contract.key, contract.end_date)
        told = event_id(idempotency_key(notice, 1, "notice", "told"))
        if await self._changes.was_told(told, COMMUNICATIONS):
            return []
        return [
            Finding(
                rule="R-NOTICE",
                severity="B",
                field="renewal.notice",
                value=contract.end_date.isoformat(),
                owner="legal",
                case_kind="renewal.notice_unproven",
                message="a legal notice was due and is not provably sent: send it and retry, or "
                "abort and let the term end",
            )
        ]
