"""No secret in a log, an error, a list of processes or a repr, whatever a company echoes."""

import base64
import itertools
import json
import re
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound, Media, Outbound
from cooee.net.http_client import HTTPClient
from cooee.providers import Credentials, find_provider
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.redaction import Redactor
from cooee.runtime.settings import read_settings
from cooee.runtime.web.send_api import SendEndpoint

APP = """
from cooee import App
app = App()

@app.on_start
async def hello():
    await app.send("+61491570156", "Hello", key="hello")

@app.otherwise
def echo(chat):
    return chat.text
"""
PLANTED = "pl4nted/secret+word&42"
TOKEN = "pl4nted-token-of-the-company"
SEND = "pl4nted-token-to-send-with"
TWILIO = "0123456789abcdef0123456789abcdef"
SID = "AC" + "0123456789abcdef" * 2

COMPANIES = {
    "telstra-v2": {"TELSTRA_CLIENT_ID": "an-id", "TELSTRA_CLIENT_SECRET": PLANTED},
    "telstra-v3": {"TELSTRA_CLIENT_ID": "an-id", "TELSTRA_CLIENT_SECRET": PLANTED},
    "twilio": {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TWILIO},
    "simulated": {"SIMULATED_KEY": PLANTED},
}
SECRETS = [PLANTED, TOKEN, SEND, TWILIO]
BASIC = base64.b64encode(f"{SID}:{TWILIO}".encode()).decode()


class Echo(BaseHTTPRequestHandler):
    """A company that says in every error what it was sent, after its logins went well."""

    status, logins = 400, True

    def _answer(self):
        length = int(self.headers.get("content-length") or 0)
        echo = f"{self.path} {self.headers} {self.rfile.read(length).decode()}"
        self.server.asked.append(echo)
        token = {"access_token": TOKEN, "expires_in": "3599", "token_type": "Bearer"}
        if self.logins and "token" in self.path:
            self._write(200, token)
            return
        one = dict.fromkeys(("issue", "message", "suggested_action", "field"), echo)
        told = dict.fromkeys(("error", "error_description", "message", "detail"), echo)
        again = {"code": echo, "status": self.status, "errors": [{"code": "X", **one}]}
        self._write(self.status, {**told, **again})

    def _write(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_):
        pass


@pytest.fixture
def echoing():
    servers = []

    def serve(status, *, logins):
        handler = type("Handler", (Echo,), {"status": status, "logins": logins})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def told(provider, server):
    base = f"http://127.0.0.1:{server.server_address[1]}"
    name = provider.partition("-")[0].upper()
    base += "/messaging/v3" if provider == "telstra-v3" else ""
    return {"COOEE_PROVIDER": provider, f"{name}_BASE_URL": base, **COMPANIES[provider]}


