"""Checks that the provider can reach our webhooks."""

from __future__ import annotations

import secrets

from cooee.core.errors import ProviderFailure, SettingError
from cooee.core.http_messages import Request, Response
from cooee.net.asgi import write_response
from cooee.net.http_client import ASGIApp, Receive, Scope, Send, Transport
from cooee.net.http_server import serve_app
from cooee.providers import Provider
from cooee.runtime.checks import Finding


async def check_webhook(
    provider: Provider, public_url: str | None, host: str, port: int, transport: Transport
) -> Finding:
    """Call our own public URL, and check that cooee answers.

    Where nothing listens on our port, a server of the check listens meanwhile; else `/health` of
    the server that listens has to be cooee's. The call comes from this machine: a firewall may
    treat the provider's calls otherwise.
    """
    if public_url is None:
        return _polling_finding(provider)
    if not provider.features.push:
        problem = f"{provider.name} cannot push. Type: unset COOEE_PUBLIC_URL"
        return Finding("webhook", "wrong", problem)
    token = secrets.token_hex(16)
    try:
        async with serve_app(_token_app(token), host=host, port=port, grace=1) as bound_port:
            return await _call_public_url(public_url, token, f"{host}:{bound_port}", transport)
    except SettingError:
        return await _call_public_url(public_url, "", f"{host}:{port}", transport)


def _polling_finding(provider: Provider) -> Finding:
    if provider.features.polling is None:
        problem = f"{provider.name} cannot be read. Type: export COOEE_PUBLIC_URL=https://…"
        return Finding("webhook", "wrong", problem)
    return Finding("webhook", "ok", "Texts are read: COOEE_PUBLIC_URL is not set.")


def _token_app(token: str) -> ASGIApp:
    async def answer(_: Scope, __: Receive, send: Send) -> None:
        plain = {"content-type": "text/plain"}
        await write_response(send, Response(status=200, headers=plain, body=token.encode()))

    return answer


async def _call_public_url(
    public_url: str, token: str, local_address: str, transport: Transport
) -> Finding:
    request = Request(method="GET", url=f"{public_url}/health", safe=True)
    try:
        response = await transport(request)
    except ProviderFailure as failure:
        return Finding(
            "webhook",
            "wrong",
            f"Nobody answers at {public_url}: {failure.message} Look at its name in DNS, its"
            f" certificate, the firewall, and the proxy that should hand on to {local_address}.",
        )
    if token and response.body == token.encode():
        return Finding("webhook", "ok", f"{public_url} leads here.")
    if not token and _is_cooee_health(response):
        return Finding(
            "webhook", "ok", f"{public_url} leads to the cooee that runs on {local_address}."
        )
    reason = f"What listens on {local_address} is no cooee" if not token else "It is not led here"
    return Finding(
        "webhook",
        "wrong",
        f"{public_url}/health answers {response.status}, and not as cooee does. {reason}: let the"
        f" proxy hand on every path below it to {local_address}, and COOEE_PORT be the port it"
        " hands on to.",
    )


def _is_cooee_health(response: Response) -> bool:
    body = response.json()
    return isinstance(body, dict) and {"status", "polling", "database"} <= body.keys()
