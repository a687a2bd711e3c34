"""Verification of webhooks of the contract `standard` (https://www.standardwebhooks.com), for receivers."""

from collections.abc import Iterable, Mapping
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

__all__ = ["VerificationError", "verify"]

VerificationError = WebhookVerificationError


def verify(body: bytes | str, headers: Mapping[str, str], secrets: str | Iterable[str]) -> Any:
    """Returns the parsed body of a request whose signature is valid and not older than five minutes.

    :param body: exactly as received, not parsed and written again
    :param headers: of the request; upper and lower case are the same
    :param secrets: the subscription's secret (`whsec_…`); several while it is being rotated
    :raises VerificationError: when no secret fits, a header is missing, or the request is too old
    """
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    if not known:
        raise ValueError("verify needs at least one secret")
    lower = {name.lower(): value for name, value in headers.items()}
    for secret in known[:-1]:
        try:
            return Webhook(secret).verify(body, lower)
        except VerificationError:
            continue
    return Webhook(known[-1]).verify(body, lower)
