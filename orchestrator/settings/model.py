"""The section `[model]` of hub.toml."""

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from orchestrator.settings.section import Section, secret


class Model(Section):
    """Which model, and how it is asked."""

    url: str = "embedded:"
    threshold: float = Field(0.5, ge=0, le=1)
    caution: float = Field(0.05, ge=0, le=1)
    threads: int = Field(0, ge=0, le=64)
    deadline: float = Field(30, gt=0, allow_inf_nan=False)
    precision: Literal["int8", "bf16"] = "int8"
    parallel: bool = False
    prompt: str = ""
    weights: str = ""
    key_file: str = ""
    timeout: float = Field(5, gt=0, allow_inf_nan=False)

    @field_validator("url")
    @classmethod
    def _is_a_kind(cls, url: str) -> str:
        """Keys have a file of their own, so none stands in an address."""
        parts = urlsplit(url)
        server = url.startswith(("http://", "https://")) and bool(parts.hostname)
        server = server and "@" not in parts.netloc and not parts.query
        named = re.fullmatch(r"hf:[\w.-]+/[\w.-]+(@[\w./-]+)?", url)
        if not (url == "embedded:" or server or named or url.startswith(("/", "~"))):
            raise ValueError(
                "must be embedded:, hf:ORGANISATION/NAME, /a/folder, or http://host:port/v1"
            )
        return url

    @field_validator("prompt")
    @classmethod
    def _has_a_query(cls, prompt: str) -> str:
        if prompt and prompt.count("{query}") != 1:
            raise ValueError("must hold {query} once, where the sentence goes")
        return prompt

    @model_validator(mode="after")
    def _leaves_time_for_the_embedded(self) -> Self:
        """A server is asked three times at most, then the embedded weights answer."""
        if self.on_server and self.deadline < 4 * self.timeout:
            raise ValueError("timeout must be no more than a quarter of deadline")
        return self

    @property
    def on_server(self) -> bool:
        """Whether the weights are a server's."""
        return self.url.startswith(("http://", "https://"))

    def key(self) -> str | None:
        """The server's key."""
        return secret(self.key_file, "model.key_file")
