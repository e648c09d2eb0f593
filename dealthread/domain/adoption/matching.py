"""Which deal is which subscription, and which customer of the CRM is which of the others.

Strong keys first: what a person said, an id of one system that stands on a record of another, a
tax identifier, the number of an invoice. A name and a mail domain only ever suggest; what is
suggested, or fits two, is listed and a person says. Nothing is matched twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from dealthread.domain.adoption.book import (
    BilledCustomer,
    BilledSubscription,
    Book,
    LedgerParty,
)
from dealthread.domain.adoption.index import (
    SHORT_ID,
    Index,
    any_of,
    compact,
    domain_of,
    naming,
    plain,
    tax_numbers,
)
from dealthread.domain.base import Carried
from dealthread.domain.deal import Deal


class Confidence(StrEnum):
    """How a match was come by."""

    TOLD = "told"
    """A person said so."""
    CERTAIN = "certain"
    """One system holds the other's own id."""
    STRONG = "strong"
    """The same tax identifier or the same invoice, and no other record has it."""


class Match(Carried):
    """One pair. `reason` is for a person to read."""

    what: str
    """customer, party or subscription."""
    native_id: str
    reason: str
    confidence: Confidence


class Unmatched(Carried):
    """Something that is not adopted, and why."""

    system: str
    kind: str
    native_id: str
    cause: str
    """A code, as `subscription_not_found`."""
    detail: str = ""
    candidates: tuple[str, ...] = ()
    """Native ids of what it may be: a person says."""


class Pairing(Carried):
    """A deal with what belongs to it in the other systems."""

    deal: Deal
    customer: BilledCustomer
    subscription: BilledSubscription
    party: LedgerParty
    matches: tuple[Match, ...]


class Pairings(Carried):
    """All of a company, and what is left over."""

    found: tuple[Pairing, ...]
    unmatched: tuple[Unmatched, ...]


def paired(book: Book, index: Index | None = None) -> Pairings:
    """Deals with their subscriptions, customers and parties; the same book, the same pairs."""
    index = index or Index(book)
    left: list[Unmatched] = []
    chosen: dict[str, tuple[BilledSubscription, BilledCustomer, list[Match]]] = {}
    deals = sorted(book.deals, key=lambda one: one.deal_id)
    for deal in deals:
        found = _subscription_of(deal, index)
        if isinstance(found, Unmatched):
            left.append(found)
        else:
            chosen[deal.deal_id] = found
    left += _taken_twice(chosen)
    pairs = []
    for deal in deals:
        if deal.deal_id not in chosen:
            continue
        subscription, customer, matches = chosen[deal.deal_id]
        party = _party_of(deal, index, customer)
        if isinstance(party, Unmatched):
            left.append(party)
            continue
        pairs.append(
            Pairing(
                deal=deal,
                customer=customer,
                subscription=subscription,
                party=party[0],
                matches=(*matches, party[1]),
            )
        )
    told = {str(pair.subscription.ref) for pair in pairs}
    suggested = {native_id for row in left for native_id in row.candidates}
    left += [
        Unmatched(
            system="billing",
            kind="subscription",
            native_id=one.ref.native_id,
            cause="no_deal",
            detail="no won deal of the company belongs to it",
        )
        for one in index.subscriptions
        if str(one.ref) not in told
        and one.contract_key not in book.own.contract_keys
        and one.ref.native_id not in suggested
    ]
    return Pairings(found=tuple(pairs), unmatched=tuple(left))


# ------------------------------------------------------------ deal and subscription


def _subscription_of(
    deal: Deal, index: Index
) -> tuple[BilledSubscription, BilledCustomer, list[Match]] | Unmatched:
    said = index.answers.get(deal.deal_id)
    wanted = "" if said is None else said.subscription_id
    if wanted and said is not None:
        told = index.subscription_by_id.get(wanted)
        if not told:
            return _deal(deal, "told_subscription_gone", f"{wanted} is not in force at the biller")
        reason = f"said by {said.said_by}"
        return _with_customer(deal, told[0], index, reason, Confidence.TOLD)
    by_id = naming(index.subscriptions_naming, deal.deal_id)
    if len(by_id) == 1:
        reason = f"the subscription names the deal {deal.deal_id}"
        return _with_customer(deal, by_id[0], index, reason, Confidence.CERTAIN)
    if by_id:
        ids = _ids(by_id)
        return _deal(deal, "several_subscriptions", "all of them name the deal", ids)
    customer = _customer_of(deal, index)
    if isinstance(customer, Unmatched):
        return customer
    record, match = customer
    rivals = index.deals_of[deal.account.key] if deal.account is not None else []
    mine = [
        one
        for one in index.subscriptions_of.get(str(record.ref), ())
        if one.currency == deal.currency and not index.names_a_deal(one)
    ]
    if len(mine) == 1 and len(rivals) == 1:
        reason = "the only subscription of the customer, which has no other deal"
        return mine[0], record, [match, _match("subscription", mine[0].ref.native_id, reason)]
    if not mine:
        return _deal(
            deal, "subscription_not_found", f"{record.ref.native_id} has none that is free"
        )
    return _deal(
        deal,
        "several_subscriptions" if len(mine) > 1 else "several_deals",
        "the customer has more than one of them: say which",
        _ids(mine),
    )


