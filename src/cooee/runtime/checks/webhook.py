"""The webhook: whether the world reaches us."""

from __future__ import annotations

import secrets

from cooee.core.errors import ProviderFailure, SettingError
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import ASGI, Receive, Scope, Send, Transport
from cooee.net.http_server import serving
from cooee.providers import Provider
from cooee.runtime.checks import Finding


async def webhook(
    provider: Provider, public_url: str | None, host: str, port: int, transport: Transport
) -> Finding:
    """Call our own public address, and see whether it is we who answer.

    Where nothing listens on our port we answer ourselves meanwhile; else `/health` of what does
    has to be cooee's. It is called from here: a firewall may treat the world otherwise.
    """
    if public_url is None:
        return _unpushed(provider)
    if not provider.features.push:
        words = f"{provider.name} cannot push. Type: unset COOEE_PUBLIC_URL"
        return Finding("webhook", "wrong", words)
    word = secrets.token_hex(16)
    try:
        async with serving(_answering(word), host=host, port=port, grace=1) as found:
            return await _call(public_url, word, f"{host}:{found}", transport)
    except SettingError:
        return await _call(public_url, "", f"{host}:{port}", transport)


def _unpushed(provider: Provider) -> Finding:
    if provider.features.polling is None:
        words = f"{provider.name} cannot be read. Type: export COOEE_PUBLIC_URL=https://…"
        return Finding("webhook", "wrong", words)
    return Finding("webhook", "ok", "Texts are read: COOEE_PUBLIC_URL is not set.")


def _answering(word: str) -> ASGI:
    async def answer(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": word.encode()})

    return answer


async def _call(public_url: str, word: str, door: str, transport: Transport) -> Finding:
    request = Request(method="GET", url=f"{public_url}/health", safe=True)
    try:
        answer = await transport(request)
    except ProviderFailure as failure:
        return Finding(
            "webhook",
            "wrong",
            f"Nobody answers at {public_url}: {failure.message} Look at its name in DNS, its"
            f" certificate, the firewall, and the proxy that should hand on to {door}.",
        )
    if word and answer.body == word.encode():
        return Finding("webhook", "ok", f"{public_url} leads here.")
    if not word and _is_cooees(answer):
        return Finding("webhook", "ok", f"{public_url} leads to the cooee that runs on {door}.")
    who = f"What listens on {door} is no cooee" if not word else "It is not led here"
    return Finding(
        "webhook",
        "wrong",
        f"{public_url}/health answers {answer.status}, and not as cooee does. {who}: let the proxy"
        f" hand on every path below it to {door}, and COOEE_PORT be the port it hands on to.",
    )


def _is_cooees(answer: Response) -> bool:
    body = answer.json()
    return isinstance(body, dict) and {"status", "polling", "database"} <= body.keys()
