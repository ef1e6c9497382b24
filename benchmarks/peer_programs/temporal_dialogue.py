"""Temporal's development server: a workflow for each person, a signal for each text."""

import asyncio
import os
import sys
from collections import deque
from datetime import timedelta
from urllib.parse import parse_qs

import aiohttp
import uvicorn
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

PROVIDER = os.environ.get("PEER_PROVIDER", "")


@activity.defn
async def reply(person: str, words: str) -> None:
    url = f"{PROVIDER}/2010-04-01/Accounts/AC/Messages.json"
    async with aiohttp.request("POST", url, data={"To": person, "Body": words}) as response:
        await response.read()


@workflow.defn
class Conversation:
    def __init__(self) -> None:
        self._texts: deque[str] = deque()

    @workflow.signal
    def text(self, words: str) -> None:
        self._texts.append(words)

    @workflow.run
    async def run(self, person: str) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self._texts))
            words = f"You said {self._texts.popleft()}. Next?"
            await workflow.execute_activity(
                reply, args=[person, words], start_to_close_timeout=timedelta(seconds=10)
            )


def webhook(client: Client):
    async def sms(scope, receive, send) -> None:
        form = parse_qs((await receive())["body"].decode())
        person, words = form["From"][0], form["Body"][0]
        await client.start_workflow(
            Conversation.run,
            person,
            id=person,
            task_queue="texts",
            start_signal="text",
            start_signal_args=[words],
        )
        head = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"0")],
        }
        await send(head)
        await send({"type": "http.response.body", "body": b""})

    return sms


async def main() -> None:
    async with await WorkflowEnvironment.start_local() as environment:
        client = environment.client
        worker = Worker(
            client,
            task_queue="texts",
            workflows=[Conversation],
            activities=[reply],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with worker:
            config = uvicorn.Config(
                webhook(client), port=int(sys.argv[1]), lifespan="off", log_level="error"
            )
            await uvicorn.Server(config).serve()


asyncio.run(main())
