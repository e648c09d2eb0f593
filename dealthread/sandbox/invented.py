"""Customers that nobody has, a new one for each number: same terms as the worked ones."""

from __future__ import annotations

from dataclasses import replace

from dealthread.sandbox.records import Customer, Place
from dealthread.sandbox.worked_deals import K1, K2, K3, K4, NORDWERK_HOLDING

_FIRST = (
    "Alderline Birchmoor Cinderford Dovemont Elkwater Fernhollow Galeport Hazelwick Ironvale "
    "Juniper Kestrelby Larkmoor Millbrae Northgate Oakhaven Pinecrest Quarrydale Rivermeet "
    "Saltmarsh Thornbury Underhill Vinecourt Westerley Yarrowfield Amberlode Brightsea Coldspring "
    "Driftwell Eastmere Foxglove Granitepeak Highmoor Inkwell Jasperton Kingsferry Longacre"
).split()
_SECOND = "Freight Tooling Foods Textiles Optics Ceramics Paper Robotics Timber Glass Pumps".split()
PORTLAND_ZIP = 97201
"""First ZIP code of Portland, Oregon: a state without a registration of the seller."""

_SLOTS = 8
"""Customers that one run of the demonstration may invent."""


class InventedCustomers:
    """The customers of one run. A slot is always the same customer in the same run."""

    def __init__(self, run: int) -> None:
        self._run = run

    def texan(self, slot: int) -> Customer:
        """As K1: Austin, pays by card."""
        return self._like(K1, slot, "LLC")

    def german(self, slot: int) -> Customer:
        """As K2: Hamburg, with a VAT identifier, under a holding."""
        name, _ = self._name(slot)
        holding = replace(
            self._like(NORDWERK_HOLDING, slot, "Holding AG"),
            tax_id=german_vat_id(2 * self._number(slot)),
        )
        customer = self._like(K2, slot, "Werke GmbH")
        return replace(
            customer,
            name=f"{name} Werke GmbH",
            tax_id=german_vat_id(2 * self._number(slot) + 1),
            parent=replace(holding, number=f"{holding.number}P", domain=f"group.{holding.domain}"),
        )

    def briton(self, slot: int) -> Customer:
        """As K3: Leeds, with a VAT identifier, pays by card."""
        return replace(self._like(K3, slot, "Ltd"), tax_id=british_vat_id(self._number(slot)))

    def new_yorker(self, slot: int) -> Customer:
        """As K4: New York City, 30 days."""
        return self._like(K4, slot, "Inc.")

    def oregonian(self, slot: int) -> Customer:
        """Portland: no nexus, no tax, 30 days."""
        name, domain = self._name(slot)
        number = self._number(slot)
        place = Place(f"{100 + number} Tide St", "Portland", str(PORTLAND_ZIP), "US", "OR")
        return Customer(self._code(slot), f"{name} Corp.", place, domain, "USD")

    def _like(self, model: Customer, slot: int, form: str) -> Customer:
        name, domain = self._name(slot)
        street = f"{200 + self._number(slot)} {model.place.street.lstrip('0123456789 ')}"
        return replace(
            model,
            number=self._code(slot),
            name=f"{name} {form}",
            domain=domain,
            place=replace(model.place, street=street),
        )

    def _name(self, slot: int) -> tuple[str, str]:
        """Name and domain; no two of the first thousands are alike."""
        rest, first = divmod(self._number(slot), len(_FIRST))
        series, shift = divmod(rest, len(_SECOND))
        second = (shift + first) % len(_SECOND)
        words = [_FIRST[first], _SECOND[second]] + ([str(series + 1)] if series else [])
        return " ".join(words), "-".join(words).lower() + ".example"

    def _code(self, slot: int) -> str:
        return f"DEMO-{self._run}-{slot}"

    def _number(self, slot: int) -> int:
        return self._run * _SLOTS + slot


def german_vat_id(number: int) -> str:
    """A VAT identifier of the right form with a right check digit (ISO 7064, MOD 11,10).

    It begins with 98: not a number range known to be issued, and nobody's as far as we know.
    """
    digits = f"98{number % 1_000_000:06d}"
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    check = 11 - product
    return f"DE{digits}{0 if check == 10 else check}"


def british_vat_id(number: int) -> str:
    """A VAT identifier of the right form with right check digits (weights 8 to 2, modulus 97).

    It begins with 19, as the published samples do: nobody's as far as we know.
    """
    digits = f"19{number % 100_000:05d}"
    weighted = sum(
        int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=True)
    )
    return f"GB{digits}{-weighted % 97:02d}"
