"""`cooee simulator`: a simulated mobile network, on a port of this machine."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from cooee.cli.commands.run import configure_logging
from cooee.cli.shutdown import run_until_signal


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
        str | None,
        typer.Option(help="The only secret to accept: a made-up one, for the simulator."),
    ] = None,
    delay: Annotated[
        float, typer.Option(help="Seconds that a text takes.", min=0, max=86_400)
    ] = 0.0,
) -> None:
    """Run a simulated mobile network.

    It has the providers' HTTP APIs, and phones to text with.

    A program that speaks a provider's API talks to the simulator when only its base URL is changed.
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
        base = f"http://127.0.0.1:{bound_port}"
        api_urls = {api.name: base + api.prefix for api in running.apis}
        credentials = client_id or "any", client_secret or "any"
        print("\n".join(_banner_lines(base, api_urls, credentials)), flush=True)
        await stop.wait()


def _banner_lines(base: str, api_urls: dict[str, str], credentials: tuple[str, str]) -> list[str]:
    width = max(map(len, [*api_urls, "control interface"]))
    phone, body = (
        f"{base}/control/phones/+61491570156/texts",
        '{"to": "+61491570006", "text": "START"}',
    )
    return [
        "The simulator is open. Ctrl-C closes it.",
        *(f"  {name:<{width}}  {url}/" for name, url in api_urls.items()),
        f"  {'control interface':<{width}}  {base}/control/",
        "For an app that is to run on it:",
        *_export_lines(api_urls, credentials),
        "Text it from a phone:",
        f"  curl {phone} -d '{body}'",
        f"  curl {phone}",
    ]


def _export_lines(api_urls: dict[str, str], credentials: tuple[str, str]) -> list[str]:
    from cooee.providers import find_provider, provider_names

    shown = [name for name in ("telstra-v2", *provider_names()) if name in api_urls][:1]
    lines = [f"  export COOEE_PROVIDER={name}" for name in shown]
    remaining_keys = iter(credentials)
    for name in shown:
        for setting in find_provider(name).settings:
            is_base = setting.name.endswith("_BASE_URL")
            lines.append(
                f"  export {setting.name}={api_urls[name] if is_base else next(remaining_keys)}"
            )
    return lines
