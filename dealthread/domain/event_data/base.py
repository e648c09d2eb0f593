"""What every event's data shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Amount = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class EventData(BaseModel):
    """Base. A producer may say nothing that is not declared; consumers ignore what they do not
    know, since fields are added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def told(self) -> dict[str, JsonValue]:
        """As the event carries it; what was not given is left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class OfContract(EventData):
    """About one contract."""

    contract_key: str
