"""A won amendment or renewal as an order of ours, in whichever form the CRM keeps it. Pure.

A plain opportunity says what its lines come to; a CPQ quote says what they differ by.
"""

from __future__ import annotations

from datetime import date

from adapters.salesforce import cpq, plain_change
from adapters.salesforce.change_records import ChangeRecords
from adapters.salesforce.commercial_change import effective_day, line_orders, refused
from adapters.salesforce.record import Record, drift
from adapters.salesforce.translate import opportunity_ref
from dealthread.domain.change_order import (
    AmendmentOrder,
    ChangeTiming,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.deal import DealKind
from dealthread.domain.revenue.modification import ScopeReason
from dealthread.errors import StepRejected
from dealthread.naming import amendment_id, is_salesforce_id, renewal_id, salesforce_id_18

REOPENED = "deal.reopened"
_QUOTE_KINDS = {"Amendment": DealKind.AMENDMENT, "Renewal": DealKind.RENEWAL}
_KEY = "Dealthread_Contract_Key__c"


def to_order(
    records: ChangeRecords, contract: Contract, org: str, *, has_cpq: bool
) -> AmendmentOrder | RenewalOrder:
    """Raises StepRejected for what is not won, belongs to another contract or cannot be told,
    ContractDrift for a field of unknown shape."""
    deal = records.deal
    if deal.flag("IsDeleted"):
        raise StepRejected("deal_deleted", case_kind=REOPENED, field="IsDeleted")
    quote = deal.related("SBQQ__PrimaryQuote__r") if has_cpq else None
    kind = (_QUOTE_KINDS.get(quote.text("SBQQ__Type__c")) if quote else None) or deal.choice(
        "Dealthread_Kind__c", DealKind
    )
    if kind not in (DealKind.AMENDMENT, DealKind.RENEWAL):
        raise refused("not_a_change", "Dealthread_Kind__c", kind=kind or "")
    _check_contract(deal, contract, has_cpq=has_cpq)
    if deal.text("CurrencyIsoCode") != contract.currency:
        raise refused("another_currency", "CurrencyIsoCode", currency=contract.currency)
    is_quoted = quote is not None and quote.text("SBQQ__Type__c") in _QUOTE_KINDS
    if kind is DealKind.RENEWAL:
        return _renewal(records, contract, org, quote if is_quoted else None)
    if not deal.flag("IsWon"):
        raise _not_won()
    return _amendment(records, contract, org, quote if is_quoted else None)


def _amendment(
    records: ChangeRecords, contract: Contract, org: str, quote: Record | None
) -> AmendmentOrder:
    deal = records.deal
    deal_id, day = deal.key("Id"), deal.day("Dealthread_Effective_From__c")
    timing = deal.choice("Dealthread_Timing__c", ChangeTiming)
    if quote is not None:
        changes = cpq.amendment(records, contract, org)
        # A quote has one start, and its lines are priced from it on.
        day = effective_day(changes, quote.day("SBQQ__StartDate__c"))
        timing = ChangeTiming.ON_DATE
        lines = line_orders(contract, changes, day)
    else:
        lines = plain_change.amended(records.lines, contract, org)
    if timing is None:
        timing = ChangeTiming.ON_DATE if day else ChangeTiming.NOW
    if timing is ChangeTiming.ON_DATE and day is None:
        raise refused("no_effective_day", "Dealthread_Effective_From__c")
    terms = deal.text("Dealthread_Payment_Terms__c")
    return AmendmentOrder(
        change_id=amendment_id(contract.key, deal_id),
        contract_key=contract.key,
        source=opportunity_ref(org, deal_id),
        deal_id=deal_id,
        accepted_on=_accepted_on(deal),
        base_version=deal.whole("Dealthread_Base_Version__c"),
        timing=timing,
        effective_from=day,
        lines=lines,
        payment_terms="" if terms == contract.payment_terms else terms,
        regional_deals=_regional_deals(deal),
        scope_reason=deal.choice("Dealthread_Scope_Reason__c", ScopeReason)
        or ScopeReason.CUSTOMER_REQUEST,
    )


def _renewal(
    records: ChangeRecords, contract: Contract, org: str, quote: Record | None
) -> RenewalOrder:
    deal = records.deal
    if contract.end_date is None:
        raise refused("contract_without_end", "end_date")
    change_id = renewal_id(contract.key, contract.end_date)
    _check_term(deal, quote, contract.end_date, change_id)
    if not deal.flag("IsClosed"):
        raise _not_won()
    is_won = deal.flag("IsWon")
    lines: tuple[LineOrder, ...] = ()
    if is_won and quote is not None:
        lines = cpq.renewal(records, contract, org)
    elif is_won:
        lines = plain_change.renewed(records.lines, contract, org)
    months = deal.whole("Dealthread_Term_Months__c")
    if quote is not None:
        months = quote.whole("SBQQ__SubscriptionTerm__c") or months
    return RenewalOrder(
        change_id=change_id,
        contract_key=contract.key,
        source=opportunity_ref(org, deal.key("Id")),
        deal_id=deal.key("Id"),
        accepted_on=_accepted_on(deal),
        base_version=deal.whole("Dealthread_Base_Version__c"),
        decision=RenewalDecision.ACCEPT if is_won else RenewalDecision.DECLINE,
        term_months=months if is_won else None,
        uplift_percent=deal.number("Dealthread_Renewal_Uplift__c") if is_won else None,
        lines=lines,
    )


def _check_contract(deal: Record, contract: Contract, *, has_cpq: bool) -> None:
    """The standard look-up, or CPQ's own: its contract bears our key, or the deal it came from
    does."""
    named = [deal.related("Contract")]
    if has_cpq:
        for link in ("SBQQ__AmendedContract__r", "SBQQ__RenewedContract__r"):
            theirs = deal.related(link)
            named += [theirs, theirs.related("SBQQ__Opportunity__r") if theirs else None]
    keys = {key for row in named if row is not None and (key := row.text(_KEY))}
    if keys != {contract.key}:
        code = "another_contract" if keys else "no_contract_named"
        raise refused(code, "ContractId", contract=contract.key)


def _check_term(deal: Record, quote: Record | None, end: date, change_id: str) -> None:
    """A renewal that was taken, or is meant for another term, must not renew this one as well."""
    starts = {
        deal.day("Dealthread_Effective_From__c"),
        quote.day("SBQQ__StartDate__c") if quote else None,
    } - {None}
    ids = {deal.text("Dealthread_Renewal_Key__c"), deal.text("Dealthread_Workflow_Id__c")}
    prefix = change_id.rpartition(":")[0] + ":"
    taken = {one for one in ids if one.startswith(prefix)}
    if starts - {end} or taken - {change_id}:
        raise refused("renewal_of_another_term", "Dealthread_Renewal_Key__c", term=end.isoformat())


def _regional_deals(deal: Record) -> tuple[str, ...]:
    field = "Dealthread_Regional_Deals__c"
    ids = [one.strip() for one in deal.text(field).split(",") if one.strip()]
    if not all(is_salesforce_id(one) for one in ids):
        raise refused("not_a_record_id", field)
    return tuple(dict.fromkeys(salesforce_id_18(one) for one in ids))


def _accepted_on(deal: Record) -> date:
    day = deal.day("Dealthread_Signed_On__c") or deal.day("CloseDate")
    if day is None:
        raise drift(deal.name("CloseDate"))
    return day


def _not_won() -> StepRejected:
    return StepRejected("deal_not_won", case_kind=REOPENED, field="IsWon")
