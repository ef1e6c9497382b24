"""The ASGI app of a process without the role web: /health, and nothing else."""

from __future__ import annotations

from cooee.core.http_messages import Response
from cooee.net.asgi import write_response
from cooee.net.http_client import ASGIApp, Receive, Scope, Send


def health_only(endpoints: ASGIApp) -> ASGIApp:
    """Return an ASGI app that answers /health as `endpoints` does, and 404 elsewhere."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].endswith("/health"):
            plain = {"content-type": "text/plain"}
            await write_response(send, Response(status=404, headers=plain, body=b"not here"))
        else:
            await endpoints(scope, receive, send)

    return answer
