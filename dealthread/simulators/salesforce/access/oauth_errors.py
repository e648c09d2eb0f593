"""How the token endpoint refuses (RFC 6749 §5.2)."""

from __future__ import annotations


class OAuthRefused(Exception):
    """`{"error", "error_description"}`, status 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}
