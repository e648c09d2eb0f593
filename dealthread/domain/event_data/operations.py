"""Data of events about the connections to vendors: of no contract."""

from __future__ import annotations

from pydantic import AwareDatetime

from dealthread.domain.event_data.base import EventData


class OfOutage(EventData):
    """About one outage of a vendor, or of one account of it ("" for all of it)."""

    incident: str
    vendor: str
    account: str
    opened_at: AwareDatetime


class CircuitOpened(OfOutage):
    """Work for the vendor is held back; `probed`: until it answers, else until a person says so."""

    reason: str
    probed: bool


class CircuitClosed(OfOutage):
    """Work flows again."""

    closed_at: AwareDatetime
