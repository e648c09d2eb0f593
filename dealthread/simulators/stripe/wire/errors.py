"""Stripe's error shapes: type, code, param, message, doc_url, with their HTTP status.

Source: docs.stripe.com/api/errors and docs.stripe.com/error-codes. A refusal that is ours alone
(the vendor may know the thing, this simulator does not carry it) has the code
`simulator_unsupported`, so that nobody takes it for a rule of the vendor.
"""

from __future__ import annotations

from typing import Any

from dealthread.simulators.stripe.payments.card_declines import DECLINES

UNSUPPORTED = "simulator_unsupported"
_DOC_URL = "https://docs.stripe.com/error-codes#"


class StripeError(Exception):
    """An answer in Stripe's error shape.

    `is_validation` marks refusals raised before an endpoint begins to execute: no idempotent result
    is saved for them (docs.stripe.com/api/idempotent_requests).
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        is_validation: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra or {}
        self.headers = headers or {}
        self.is_validation = is_validation

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """The JSON answer."""
        error: dict[str, Any] = {}
        if self.code is not None:
            error["code"] = self.code
            if self.code != UNSUPPORTED:
                error["doc_url"] = _DOC_URL + self.code.replace("_", "-")
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        error.update(self.extra)
        if request_id is not None:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        error["type"] = self.kind
        return {"error": error}

    @classmethod
    def invalid(
        cls, message: str, *, code: str | None = None, param: str | None = None
    ) -> StripeError:
        """A parameter that fails validation: 400, nothing saved under the idempotency key."""
        return cls(
            400, "invalid_request_error", message, code=code, param=param, is_validation=True
        )

    @classmethod
    def refused(
        cls, message: str, *, code: str | None = None, param: str | None = None
    ) -> StripeError:
        """A well-formed request the state of the account does not allow: 400."""
        return cls(400, "invalid_request_error", message, code=code, param=param)

    @classmethod
    def unknown_parameters(cls, names: list[str]) -> StripeError:
        """Parameters no such operation has."""
        word = "parameter" if len(names) == 1 else "parameters"
        message = f"Received unknown {word}: {', '.join(names)}"
        return cls.invalid(message, code="parameter_unknown", param=names[0])

    @classmethod
    def missing(cls, name: str) -> StripeError:
        """A required parameter that was not sent."""
        message = f"Missing required param: {name}."
        return cls.invalid(message, code="parameter_missing", param=name)

    @classmethod
    def unsupported(cls, what: str, *, param: str | None = None) -> StripeError:
        """Stripe may know it; this simulator does not carry it and invents no answer."""
        message = f"Not carried by this simulator: {what}"
        return cls.invalid(message, code=UNSUPPORTED, param=param)

    @classmethod
    def no_such(cls, kind: str, object_id: str, *, param: str = "id") -> StripeError:
        """An id that names nothing: 404 in the path, 400 in a parameter."""
        status = 404 if param == "id" else 400
        message = f"No such {kind}: '{object_id}'"
        return cls(status, "invalid_request_error", message, code="resource_missing", param=param)

    @classmethod
    def card_declined(
        cls, decline_code: str, *, evidence: dict[str, Any] | None = None
    ) -> StripeError:
        """The issuer refuses the charge: 402. `evidence`: the payment intent and its charge."""
        decline = DECLINES[decline_code]
        extra = {"decline_code": decline_code, **(evidence or {})}
        if decline.advice_code is not None:
            extra["advice_code"] = decline.advice_code
        return cls(
            402, "card_error", decline.message, code=decline.code, param=decline.param, extra=extra
        )
