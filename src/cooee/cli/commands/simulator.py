"""`cooee simulator`: a simulated mobile network with the providers' APIs, on a local port."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from cooee.cli.log_setup import configure_logging
from cooee.cli.shutdown import run_until_signal

_PHONE, _FIRST_NUMBER = "+61491570156", "+61491570006"


def simulator(
    *,
    port: Annotated[int, typer.Option(help="On loopback only; 0 is any.", min=0, max=65535)] = 8400,
    virtual_clock: Annotated[
        bool,
        typer.Option("--virtual-clock", help="Time stands still; POST /control/clock moves it."),
    ] = False,
    client_id: Annotated[
        str | None, typer.Option(help="The only client id to accept; any by default.")
    ] = None,
    client_secret: Annotated[
        str | None, typer.Option(help="The only client secret to accept, a made-up one.")
    ] = None,
    delay: Annotated[
        float, typer.Option(help="Seconds that a text takes.", min=0, max=86_400)
    ] = 0.0,
) -> None:
    """Run a simulated mobile network, with the providers' HTTP APIs and phones to text with.

    A program that speaks a provider's API calls the simulator when only its base URL is changed.
    Phones text through POST /control/phones/NUMBER/texts, and nothing leaves this machine.
    """
    configure_logging(logging.WARNING, private=True)
    run_until_signal(
        lambda stop: _serve_simulator(
            stop,
            port=port,
            virtual_clock=virtual_clock,
            client_id=client_id,
            client_secret=client_secret,
            delay=delay,
        )
    )


async def _serve_simulator(
    stop: asyncio.Event,
    *,
    port: int,
    virtual_clock: bool,
    client_id: str | None,
    client_secret: str | None,
    delay: float,
) -> None:
    from cooee.clocks.clock import RealClock, VirtualClock
    from cooee.simulator import run_simulator

    async with run_simulator(
        VirtualClock() if virtual_clock else RealClock(),
        port=port,
        delay=delay,
        client_id=client_id,
        client_secret=client_secret,
    ) as (running, bound_port):
        base_url = f"http://127.0.0.1:{bound_port}"
        prefixes = {api.name: api.prefix for api in running.apis}
        lines = _banner_lines(base_url, prefixes, client_id or "any", client_secret or "any")
        print("\n".join(lines), flush=True)
        await stop.wait()


def _banner_lines(
    base_url: str, prefixes: dict[str, str], client_id: str, client_secret: str
) -> list[str]:
    """Return the lines with each API, its settings, and how a phone texts."""
    width = max(map(len, [*prefixes, "control interface"]))
    texts_url = f"{base_url}/control/phones/{_PHONE}/texts"
    settings_lines = [
        line
        for name in prefixes
        for line in _settings_lines(name, base_url, client_id, client_secret)
    ]
    return [
        "The simulator is running. Ctrl-C ends it.",
        *(f"  {name:<{width}}  {base_url}{prefix}/" for name, prefix in prefixes.items()),
        f"  {'control interface':<{width}}  {base_url}/control/",
        "The settings of an app that is to run on it, for one of the providers:",
        *settings_lines,
        "A phone texts the app, and shows what came:",
        f'  curl {texts_url} -d \'{{"to": "{_FIRST_NUMBER}", "text": "START"}}\'',
        f"  curl {texts_url}",
    ]


def _settings_lines(name: str, base_url: str, client_id: str, client_secret: str) -> list[str]:
    from cooee.providers.simulator import simulator_settings

    # Only Telstra's APIs were given a secret by the options; Twilio's and ours accept any.
    credential = client_secret if name.startswith("telstra") else "any"
    settings = simulator_settings(name, base_url, client_id=client_id, credential=credential)
    pairs = {"COOEE_PROVIDER": name, **settings}
    return ["", *(f"  export {key}={value}" for key, value in pairs.items())]
