"""What a declined card answers: code, decline code, parameter, advice, words.

Sources: docs.stripe.com/testing#declined-payments and docs.stripe.com/declines/codes; the code,
parameter and advice of each as recorded against Stripe's test mode in August 2026 by the public
project github.com/gburgyan/aat-stripe (README, "Declines, exactly").
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """How one kind of decline is told."""

    message: str
    code: str = "card_declined"
    param: str | None = None
    advice_code: str | None = None


DECLINES = {
    "generic_decline": Decline("Your card was declined.", advice_code="try_again_later"),
    "insufficient_funds": Decline(
        "Your card has insufficient funds.", advice_code="try_again_later"
    ),
    "lost_card": Decline("Your card was declined.", advice_code="do_not_try_again"),
    "stolen_card": Decline("Your card was declined.", advice_code="do_not_try_again"),
    "expired_card": Decline(
        "Your card has expired.",
        code="expired_card",
        param="exp_month",
        advice_code="confirm_card_data",
    ),
    "incorrect_cvc": Decline(
        "Your card's security code is incorrect.",
        code="incorrect_cvc",
        param="cvc",
        advice_code="confirm_card_data",
    ),
    "processing_error": Decline(
        "An error occurred while processing your card. Try again in a little bit.",
        code="processing_error",
        advice_code="try_again_later",
    ),
    "card_velocity_exceeded": Decline(
        "Your card was declined for making repeated attempts too frequently or exceeding its "
        "amount limit."
    ),
}
# docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes
NOT_RETRYABLE = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
    }
)
