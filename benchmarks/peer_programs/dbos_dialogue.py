"""DBOS: a workflow for each person waits for a text, and a step asks the next question."""

import os
import sys
from urllib.parse import parse_qs

import aiohttp
import uvicorn
from dbos import DBOS, DBOSConfig, SetWorkflowID

PROVIDER = os.environ["PEER_PROVIDER"]
config: DBOSConfig = {
    "name": "peer",
    "system_database_url": os.environ["PEER_DATABASE"],
    "run_admin_server": False,
    "log_level": "ERROR",
}
DBOS(config=config)
known: set[str] = set()
sessions: list[aiohttp.ClientSession] = []


@DBOS.step()
async def reply(person: str, words: str) -> None:
    url = f"{PROVIDER}/2010-04-01/Accounts/AC/Messages.json"
    async with sessions[0].post(url, data={"To": person, "Body": words}) as response:
        await response.read()


@DBOS.workflow()
async def conversation(person: str) -> None:
    while True:
        answer = await DBOS.recv_async(timeout_seconds=3_600)
        await reply(person, f"You said {answer}. Next?")


async def sms(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        sessions.append(aiohttp.ClientSession())
        DBOS.launch()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    form = parse_qs((await receive())["body"].decode())
    person, words = form["From"][0], form["Body"][0]
    if person not in known:
        known.add(person)
        with SetWorkflowID(person):
            await DBOS.start_workflow_async(conversation, person)
    await DBOS.send_async(person, words)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


uvicorn.run(sms, port=int(sys.argv[1]), log_level="error", access_log=False)
