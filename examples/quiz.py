"""A quiz: QUIZ starts it, SCORE tells how you are doing."""

from dataclasses import dataclass

from cooee import App, Chat, Restart, TooManyAttempts

ANSWERS = {
    "What is the capital of Australia?": "Canberra",
    "Which animal leaves cubes behind?": "Wombat",
    "A billabong: is it a tree, a lake or a bird?": "Lake",
    "What do Australians call a chicken?": "Chook",
}


@dataclass
class Player:
    score: int = 0
    best: int = 0


app = App(state=Player)


@app.dialogue("QUIZ")
async def quiz(chat: Chat[Player]) -> str | Restart:
    player = chat.state
    player.score = 0
    for question in sorted(ANSWERS, key=lambda _: chat.random.random()):
        if await answered(chat, question, ANSWERS[question]):
            player.score += 1
            chat.say("Right!")
        else:
            chat.say(f"No, it is {ANSWERS[question]}.")
    player.best = max(player.best, player.score)
    words = f"{player.score} of {len(ANSWERS)}. Another round?"
    if await chat.confirm(words, key="another round"):
        return chat.restart()
    return f"Thanks for playing! Your best is {player.best}."


async def answered(chat: Chat[Player], question: str, answer: str) -> bool:
    """Whether the player knew, or did after a second thought."""

    def right(text: str) -> bool:
        if answer.casefold() not in text.casefold():
            raise ValueError("That is not it.")
        return True

    try:
        return await chat.ask(question, right, attempts=2, retry="Not quite. One more try?")
    except TooManyAttempts:
        return False


@app.on("SCORE", always=True)
def score(chat: Chat[Player]) -> str:
    return f"You have {chat.state.score}. Your best is {chat.state.best}."


@app.on("ENOUGH", always=True)
def enough(chat: Chat[Player]) -> str:
    return "Till next time!" if chat.leave() else "Text QUIZ to play."


@app.otherwise
def otherwise(chat: Chat[Player]) -> str:
    return "Text QUIZ to play."