def check(*shown):
    for words in shown:
        for secret in (*SECRETS, BASIC):
            for form in {secret, urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1]}:
                assert form not in words
                assert form[: len(form) // 2 + 2] not in words, "not even half of it"


@pytest.mark.parametrize("logins", [True, False])
@pytest.mark.parametrize("provider_and_status", [*itertools.product(COMPANIES, [400, 401, 500])])
def test_nothing_that_a_run_says_has_a_secret(start, written, echoing, provider_and_status, logins):
    provider, status = provider_and_status
    server = echoing(status, logins=logins)
    settings = {
        **told(provider, server),
        "COOEE_LOG_LEVEL": "debug",
        "COOEE_LOG_PRIVATE": "yes",
        "COOEE_SEND_TOKEN": SEND,
    }
    run = start("run", written(APP), **settings)
    argv = Path(f"/proc/{run.process.pid}/cmdline").read_bytes().decode()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and run.process.poll() is None:
        if server.asked and "running" in run.said and run.log.read_text().strip():
            break
        time.sleep(0.02)
    if run.process.poll() is None:
        send_in_vain(run)
        run.end()
    assert any(secret in "".join(server.asked) for secret in (PLANTED, quoted(), BASIC, TOKEN))
    assert run.said + run.log.read_text(), "It says something."
    check(run.said, run.log.read_text(), argv)


def quoted():
    return urllib.parse.quote_plus(PLANTED)


def send_in_vain(run):
    while not (listening := re.search(r"listening +(http://\S+)/health", run.said)):
        if run.process.poll() is not None:
            return  # the provider's refusal ended the run first
        time.sleep(0.02)
    url = listening[1]
    body = b'{"to": "+61491570156", "text": "hi"}'
    wrong = urllib.request.Request(f"{url}/send", body, {"Authorization": f"Bearer {SEND}x"})
    with pytest.raises(urllib.error.URLError) as caught:
        urllib.request.urlopen(wrong, timeout=60)
    if not isinstance(caught.value, urllib.error.HTTPError):
        run.process.wait(15)  # nobody listens any more, since the run has ended
        return
    check(caught.value.read().decode())
    caught.value.close()


def path_word(database):
    db = sqlite3.connect(database)
    try:
        return db.execute("select value from secrets").fetchone()[0]
    finally:
        db.close()


def test_a_company_that_echoes_our_webhook_gives_its_word_away_to_nobody(
    start, written, echoing, tmp_path
):
    server = echoing(400, logins=True)
    settings = {**told("telstra-v2", server), "COOEE_PUBLIC_URL": "https://texts.example.com"}
    run = start("run", written(APP), COOEE_LOG_LEVEL="debug", COOEE_LOG_PRIVATE="yes", **settings)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and run.process.poll() is None:
        time.sleep(0.05)
        if "running" in run.said:
            break
    word = path_word(tmp_path / "cooee.db")
    assert word in "".join(server.asked)
    assert word[:20] not in run.said + run.log.read_text()


@pytest.mark.parametrize("provider", COMPANIES)
def test_no_repr_has_a_secret(provider):
    environment = {"COOEE_PROVIDER": provider, **COMPANIES[provider], "COOEE_SEND_TOKEN": SEND}
    settings = read_settings(environment)
    company = settings.make_provider()
    discretion = Redactor(settings.secrets)
    header = {"authorization": f"Bearer {PLANTED}", "cookie": TWILIO}
    shown = [
        settings,
        company,
        Credentials(PLANTED),
        Request(method="POST", url=f"https://x/{TOKEN}", headers=header, body=PLANTED.encode()),
        Response(status=200, headers=header, body=PLANTED.encode()),
        discretion,
        ProviderSession(company, HTTPClient(RealClock()), RealClock(), redactor=discretion),
        SendEndpoint(SEND, None, None, str),
        Media(url=f"https://x/{PLANTED}", name=PLANTED),
        Outbound(id="1", sender="1", recipient="2", text=PLANTED, callback=f"https://x/{TOKEN}"),
        Inbound(sender="1", recipient="2", text=PLANTED, received_at=RealClock().now()),
    ]
    check(*map(repr, shown), *map(str, shown))
    assert set(COMPANIES[provider].values()) & set(SECRETS) <= set(settings.secrets)


def test_no_error_about_a_setting_has_its_value(cooee):
    for wrong in (
        {"COOEE_DATABASE": f"postgresql://me:{PLANTED}@host/db"},
        {"COOEE_DATABASE": PLANTED},
        {"COOEE_PUBLIC_URL": f"me:{PLANTED}@texts.example.com"},
        {"COOEE_SEND_TOKEN": "short-0123"},
        {"TWILIO_AUTH_TOKEN": f"{TWILIO}x", "COOEE_PROVIDER": "twilio", "TWILIO_ACCOUNT_SID": SID},
        {"TWILIO_AUTH_TOKEN": TWILIO, "COOEE_PROVIDER": "twilio", "TWILIO_ACCOUNT_SID": TWILIO},
    ):
        company = {"TELSTRA_CLIENT_ID": "x", "TELSTRA_CLIENT_SECRET": PLANTED, **wrong}
        run = cooee("run", "app.py", **company)
        assert run.returncode != 0
        check(run.stdout, run.stderr)
        assert "short-0123" not in run.stderr


def test_every_provider_says_which_of_its_settings_are_secret():
    for name in COMPANIES:
        for setting in find_provider(name).settings:
            telling = any(word in setting.name for word in ("SECRET", "TOKEN", "KEY"))
            assert setting.secret or not telling or "API_KEY" in setting.name, setting.name
