"""`cooee webhook`: shows the URL for the provider's calls, and rotates its secret."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli.open_store import open_configured_store
from cooee.core.errors import SettingError

if TYPE_CHECKING:
    from cooee.storage import Store

_SHOWN_CHARS = 4  # letters of a masked word, enough to tell two apart


def webhook(
    *,
    show: Annotated[
        bool, typer.Option("--show", help="The whole URL; who has it can pose as the provider.")
    ] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new one; the old one stays good for now.")
    ] = False,
    retire: Annotated[
        bool, typer.Option("--retire", help="Let only the newest be good, from now on.")
    ] = False,
) -> None:
    """Show the URL of the provider's calls.

    The URL's path has a secret that cooee made and keeps. Where the secret has become known,
    --rotate makes a new one: a running app has the provider call the new URL within seconds, and
    both are good until --retire. Wait a few days before you retire the old one, since receipts of
    earlier texts still come there.
    """
    if rotate and retire:
        raise SettingError("One after the other: --rotate now, --retire in a few days.")
    asyncio.run(_manage_webhook(show=show, rotate=rotate, retire=retire))


async def _manage_webhook(*, show: bool, rotate: bool, retire: bool) -> None:
    from cooee.runtime.web.webhook_urls import WEBHOOK_SECRET_NAME

    async with open_configured_store() as store:
        if rotate and not await store.rotate_secret(WEBHOOK_SECRET_NAME):
            message = "There are two already. Retire the old one first: cooee webhook --retire"
            raise SettingError(message)
        if retire and not await store.retire_secret(WEBHOOK_SECRET_NAME):
            raise SettingError("There is only one. To make another: cooee webhook --rotate")
        print("\n".join(await _webhook_lines(store, show=show)))
        if rotate:
            print("A running app has the provider call the new one within seconds.")


async def _webhook_lines(store: Store, *, show: bool) -> Sequence[str]:
    from cooee.runtime.settings import read_setting
    from cooee.runtime.web.webhook_urls import WEBHOOK_SECRET_NAME, make_webhook_base_url

    public_url = read_setting(os.environ, "COOEE_PUBLIC_URL").rstrip("/")
    provider = read_setting(os.environ, "COOEE_PROVIDER")
    webhook_secrets = await store.secrets(WEBHOOK_SECRET_NAME)
    shown = [word if show else f"{word[:_SHOWN_CHARS]}…" for word in webhook_secrets]
    urls = [
        make_webhook_base_url(public_url or "https://YOUR-ADDRESS", provider, word)
        for word in shown
    ]
    lines = [f"{name}  {url}/" for name, url in zip(("good", "old "), urls, strict=False)]
    if not show:
        lines.append("To see it whole: cooee webhook --show")
    if not public_url:
        lines.append("Texts are read. To have them pushed: export COOEE_PUBLIC_URL=https://…")
    return lines
