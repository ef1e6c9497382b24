"""cooee: counts a person's texts. COOEE_DATABASE and the provider come from the environment."""

from dataclasses import dataclass

from cooee import App, Chat


@dataclass
class Count:
    texts: int = 0


app = App(state=Count)


@app.otherwise
def count(chat: Chat[Count]) -> str:
    chat.state.texts += 1
    return f"That was text {chat.state.texts}: {chat.message.text}"
