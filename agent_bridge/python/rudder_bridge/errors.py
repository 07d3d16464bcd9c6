"""What can go wrong."""

from __future__ import annotations

from typing import Any


class RudderError(Exception):
    """The server's answer was an error.

    ``code`` is one of section 7 of PROTOCOL.md, ``message`` a sentence for people, ``field`` the path of the field that
    was wrong (such as ``episodes[2].actions``) or None, ``details`` all that the server said.
    """

    def __init__(self, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.details = details or {}
        self.field: str | None = self.details.get("field")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class RudderTimeout(TimeoutError):
    """The server did not answer in time. The message names the address and what to check."""
