"""cooee: a dialogue of four questions, each of which waits for ten years."""

from cooee import App, Chat, days

app = App()
A_WHILE = days(3_650)


@app.dialogue("BOOK")
async def book(chat: Chat[None]) -> str:
    name = await chat.ask("What's your name?", timeout=A_WHILE)
    party = await chat.ask(f"For how many, {name}?", int, timeout=A_WHILE)
    day = await chat.ask("Which day?", timeout=A_WHILE)
    note = await chat.ask("Anything else?", timeout=A_WHILE)
    return f"{party} people on {day}. {note}"
