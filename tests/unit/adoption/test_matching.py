"""Which records are the same: by keys, never by resemblance, and nothing twice."""

from __future__ import annotations

from dealthread.domain.adoption.book import Answer
from dealthread.domain.adoption.matching import Confidence, Unmatched, paired
from dealthread.domain.party import TaxId
from tests.support.deal_builder import HARBORLINE, d1
from tests.support.old_book import bill, book, customer, item, party, subscription

EIN = (TaxId(scheme="us_ein", number="12-3456789"),)


def _only(left: tuple[Unmatched, ...], native_id: str) -> Unmatched:
    found = [one for one in left if one.native_id == native_id]
    assert len(found) == 1, left
    return found[0]


def test_an_id_of_the_deal_on_the_subscription_is_certain():
    found = paired(book())
    (pair,) = found.found
    assert pair.subscription.ref.native_id == "sub_1"
    assert pair.party.ref.native_id == "17"
    assert [one.confidence for one in pair.matches] == [Confidence.CERTAIN] * 3
    assert found.unmatched == ()


def test_the_short_form_of_the_deals_id_is_the_same_id():
    short = subscription(named=(d1().deal_id[:15],))
    assert len(paired(book(subscriptions=[short])).found) == 1


def test_a_tax_identifier_matches_customer_and_party_however_it_is_written():
    deal = d1().model_copy(update={"account": HARBORLINE.model_copy(update={"tax_ids": EIN})})
    found = paired(
        book(
            deals=[deal],
            customers=[customer(tax_ids=("123456789",)), customer("cus_2", tax_ids=("999",))],
            subscriptions=[subscription()],
            parties=[party(tax_ids=("12 3456789",)), party("18", "10018")],
        )
    )
    (pair,) = found.found
    assert {one.what: one.confidence for one in pair.matches} == dict.fromkeys(
        ("customer", "subscription", "party"), Confidence.STRONG
    )


def test_a_mail_domain_or_a_name_alone_matches_nothing_and_is_suggested():
    found = paired(
        book(
            customers=[customer(email_domain="k1.example"), customer("cus_2", name="Other")],
            subscriptions=[subscription()],
        )
    )
    assert found.found == ()
    left = _only(found.unmatched, d1().deal_id)
    assert (left.cause, left.candidates) == ("customer_not_certain", ("cus_1",))
    assert _only(found.unmatched, "sub_1").cause == "no_deal"


def test_two_customers_with_one_tax_identifier_are_left_to_a_person():
    deal = d1().model_copy(update={"account": HARBORLINE.model_copy(update={"tax_ids": EIN})})
    twins = [customer(tax_ids=("123456789",)), customer("cus_2", tax_ids=("123456789",))]
    found = paired(book(deals=[deal], customers=twins, subscriptions=[subscription()]))
    left = _only(found.unmatched, deal.deal_id)
    assert (left.cause, left.candidates) == ("several_customers", ("cus_1", "cus_2"))


def test_two_subscriptions_of_one_customer_are_left_to_a_person_who_then_says():
    known = customer(named=(HARBORLINE.ref.native_id,))
    both = [subscription(), subscription("sub_2")]
    found = paired(book(customers=[known], subscriptions=both))
    left = _only(found.unmatched, d1().deal_id)
    assert (left.cause, left.candidates) == ("several_subscriptions", ("sub_1", "sub_2"))
    said = Answer(deal_id=d1().deal_id, subscription_id="sub_2", said_by="rita")
    found = paired(book(customers=[known], subscriptions=both, answers=[said]))
    (pair,) = found.found
    assert pair.subscription.ref.native_id == "sub_2"
    assert pair.matches[0].reason == "said by rita"
    assert _only(found.unmatched, "sub_1").cause == "no_deal"


def test_one_subscription_is_never_given_to_two_deals():
    other = d1().model_copy(update={"deal_id": "006000000000009AAA"})
    both = subscription(named=(d1().deal_id, other.deal_id))
    found = paired(book(deals=[d1(), other], subscriptions=[both]))
    assert found.found == ()
    assert {one.cause for one in found.unmatched} == {"several_deals"}


def test_the_number_of_an_open_invoice_finds_the_party_that_owes_it():
    found = paired(book(parties=[party(), party("18", "10018")], bills=[bill()], items=[item()]))
    (pair,) = found.found
    assert pair.party.ref.native_id == "17"
    assert pair.matches[-1].reason == "it owes the biller's invoice AL-0007"


def test_a_party_of_the_same_name_only_is_suggested():
    found = paired(book(parties=[party()]))
    left = _only(found.unmatched, d1().deal_id)
    assert (left.cause, left.candidates) == ("party_not_certain", ("17",))


def test_the_order_of_what_was_read_changes_nothing():
    parties = [party(code="cus_1"), party("18", "10018")]
    subscriptions = [subscription(named=(d1().deal_id,)), subscription("sub_2")]
    forward = paired(book(parties=parties, subscriptions=subscriptions))
    backward = paired(book(parties=parties[::-1], subscriptions=subscriptions[::-1]))
    assert forward == backward
