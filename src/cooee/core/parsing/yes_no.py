"""Yes and no, as people text them.

A text is read as phrases that say yes, phrases that say no, and courtesies. It is an answer only
where every word belongs to one of these, and no word says the opposite of another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from cooee.core.folding import MAX_MATCH_CHARS, plain_text, unaccented

_MAX_PHRASE_WORDS = 4


def _phrases(*lines: str) -> frozenset[str]:
    return frozenset(phrase for line in lines for phrase in line.split(","))


# Without accents, apostrophes and hyphens, as texts are compared.
_YES_PHRASES = _phrases(
    "y,ye,yes,yep,yepp,yeah,yea,yeh,ya,yah,yup,yas,yess,aye,ok,okay,okey,k,kk,oki,okie",
    "okey dokey,okie dokie,sure,sure thing,sure is,of course,course,absolutely,definitely,defo,def",
    "certainly,confirm,confirmed,i confirm,correct,right,thats right,thats correct,true,1",
    "agreed,agree,i agree,fine,thats fine,good,sounds good,all good,perfect,great,cool,go ahead",
    "do it,please do,yes i do,yes i am,i do,i am,we do,we are,nah yeah,too right,no worries",
    "no problem,no probs,for sure,you bet,affirmative,why not,uh huh,mhm,it is,yes it is",
    "works for me",
    "thats ok,thats okay,thats great,that works,it works,that suits,i will,i can,we can,we will",
    "sounds great,sounds perfect,hell yes,vale,claro,daccord",
    "oui,si,ja,sim,👍,👌,✅,✔,☑,💯,🆗",
)
_NO_PHRASES = _phrases(
    "n,no,nope,nah,na,naw,nay,no thx,no way,not now,not really,not today,not yet,i dont,i do not",
    "we dont,dont,do not,never,cancel,negative,incorrect,wrong,thats wrong,thats not right",
    "not right",
    "not correct,thats not correct,thats incorrect,false,0,yeah nah,yeah no,nup,nix,i am not",
    "im not",
    "absolutely not,definitely not,certainly not,of course not,i cant,we cant,cant,cannot,i cannot",
    "i can not,i wont,i will not,we wont,wont,doesnt work,that doesnt work,it doesnt work,hell no",
    "it isnt,its not,no it isnt,nuh uh,uh uh,non,nein,nee,nao,👎,❌,✖,🚫,🙅",
)
_COURTESIES = _phrases(
    "please,pls,plz,thanks,thank you,thank u,thankyou,thx,tks,ty,ta,cheers,sorry,mate,sir,madam",
    "maam,thanks a lot",
    "thank you very much,thanks so much,thank you so much,many thanks,x,xx,xxx",
)
_MEANINGS = {
    **dict.fromkeys(_COURTESIES, "courtesy"),
    **dict.fromkeys(_YES_PHRASES, "yes"),
    **dict.fromkeys(_NO_PHRASES, "no"),
}
_YES_ALONE = frozenset({"please", "pls", "plz"})  # courtesies elsewhere
_WORD = re.compile(r"(?<!\w)[+-]\d+|\w+|[^\w\s]")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_DOUBLED_END = re.compile(r"([^\W\d_])\1\b")
_GENDERED = re.compile("\u200d[♀♂]")


def yes_or_no(text: str) -> bool | None:
    """Tell whether a text says yes; None for a text of neither, or both."""
    words = _split(text)
    if " ".join(words) in _YES_ALONE:
        return True
    # texts rule 4: one word that is neither, or says the opposite, makes the text no answer
    said = set(_meanings(words)) - {"courtesy"}
    return said == {"yes"} if said in ({"yes"}, {"no"}) else None


def _split(text: str) -> Sequence[str]:
    """Return the folded words, and the emoji, of a text."""
    plain = _GENDERED.sub("", plain_text(text[:MAX_MATCH_CHARS])).replace("'", "")
    words = _WORD.findall(unaccented(plain.casefold()))
    return [word for word in words if unicodedata.category(word[-1])[0] not in "PC"]


def _meanings(words: Sequence[str]) -> Iterator[str]:
    """Yield the meaning of each phrase of a text, the longest phrases first."""
    start = 0
    while start < len(words):
        lengths = range(min(_MAX_PHRASE_WORDS, len(words) - start), 0, -1)
        phrases = (
            (length, _meaning(" ".join(words[start : start + length]))) for length in lengths
        )
        length, meaning = next(
            (one for one in phrases if one[1]), (1, _other_meaning(words[start]))
        )
        start += length
        yield meaning


def _meaning(phrase: str) -> str:
    """Return the meaning of a phrase, also of a drawn-out one ("yesss", "yeahh"); "" for others."""
    short = _ELONGATED.sub(r"\1", phrase)
    variants = (phrase, _ELONGATED.sub(r"\1\1", phrase), short, _DOUBLED_END.sub(r"\1", phrase))
    return next((_MEANINGS[one] for one in variants if one in _MEANINGS), "")


def _other_meaning(word: str) -> str:
    """Return the meaning of a word that is in no phrase: an emoji only decorates."""
    return "courtesy" if unicodedata.category(word[0]) in {"So", "Sk", "Mn", "Me"} else "other"
