"""Flask: counts a person's texts. gunicorn's gthread workers run it, and the vendor's SDK signs.

The state is in a dict or in SQLite (synchronous=FULL); replies go in the webhook's answer (TwiML)
or by the vendor's SDK.
"""

import os
import sqlite3
import threading
from collections import Counter
from pathlib import Path

from flask import Flask, Response, request
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

PROVIDER, STATE, REPLIES = (os.environ[f"PEER_{name}"] for name in ("PROVIDER", "STATE", "REPLIES"))
ACCOUNT, TOKEN = os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"]
SCHEMA = "create table if not exists people (number text primary key, texts integer)"
COUNT = """insert into people values (?, 1)
on conflict (number) do update set texts = texts + 1 returning texts"""

app = Flask(__name__)
validator = RequestValidator(TOKEN)
counts, lock, local = Counter(), threading.Lock(), threading.local()


class ToTheFakeProvider(TwilioHttpClient):
    """The SDK's own client, with another host."""

    def request(self, method, url, *args, **kwargs):
        there = url.replace("https://api.twilio.com", PROVIDER)
        return super().request(method, there, *args, **kwargs)


client = Client(ACCOUNT, TOKEN, http_client=ToTheFakeProvider())


def database() -> sqlite3.Connection:
    if not hasattr(local, "connection"):
        path = Path(os.environ["PEER_FOLDER"]) / "flask.db"
        local.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        local.connection.execute("pragma journal_mode = wal")
        local.connection.execute("pragma synchronous = full")
        local.connection.execute(SCHEMA)
    return local.connection


def counted(person: str) -> int:
    if STATE == "dict":
        with lock:
            counts[person] += 1
            return counts[person]
    connection = database()
    connection.execute("begin immediate")
    [(texts,)] = connection.execute(COUNT, (person,)).fetchall()
    connection.execute("commit")
    return texts


@app.post("/sms")
def sms() -> Response:
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(request.url, request.form, signature):
        return Response("refused", 403)
    words = f"That was text {counted(request.form['From'])}: {request.form['Body']}"
    answer = MessagingResponse()
    if REPLIES == "answer":
        answer.message(words)
    else:
        client.messages.create(to=request.form["From"], from_=request.form["To"], body=words)
    return Response(str(answer), mimetype="text/xml")
