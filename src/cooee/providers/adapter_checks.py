"""The checks of every adapter: a text's length, and a webhook's path and method."""

from __future__ import annotations

from cooee.core.errors import PermanentFailure, RequestRefused
from cooee.core.http_messages import Request
from cooee.core.messages import Outbound


def check_text_length(outbound: Outbound, max_text: int, provider: str, *, code: str) -> None:
    """Check a text's length, before any request; `code` is the provider's own.

    Raises:
        PermanentFailure: it has more than `max_text` characters.
    """
    if len(outbound.text) > max_text:
        raise PermanentFailure(
            f"The text has {len(outbound.text)} characters; {provider} takes {max_text}.",
            code=code,
            hint="Split it.",
        )


def parse_webhook_path(
    request: Request, subpath: str, provider: str, *, inbound_path: str
) -> tuple[str, str]:
    """Return the kind of a push ("text" or "status", say), and the name behind the kind.

    Args:
        request: the push.
        subpath: its path below our webhook URL.
        provider: the provider's name, for the message.
        inbound_path: the path of texts: a kind, or a kind and a name, such as ``"reply/…"``.

    Raises:
        RequestRefused: the path is neither that of texts nor ``status/…``, or it is no POST.
    """
    kind, _, name = subpath.partition("/")
    inbound_kind, has_name, _ = inbound_path.partition("/")
    if kind not in (inbound_kind, "status") or (kind == inbound_kind and name and not has_name):
        raise RequestRefused(f"{provider} pushes to {inbound_path} and status/… only.", 404)
    if request.method != "POST":
        raise RequestRefused(f"{provider} pushes by POST.", 405)
    return kind, name
