"""Five quick questions after a visit to the café: SURVEY starts them."""

from dataclasses import dataclass
from typing import Literal

from cooee import App, Chat, days, hours


@dataclass
class Visitor:
    surveys: int = 0


app = App(state=Visitor, timezone="Australia/Sydney")


@app.dialogue("SURVEY")
async def survey(chat: Chat[Visitor]) -> str:
    if chat.state.surveys:
        return "You have told us already. Thank you!"
    chat.say("Thanks for coming by! Five quick questions; your answers go to us alone.")
    await chat.choose("1/5 What did you have?", ["Coffee", "Lunch", "Cake"], key="had")
    stars: Literal[1, 2, 3, 4, 5] = await chat.ask(
        "2/5 How was it, from 1 to 5?",
        Literal[1, 2, 3, 4, 5],
        key="stars",
        retry="A number from 1 to 5, please.",
        remind=days(1),
    )
    await chat.confirm("3/5 Did you wait long?", key="waited")
    often = ["Every day", "Every week", "Now and then", "First time"]
    await chat.choose("4/5 How often do you come by?", often, key="often")
    await chat.ask("5/5 Anything else?", key="else", timeout=hours(12), default="")
    chat.state.surveys += 1
    return "Thank you! That helps us a lot." if stars > 3 else "Thank you. We will do better."


@app.on("WHERE", always=True)
def where(chat: Chat[Visitor]) -> str:
    return chat.question or "Nowhere: text SURVEY to begin."


@app.otherwise
def otherwise(chat: Chat[Visitor]) -> str:
    return "Text SURVEY to tell us how it was."
