"""Why an order of a change is not carried out."""

from __future__ import annotations

from dealthread.domain.base import Carried


class OrderRefusal(Carried):
    """One reason: a code, the order's field, and what to do about it."""

    code: str
    field: str
    action: str


class OrderRefused(ValueError):
    """An order that cannot be carried out on this version of the contract."""

    def __init__(self, code: str, field: str, action: str) -> None:
        super().__init__(f"{field}: {code}: {action}")
        self.code = code
        self.field = field
        self.action = action

    @classmethod
    def because(cls, refusal: OrderRefusal) -> OrderRefused:
        """The error of a reason."""
        return cls(refusal.code, refusal.field, refusal.action)

    @property
    def refusal(self) -> OrderRefusal:
        """The reason as a value."""
        return OrderRefusal(code=self.code, field=self.field, action=self.action)
