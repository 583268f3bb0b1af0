"""The JSON that the routes of events take, as the OpenAPI document shows it; `json_bodies` reads it."""

from pydantic import BaseModel, ConfigDict, Field

MOST_AT_ONCE = 200


class AcknowledgeBody(BaseModel):
    """`by` counts where nobody is signed in. `occurrence`: the news that the person has seen; 409 if there is newer."""

    model_config = ConfigDict(extra="forbid")

    by: str | None = Field("", max_length=80)
    remark: str | None = Field("", max_length=500)
    occurrence: int | None = Field(None, ge=1, le=2**31 - 1)


class AcknowledgeAllBody(BaseModel):
    """`occurrences`: by event the news that the person has seen; an event with newer news is not acknowledged."""

    model_config = ConfigDict(extra="forbid")

    event_ids: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)
    occurrences: dict[str, int] | None = None
    by: str | None = Field("", max_length=80)
    remark: str | None = Field("", max_length=500)


class NothingBody(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")
