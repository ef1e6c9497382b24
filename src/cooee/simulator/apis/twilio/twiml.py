"""TwiML: what a customer's answer to a text asks Twilio to do."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec

from cooee.core.http_messages import Response

_XML = ("text/xml", "application/xml", "text/html")


class Saying(msgspec.Struct, frozen=True):
    """A ``<Message>``: words and media to send, to whom, and where its news goes."""

    body: str
    media: tuple[str, ...] = ()
    to: str = ""
    callback: str = ""


def sayings(answer: Response) -> list[Saying]:
    """The texts that an answer asks for, in order; plain text is one.

    Raises:
        ValueError: it is no TwiML (Twilio's error 12100).
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.body.strip():
        return []
    if kind == "text/plain":
        return [Saying(answer.body.decode(errors="replace"))]
    if kind not in _XML:
        raise ValueError(f"12300: {kind or 'nothing'} is no content type of TwiML")
    try:
        root = ET.fromstring(answer.body)  # noqa: S314 -- from our own app, on this machine
    except ET.ParseError as error:
        raise ValueError(f"12100: {error}") from error
    if root.tag != "Response":
        raise ValueError(f"12100: the document is a {root.tag}, not a Response")
    return [_saying(each) for each in root if each.tag in {"Message", "Sms"}]


def _saying(verb: ET.Element) -> Saying:
    nested = [part.text or "" for part in verb.iter("Body")]
    return Saying(
        body="".join(nested) if nested else (verb.text or "").strip(),
        media=tuple((part.text or "").strip() for part in verb.iter("Media")),
        to=verb.get("to", ""),
        callback=verb.get("statusCallback") or verb.get("action") or "",
    )
