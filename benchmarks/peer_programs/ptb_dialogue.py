"""python-telegram-bot: its ConversationHandler, in memory, asks the next question."""

import os
import sys

from telegram import Update
from telegram.ext import Application, ContextTypes, ConversationHandler, MessageHandler, filters

NEXT = 0


async def ask(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    await update.message.reply_text(f"You said {update.message.text}. Next?")
    return NEXT


anything = MessageHandler(filters.TEXT, ask)
application = (
    Application.builder()
    .token("1:token")
    .base_url(f"{os.environ['PEER_PROVIDER']}/bot")
    .concurrent_updates(False)  # a ConversationHandler asks for this
    .build()
)
application.add_handler(ConversationHandler([anything], {NEXT: [anything]}, []))
application.run_webhook(
    listen="127.0.0.1", port=int(sys.argv[1]), url_path="sms", webhook_url="https://localhost/sms"
)