def _with_customer(
    deal: Deal,
    subscription: BilledSubscription,
    index: Index,
    reason: str,
    confidence: Confidence,
) -> tuple[BilledSubscription, BilledCustomer, list[Match]] | Unmatched:
    record = index.customers.get(subscription.customer)
    if record is None:
        return _deal(deal, "customer_not_found", f"of {subscription.ref.native_id}")
    native_id = subscription.ref.native_id
    return (
        subscription,
        record,
        [
            _match("subscription", native_id, reason, confidence),
            _match("customer", record.ref.native_id, "it has the subscription", confidence),
        ],
    )


def _customer_of(deal: Deal, index: Index) -> tuple[BilledCustomer, Match] | Unmatched:
    account = deal.account
    if account is None:
        return _deal(deal, "account_missing", "the deal has no account")
    ours = index.customers_ours.get(account.key)
    by_id = ours or naming(index.customers_naming, account.ref.native_id)
    if len(by_id) == 1:
        native_id = by_id[0].ref.native_id
        reason = f"the biller's customer names the account {account.ref.native_id}"
        return by_id[0], _match("customer", native_id, reason, Confidence.CERTAIN)
    by_tax = any_of(index.customers_by_tax, tax_numbers(account))
    if not by_id and len(by_tax) == 1:
        native_id = by_tax[0].ref.native_id
        return by_tax[0], _match("customer", native_id, "the same tax identifier")
    several = by_id or by_tax
    if several:
        return _deal(deal, "several_customers", "more than one is the account", _ids(several))
    alike = [*index.customers_named.get(plain(account.legal_name), ())]
    host = domain_of(account.website)
    alike += [one for one in index.customers_at.get(host, ()) if host and one not in alike]
    return _deal(
        deal,
        "customer_not_certain" if alike else "customer_not_found",
        "a name or a mail domain alone proves nothing" if alike else "the biller has none like it",
        _ids(alike),
    )


def _taken_twice(
    chosen: dict[str, tuple[BilledSubscription, BilledCustomer, list[Match]]],
) -> list[Unmatched]:
    """Deals that came to one subscription: none of them has it until a person says."""
    found = []
    by_ref: dict[str, list[str]] = {}
    for deal_id, (subscription, _, _) in chosen.items():
        by_ref.setdefault(str(subscription.ref), []).append(deal_id)
    for deal_ids in by_ref.values():
        if len(deal_ids) < 2:
            continue
        for deal_id in deal_ids:
            subscription = chosen.pop(deal_id)[0]
            found.append(
                Unmatched(
                    system="crm",
                    kind="deal",
                    native_id=deal_id,
                    cause="several_deals",
                    detail="they all come to one subscription: say whose it is",
                    candidates=(subscription.ref.native_id,),
                )
            )
    return found


# ------------------------------------------------------------ the ledger's customer


def _party_of(
    deal: Deal, index: Index, customer: BilledCustomer
) -> tuple[LedgerParty, Match] | Unmatched:
    account = deal.account
    said = index.answers.get(deal.deal_id)
    if said is not None and said.party_id:
        told = index.party_by_id.get(said.party_id)
        if told is None:
            return _deal(deal, "told_party_gone", f"the ledger has no customer {said.party_id}")
        return told, _match("party", said.party_id, f"said by {said.said_by}", Confidence.TOLD)
    if account is None:
        return _deal(deal, "account_missing", "the deal has no account")
    account_id = account.ref.native_id
    codes = {account.key, account_id, account_id[:SHORT_ID], customer.ref.native_id}
    by_code = any_of(index.parties_by_code, codes | set(customer.named))
    if len(by_code) == 1:
        reason = f"its code {by_code[0].code} stands in the other systems"
        return by_code[0], _match("party", by_code[0].ref.native_id, reason, Confidence.CERTAIN)
    numbers = tax_numbers(account) | {compact(tax) for tax in customer.tax_ids}
    by_tax = any_of(index.parties_by_tax, numbers)
    if not by_code and len(by_tax) == 1:
        return by_tax[0], _match("party", by_tax[0].ref.native_id, "the same tax identifier")
    by_bill = index.parties_of_bills(customer.ref)
    if not by_code and not by_tax and len(by_bill) == 1:
        native_id, number = next(iter(by_bill.items()))
        found = index.party_by_id.get(native_id)
        if found is not None:
            return found, _match("party", native_id, f"it owes the biller's invoice {number}")
    several = by_code or by_tax
    if several:
        return _deal(deal, "several_parties", "more than one is the account", _ids(several))
    if by_bill:
        return _deal(deal, "several_parties", "they owe the customer's invoices", tuple(by_bill))
    alike = index.parties_named.get(plain(account.legal_name), [])
    return _deal(
        deal,
        "party_not_certain" if alike else "party_not_found",
        "a name alone proves nothing" if alike else "the ledger has no such customer",
        _ids(alike),
    )


# ------------------------------------------------------------ parts


def _ids(
    rows: Iterable[BilledCustomer | BilledSubscription | LedgerParty],
) -> tuple[str, ...]:
    return tuple(sorted(one.ref.native_id for one in rows))


def _match(
    what: str, native_id: str, reason: str, confidence: Confidence = Confidence.STRONG
) -> Match:
    return Match(what=what, native_id=native_id, reason=reason, confidence=confidence)


def _deal(deal: Deal, cause: str, detail: str, candidates: tuple[str, ...] = ()) -> Unmatched:
    return Unmatched(
        system="crm",
        kind="deal",
        native_id=deal.deal_id,
        cause=cause,
        detail=detail,
        candidates=candidates,
    )
