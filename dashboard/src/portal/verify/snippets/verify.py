import base64
import binascii
import hashlib
import hmac
import time

TOLERANCE_S = 300


def verify(headers, body: bytes, secret: str) -> bool:
    """Whether a request is genuine and at most five minutes old.

    headers: a mapping whose names are in lower case, or that ignores the case
    body: as it arrived, before it was parsed
    secret: whsec_...
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False

    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = hmac.new(key, signed, hashlib.sha256).digest()
    # After the secret was replaced there are several signatures; one must be right.
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        try:
            given = base64.b64decode(value)
        except binascii.Error:
            continue
        if version == "v1" and hmac.compare_digest(given, expected):
            return True
    return False
