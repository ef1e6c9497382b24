"""The article's stopwatch, as its readers typed it, against the simulator over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import urllib.parse
from datetime import datetime

from cooee.clocks.clock import RealClock
from cooee.simulator import run_simulator

ANNA, BEN = "+61491570156", "+61491570157"


class Article:
    """The article's script. Nothing but the base URL is changed."""

    def __init__(self, host: str, base: str) -> None:
        self.connection = http.client.HTTPConnection(host, timeout=60)
        self.base = base
        self.started = None
        self.ended = None

    def telstra_request(self, path, payload, token=None, method="POST", form=False):
        body = urllib.parse.urlencode(payload) if form else json.dumps(payload)
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        headers = {"Content-Type": kind}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.connection.request(method, f"{self.base}/{path}", body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def auth(self, key, secret):
        payload = {
            "client_id": key,
            "client_secret": secret,
            "grant_type": "client_credentials",
            "scope": "NSMS",
        }
        status, body = self.telstra_request("oauth/token", payload, form=True)
        assert status == 200, body
        return json.loads(body)["access_token"]

    def create_subscription(self, token):
        status, body = self.telstra_request("messages/provisioning/subscriptions", {}, token=token)
        assert status == 201, body
        return json.loads(body)["destinationAddress"]

    def send_sms(self, token, to, body):
        status, answer = self.telstra_request("messages/sms", {"to": to, "body": body}, token=token)
        assert status == 201, answer

    def get_sms(self, token):
        status, body = self.telstra_request("messages/sms", {}, token=token, method="GET")
        assert status == 200, body
        return json.loads(body)

    def handle_message(self, token, message):
        command, sender = message["message"], message["senderAddress"]
        if command == "START":
            self.started, self.ended = datetime.now(), None  # noqa: DTZ005 -- as the article has it
            self.send_sms(token, sender, "The timer has been reset and is running!")
        elif command == "STOP":
            if not self.started:
                self.send_sms(token, sender, "Please start the timer first.")
            elif self.ended:
                self.send_sms(token, sender, "The timer is already stopped.")
            else:
                self.ended = datetime.now()  # noqa: DTZ005 -- as the article has it
                self.send_sms(token, sender, f"Stopped after {self.ended - self.started}.")
        elif command == "TIME":
            if not self.started:
                self.send_sms(token, sender, "Please start the timer first.")
            else:
                self.send_sms(token, sender, "The timer is running.")
        else:
            self.send_sms(token, sender, 'I only understand "START", "STOP" and "TIME".')

    def handle_all_messages(self, token):
        while True:
            message = self.get_sms(token)
            if message["status"] == "EMPTY":
                break
            self.handle_message(token, message)

    def run(self, done: threading.Event, subscribed) -> None:
        try:
            token = self.auth("PutYour32CharClientKeyHereThanks", "ClientSecretHere")
            subscribed(self.create_subscription(token))
            self.send_sms(token, ANNA, "Stopwatch app online!")
            while not done.wait(0.02):
                self.handle_all_messages(token)
        finally:
            self.connection.close()


async def test_the_articles_script_holds_its_conversation_with_only_the_base_url_changed():
    async with run_simulator(RealClock(), port=0) as (simulator, port):
        loop = asyncio.get_running_loop()
        number = loop.create_future()
        done = threading.Event()
        article = Article(f"127.0.0.1:{port}", "/telstra/v2")

        def subscribed(found):
            loop.call_soon_threadsafe(number.set_result, found)

        script = loop.create_task(asyncio.to_thread(article.run, done, subscribed))
        try:
            ours = await asyncio.wait_for(number, 60)
            await _until(lambda: simulator.network.phone_screen(ANNA), script)
            for words in ["TIME", "START", "TIME", "STOP", "STOP", "what?"]:
                before = len(simulator.network.phone_screen(ANNA))
                simulator.network.send_from_phone(ANNA, ours, words)
                await _until(
                    lambda n=before: len(simulator.network.phone_screen(ANNA)) == n + 2, script
                )
        finally:
            done.set()
            await script

        shown = [
            (entry.direction, entry.text.text) for entry in simulator.network.phone_screen(ANNA)
        ]
        replies = [text for direction, text in shown if direction == "to_phone"]
        assert replies[:4] == [
            "Stopwatch app online!",
            "Please start the timer first.",
            "The timer has been reset and is running!",
            "The timer is running.",
        ]
        assert replies[4].startswith("Stopped after 0:00:00.")
        assert replies[5:] == [
            "The timer is already stopped.",
            'I only understand "START", "STOP" and "TIME".',
        ]
        assert all(
            entry.text.status == "delivered" for entry in simulator.network.phone_screen(ANNA)
        )


async def _until(true, script) -> None:
    async with asyncio.timeout(60):
        while not true():
            if script.done():
                script.result()
            await asyncio.sleep(0.01)
