"""aiogram: its state machine, in memory, asks the next question."""

import os
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web


class Asking(StatesGroup):
    next = State()


dispatcher = Dispatcher()


@dispatcher.message(Asking.next)
async def answered(message: Message) -> None:
    await message.answer(f"You said {message.text}. Next?")


@dispatcher.message()
async def begin(message: Message, state: FSMContext) -> None:
    await state.set_state(Asking.next)
    await message.answer("You said GO. Next?")


server = TelegramAPIServer.from_base(os.environ["PEER_PROVIDER"])
bot = Bot("1:token", session=AiohttpSession(api=server))
application = web.Application()
# As Telegram's: the update is acknowledged when its handler is over.
handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=False)
handler.register(application, path="/sms")
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
