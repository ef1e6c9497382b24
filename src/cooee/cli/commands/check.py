"""`cooee check`: finds an app's faults before the app runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cooee.cli.load_app import import_app
from cooee.cli.output import show_json, show_table
from cooee.core.app.app import App
from cooee.core.errors import CooeeError, SettingError

if TYPE_CHECKING:
    from cooee.runtime.checks import Finding
    from cooee.runtime.settings import Settings


def check(
    app: Annotated[
        str | None, typer.Argument(metavar="[APP]", help="A file, file.py:name, or module:name.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Check an app's settings, provider, database and keywords.

    The checks log in to the provider, look at our number, call our own public address, compare the
    clocks, open the database, and compare the app's keywords, and the answers that its questions
    offer, with the words that the provider acts on itself. They change nothing, and may be run
    beside a running app.

    The exit status is 0 where all is well, and 1 where a check is "wrong"; each says what to do.
    """
    findings = asyncio.run(_run_checks(app))
    wrong = any(finding.verdict == "wrong" for finding in findings)
    if json:
        show_json({"ok": not wrong, "checks": findings})
    else:
        _show_findings(findings)
    raise typer.Exit(int(wrong))


def _show_findings(findings: Sequence[Finding]) -> None:
    show_table(("", "what", "in words"), [(one.verdict, one.name, one.words) for one in findings])


async def _run_checks(name: str | None) -> Sequence[Finding]:
    from cooee.runtime.checks import Finding
    from cooee.runtime.checks.machine import check_time_zones
    from cooee.runtime.redaction import Redactor
    from cooee.runtime.settings import misspelt_settings, read_settings

    try:
        settings = read_settings(os.environ)
    except SettingError as error:
        return [Finding("settings", "wrong", str(error)), check_time_zones()]
    redact = Redactor(settings.secrets)
    findings = [Finding("settings", "wrong", words) for words in misspelt_settings(os.environ)]
    findings += await _collect_findings(settings, name)
    return [Finding(one.name, one.verdict, redact(one.words)) for one in findings]


async def _collect_findings(settings: Settings, name: str | None) -> Sequence[Finding]:
    from cooee.clocks.clock import RealClock
    from cooee.net.http_client import HTTPClient
    from cooee.runtime.checks import Finding
    from cooee.runtime.checks.machine import (
        check_database,
        check_media_location,
        check_time_zones,
    )
    from cooee.runtime.checks.provider import check_provider
    from cooee.runtime.checks.webhook import check_webhook

    try:
        provider = settings.make_provider()
    except CooeeError as error:
        return [Finding("settings", "wrong", str(error)), check_time_zones()]
    clock = RealClock()
    transport = HTTPClient(clock, timeout=15, proxies=settings.proxies)
    try:
        url = settings.public_url
        return [
            *await check_provider(provider, transport, clock, url),
            await check_webhook(provider, url, settings.host, settings.port, transport),
            *await check_database(settings.database, clock.now, forget_key=settings.forget_key),
            *check_media_location(settings.database, settings.media_location),
            check_time_zones(),
            *_check_app_keywords(name, provider),
        ]
    finally:
        await transport.close()


def _check_app_keywords(name: str | None, provider: Any) -> Sequence[Finding]:
    """Check the app's keywords, if an app was named."""
    from cooee.runtime.checks import Finding
    from cooee.runtime.checks.keywords import check_keywords

    if name is None:
        return [Finding("keywords", "note", "Name the app to have its words looked at as well.")]
    try:
        app: App[Any, Any] = import_app(name)
    except CooeeError as error:
        return [Finding("app", "wrong", str(error))]
    return check_keywords(app, provider)
