"""`cooee carrier`: a mobile network in a box, on a port of this machine."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from cooee.cli.commands.run import log
from cooee.cli.shutdown import until_told


def carrier(
    *,
    port: Annotated[int, typer.Option(help="On loopback only; 0 is any.", min=0, max=65535)] = 8400,
    virtual_clock: Annotated[
        bool,
        typer.Option("--virtual-clock", help="Time stands still; POST /box/clock moves it."),
    ] = False,
    client_id: Annotated[
        str | None, typer.Option(help="The only client id to accept; any by default.")
    ] = None,
    client_secret: Annotated[
        str | None, typer.Option(help="The only secret to accept: a made-up one, for the box.")
    ] = None,
    delay: Annotated[
        float, typer.Option(help="Seconds that a text takes.", min=0, max=86_400)
    ] = 0.0,
) -> None:
    """Run a mobile network in a box.

    It has the providers' HTTP APIs, and phones to text with.

    A program that speaks a provider's API talks to the box when only its base URL is changed.
    Phones text through POST /box/phones/NUMBER/texts, and nothing leaves this machine.
    """
    log(logging.WARNING, private=True)
    until_told(
        lambda leave: _serve(
            leave,
            port=port,
            virtual_clock=virtual_clock,
            client_id=client_id,
            client_secret=client_secret,
            delay=delay,
        )
    )


async def _serve(
    leave: asyncio.Event,
    *,
    port: int,
    virtual_clock: bool,
    client_id: str | None,
    client_secret: str | None,
    delay: float,
) -> None:
    from cooee.clocks.clock import RealClock, VirtualClock
    from cooee.simulator import box

    async with box(
        VirtualClock() if virtual_clock else RealClock(),
        port=port,
        delay=delay,
        client_id=client_id,
        client_secret=client_secret,
    ) as (carrier, found):
        base = f"http://127.0.0.1:{found}"
        faces = {face.name: base + face.prefix for face in carrier.faces}
        keys = client_id or "any", client_secret or "any"
        print("\n".join(_card(base, faces, keys)), flush=True)
        await leave.wait()


def _card(base: str, faces: dict[str, str], keys: tuple[str, str]) -> list[str]:
    width = max(map(len, [*faces, "the box itself"]))
    phone, words = (
        f"{base}/box/phones/+61491570156/texts",
        '{"to": "+61491570006", "text": "START"}',
    )
    return [
        "The box is open. Ctrl-C closes it.",
        *(f"  {name:<{width}}  {url}/" for name, url in faces.items()),
        f"  {'the box itself':<{width}}  {base}/box/",
        "For an app that is to run on it:",
        *_exports(faces, keys),
        "Text it from a phone:",
        f"  curl {phone} -d '{words}'",
        f"  curl {phone}",
    ]


def _exports(faces: dict[str, str], keys: tuple[str, str]) -> list[str]:
    from cooee.providers import find, names

    known = [name for name in ("telstra-v2", *names()) if name in faces][:1]
    lines = [f"  export COOEE_PROVIDER={name}" for name in known]
    given = iter(keys)
    for name in known:
        for setting in find(name).settings:
            is_base = setting.name.endswith("_BASE_URL")
            lines.append(f"  export {setting.name}={faces[name] if is_base else next(given)}")
    return lines
