"""cooee: a dialogue that waits for an answer, and asks the next question."""

from cooee import App, Chat

app = App()


@app.dialogue("GO")
async def ask(chat: Chat[None]) -> None:
    answer = "GO"
    while True:
        answer = await chat.ask(f"You said {answer}. Next?", key="next")
