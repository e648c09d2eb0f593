"""Money and unit prices: exact decimals that always carry their currency.

Amounts are in major units ("12.30" USD). A `Money` has exactly the number of decimals that
ISO 4217 gives its currency; a wrong scale is refused, never rounded silently. Rounding is an
explicit act (`Money.rounded`). Binary floats are refused everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

# ISO 4217 minor units of the currencies we accept. A currency that is not here is refused:
# guessing an exponent would misplace a decimal point.
EXPONENTS: dict[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(
        (
            "AED AUD BGN BRL CAD CHF CNY CZK DKK EGP EUR GBP HKD HUF IDR ILS INR MXN MYR NOK NZD "
            "PHP PLN RON SAR SEK SGD THB TRY TWD UAH USD ZAR"
        ).split(),
        2,
    ),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}

UNIT_PRICE_PLACES = 12
"""Most decimals of a unit price; the database column is numeric(38,12)."""
_WHOLE_DIGITS = 26
"""Most digits before the point, by the same column."""
_EXACT = Context(prec=120)
"""Wide enough for any product of two columns: nothing is rounded but by an explicit act. The
thread's own context has 28 digits."""


def _refuse_float(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("a binary float is not money: send the amount as a string")
    if isinstance(value, bool):
        raise ValueError("a truth value is not a number")
    if isinstance(value, str):
        # Python alone reads 1_000 and the digits of other scripts.
        if "_" in value or not value.isascii():
            raise ValueError("not a decimal number")
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise ValueError("not a decimal number") from None
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError("not a finite number")
    if isinstance(value, Decimal) and not value:
        return value.copy_abs()  # -0.00 is 0.00, also in JSON and in hashes of requests
    return value


def _refuse_too_long(amount: Decimal) -> None:
    if amount and amount.adjusted() >= _WHOLE_DIGITS:
        raise ValueError(f"more than {_WHOLE_DIGITS} digits before the point")


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError(f"unknown currency {code!r}: an ISO 4217 code in capitals is needed")
    return code


ExactDecimal = Annotated[Decimal, BeforeValidator(_refuse_float)]
CurrencyCode = Annotated[str, AfterValidator(_known_currency)]


class Money(BaseModel):
    """An amount of one currency, at exactly that currency's number of decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: ExactDecimal
    currency: CurrencyCode

    @model_validator(mode="after")
    def _exact_scale(self) -> Money:
        _refuse_too_long(self.amount)
        places = EXPONENTS[self.currency]
        if -int(self.amount.as_tuple().exponent) != places:
            raise ValueError(
                f"{self.currency} has {places} decimals: {self.amount} has another scale"
            )
        return self

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """Build from a number whose value fits the currency; missing zeros are added.

        Raises ValueError when a digit would be lost.
        """
        value = Decimal(_refuse_float(amount))
        _refuse_too_long(value)
        places = EXPONENTS[_known_currency(currency)]
        exact = value.quantize(Decimal(1).scaleb(-places), context=_EXACT)
        if exact != value:
            raise ValueError(f"{currency} has {places} decimals: {value} does not fit")
        return cls(amount=exact, currency=currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Money:
        """Round to the currency's decimals, half up unless told otherwise."""
        value = Decimal(_refuse_float(amount))
        _refuse_too_long(value)
        places = EXPONENTS[_known_currency(currency)]
        return cls(
            amount=value.quantize(Decimal(1).scaleb(-places), rounding, _EXACT),
            currency=currency,
        )

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in this currency."""
        return _zero(currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """Sum of the parts; a part in another currency is refused."""
        zero = cls.zero(currency)
        amount = zero.amount
        for part in parts:
            zero._same(part)
            amount = _EXACT.add(amount, part.amount)
        return _made(amount, currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        """Build from minor units (cents), as billing systems send them."""
        code = _known_currency(currency.upper())
        return _made(Decimal(minor).scaleb(-EXPONENTS[code], _EXACT), code)

    def to_minor(self) -> int:
        """The amount in minor units (cents)."""
        return int(self.amount.scaleb(EXPONENTS[self.currency], _EXACT))

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return _made(_EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return _made(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        return _made(_EXACT.minus(self.amount), self.currency)

    def __abs__(self) -> Money:
        return _made(self.amount.copy_abs(), self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount:,} {self.currency}"


def _made(amount: Decimal, currency: str) -> Money:
    """The result of arithmetic on checked money: its scale is right, its size is looked at."""
    _refuse_too_long(amount)
    return Money.model_construct(amount=amount, currency=currency)


@cache
def _zero(currency: str) -> Money:
    return Money.of(0, currency)


class UnitPrice(BaseModel):
    """A price for one unit: up to 12 decimals, trailing zeros without meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: ExactDecimal
    currency: CurrencyCode

    @model_validator(mode="after")
    def _fits(self) -> UnitPrice:
        _refuse_too_long(self.amount)
        if -int(self.amount.as_tuple().exponent) > UNIT_PRICE_PLACES:
            raise ValueError(f"a unit price has at most {UNIT_PRICE_PLACES} decimals")
        return self

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> UnitPrice:
        """Build from a decimal, an integer or a string."""
        return cls(amount=Decimal(_refuse_float(amount)), currency=currency)

    def times(self, quantity: Decimal, rounding: str = ROUND_HALF_UP) -> Money:
        """Price of a quantity, rounded once, half up unless told otherwise."""
        return Money.rounded(_EXACT.multiply(self.amount, quantity), self.currency, rounding)

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"
