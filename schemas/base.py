"""What every value has in common."""

from pydantic import BaseModel, ConfigDict

Scalar = str | int | float | bool
"""What an argument or a result may be once it is canonical."""


class Value(BaseModel):
    """A frozen, strict value; unknown fields are refused."""

    # What is wrong with a value is logged, and the value itself may be private.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)
