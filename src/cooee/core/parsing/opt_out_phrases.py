"""Detects "please stop texting me" in free English text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from cooee.core.folding import MAX_MATCH_CHARS, REMEMBERED_READINGS, fold_text, unaccented
from cooee.core.parsing.courtesies import without_signature

Confidence: TypeAlias = Literal["sure", "unsure", ""]

_MAX_SURE_CHARS = 160  # characters; a longer text has more to say than that


def opt_out_intent(text: str) -> Confidence:
    """Return the confidence in an English text's wish to opt out.

    It is cautious: "sure" takes a text that says only this ("Please stop texting me.
    Thanks!"); a text that says more, or half of it, is "unsure". Single opt-out words are
    matched by `OptOutWords`.
    """
    return _intent_of(text[:MAX_MATCH_CHARS], may_be_sure=len(text) <= _MAX_SURE_CHARS)


@lru_cache(maxsize=REMEMBERED_READINGS)
def _intent_of(text: str, *, may_be_sure: bool) -> Confidence:
    words = _fold_words(text)
    if not _MENTION.search(words):
        return ""
    clauses = [clause for clause in _split_clauses(words) if clause]
    demands = [clause for clause in clauses if _DEMAND.fullmatch(clause)]
    echoes = [clause for clause in clauses if _ECHO.fullmatch(clause)]
    if demands and len(demands) + len(echoes) == len(clauses) and may_be_sure:
        return "sure"
    hints = (_HINT.search(clause) and not _DENIED.search(clause) for clause in clauses)
    return "unsure" if demands or any(hints) else ""


def says_only(tokens: Sequence[str], words: Collection[str], *, with_objects: bool) -> bool:
    """Tell whether a text says some of the words, and nothing else but courtesies and a signature.

    So "Stop. Thank you", "STOP STOP" and "STOP" above "Sent from my iPhone" say only "stop".

    Args:
        tokens: the `plain_words` of the text; each has to be accounted for.
        words: folded words, of one or two words each.
        with_objects: also "it" and the like behind a word, as in "stop it now".
    """
    found, start = False, 0
    while start < len(tokens):
        length = 2 if " ".join(tokens[start : start + 2]) in words else 1
        said = " ".join(tokens[start : start + length])
        is_word = said in words
        is_object = found and with_objects and said in _OBJECTS
        if not (is_word or is_object or said in _POLITE):
            return False
        found, start = found or is_word, start + length
    return found


def plain_words(text: str) -> Sequence[str]:
    """Return the words of a text without punctuation, accents, emoji and a signature."""
    return _split_words(text) if len(text) > MAX_MATCH_CHARS else _split_once(text)


def _split_words(text: str) -> Sequence[str]:
    folded = unaccented(fold_text(without_signature(text))).replace("'", "")
    words = _NO_LETTER.sub(" ", folded)
    tokens = (_DRAWN_OUT.sub(r"\1", words) if _DRAWN_OUT.search(words) else words).split()
    is_spelled_out = len(tokens) > 1 and all(len(token) == 1 for token in tokens)  # "S.T.O.P"
    return ("".join(tokens),) if is_spelled_out else tuple(tokens)


_split_once = lru_cache(maxsize=REMEMBERED_READINGS)(_split_words)

_DRAWN_OUT = re.compile(r"([a-z])\1\1+")
_OBJECTS = frozenset(
    ("it", "this", "that", "now", "all", "everything", "immediately", "asap", "today")
)
_POLITE = frozenset(
    (
        *(
            "please",
            "pls",
            "plz",
            "plse",
            "kindly",
            "thanks",
            "thank",
            "thankyou",
            "you",
            "u",
            "thx",
        ),
        *(
            "ty",
            "cheers",
            "regards",
            "so",
            "very",
            "much",
            "many",
            "a",
            "lot",
            "ok",
            "okay",
            "hi",
            "hey",
        ),
        *(
            "hello",
            "sorry",
            "mate",
            "sir",
            "madam",
            "x",
            "xx",
            "just",
            "omg",
            "can",
            "could",
            "would",
        ),
    )
)


def _fold_words(text: str) -> str:
    """Return the text folded, each line a sentence, and "dont" for "don't"."""
    return _APOSTROPHE.sub("", fold_text(text.replace("\n", ". ")))


def _split_clauses(words: str) -> Sequence[str]:
    """Return the clauses of a folded text, in plain words, without courtesies."""
    return [_strip_courtesies(_NO_LETTER.sub(" ", one)) for one in _CLAUSE_END.split(words)]


_APOSTROPHE = re.compile(r"[’'`´]")  # noqa: RUF001 -- as phones write "don't"
_CLAUSE_END = re.compile(r"[.!?,;:()\"“”…—–]+|\s-+\s|\b(?:and|but|because)\b")  # noqa: RUF001 -- dashes
_NO_LETTER = re.compile(r"[^\w\s]|_")


def _strip_courtesies(clause: str) -> str:
    clause = " ".join(clause.split())
    while (shorter := _COURTESY.sub("", clause).strip()) != clause:
        clause = shorter
    return clause


_COURTESY = re.compile(
    r"^(?:please|pls|plz|plse|kindly|hi|hey|hello|yo|dear|sir|madam|team|all|just|ok|okay|sorry|yes|no(?! more| longer| interest)|now"
    r"|good (?:morning|afternoon|evening|day)|thanks|thank you|thx|ty|cheers|omg|ffs|wtf|again"
    r"|(?:can|could|would|will) (?:you|u|ya)|(?:you|u) (?:need|have|must)(?: to)?|you guys|guys"
    r"|i (?:said|repeat|(?:told|asked|want|need|would like|beg) (?:you|u) to)|id like you to|i am asking you to"
    r"|(?:i )?(?:would|will)? ?appreciate it if you)\b"
    r"|\b(?:please|pls|plz|kindly|thanks|thank you|thank u|thx|ty|cheers|now|right now|immediately|asap|today"
    r"|already|ok|okay|mate|guys|dude|man|bro|sir|madam|thanks a lot|many thanks|straight away|at once|for good"
    r"|for me|if possible|regards|kind regards|xx?)$"
)  # fmt: skip

_TEXTS = r"(?:text messages?|texts?|txts?|messages?|msgs?|sms(?:es|s)?|spam(?:ming)?)"
_TEXTING = r"(?:texting|txting|messaging|msging|contacting|sms ?ing|smsing|spamming|bothering|harassing|pestering)"
_TEXT = r"(?:text|txt|message|msg|contact|sms|spam|bother)"
_TEXTED = r"(?:texted|messaged|contacted|spammed|bothered)"
_WHICH = (
    r"(?:(?:all|any|more|of|the|these|those|this|your|such|further|other|stupid|annoying|fucking|damn|bloody"
    r"|unwanted|marketing|promo|promotional|automated|advertising|random|sending|getting|receiving|me|us) )*"
)
_WHO = (
    r"(?: (?:(?:to|from|on|at) )?(?:me|us|you|you guys|you people|this number|my number|my phone|this phone"
    r"|your company|this company|here))*"
)
_WHO_NAMED = r" (?:(?:to|at) )?(?:me|us|this number|my number|my phone)\b"
_EVER = r"(?: (?:again|anymore|any more|ever|any longer|at all|from now on|all the time|every day|so much))*"
_LIST = (
    r"(?:(?:text|texting|sms|mailing|marketing|contact|contacts|call|calling|message|messaging|phone|distribution"
    r"|subscriber|subscription|spam|notification|client|customer) )?"
    r"(?:lists?|database|db|contacts|system|records|messages|texts|group|group text|group chat|thread|files|crm)"
)
_I_WANT = r"(?:i )?(?:want|wish|would like|id like|would love|need|like|am trying|asked|have asked|request|ask)"
_NOT = r"(?:dont|do not|don t|no longer|never|didnt|did not)"

_DEMANDS = (
    rf"(?:stop|quit|cease|halt|no more|enough)(?: with)?(?: your| the| all| all the)? {_TEXTING}{_WHO}{_EVER}",
    rf"(?:stop|quit|cease|end|halt|discontinue|no more|enough)(?: of| with)? {_WHICH}{_TEXTS}{_WHO}{_EVER}",
    rf"(?:dont|do not|never)(?: you)?(?: ever)? {_TEXT}(?={_WHO_NAMED}){_WHO}{_EVER}",
    rf"(?:dont|do not|never) send (?:(?:me|us|any|more) )+{_WHICH}{_TEXTS}{_WHO}{_EVER}",
    (r"(?:take|remove|delete|drop|get|scratch|cross|strike)"
    r" (?:me|us|this number|my (?:phone |mobile |cell )?number|my name|my phone|my details)"
    rf" (?:off|off of|from|out of|of) (?:all )?(?:of )?(?:(?:your|the|this|that|these|any|every) )?{_LIST}{_EVER}"),
    (r"unsubscribe(?: me| us| this number| my number)?"
    rf"(?: (?:from|to|off) (?:all )?(?:of )?(?:(?:your|this|these|the) )?(?:{_LIST}|{_TEXTS}|everything|all))?{_EVER}"),
    (rf"{_I_WANT} to (?:unsubscribe|opt out|be unsubscribed|be opted out|be removed|stop {_WHICH}{_TEXTS})"
    rf"(?: (?:from|of|off) (?:all )?(?:of )?(?:(?:your|this|these|the) )?(?:{_LIST}|{_TEXTS}))?{_WHO}{_EVER}"),
    rf"{_I_WANT} to be (?:removed from|taken off|off) (?:(?:your|this|the) )?{_LIST}",
    rf"(?:i )?(?:want|wish|would like|id like) (?:no more|you to stop) (?:{_TEXTS}|{_TEXTING}){_WHO}{_EVER}",
    (r"(?:i )?(?:am |m |im |ill |will )?opt(?:ing|ed)?(?: me| us| this number| my number)? out"
    rf"(?: (?:of|from) {_WHICH}(?:{_LIST}|{_TEXTS}|all|everything))?"),
    (rf"(?:i )?{_NOT} (?:want|wanna|wish|need|like|care)(?: to)?"
    rf"(?: (?:get|receive|have|see|be getting|be receiving))? {_WHICH}{_TEXTS}{_WHO}{_EVER}"),
    rf"(?:i )?{_NOT} (?:want|wanna|wish|like)(?: to)? (?:be|being) {_TEXTED}(?: by you)?{_EVER}",
    rf"(?:i )?{_NOT} (?:want|wanna|wish)(?: to)? hear from (?:you|you guys|you people|this number){_EVER}",
    rf"(?:leave|let) (?:me|us) (?:alone|be){_EVER}|lose my number",
)  # fmt: skip
_DEMAND = re.compile("|".join(_DEMANDS))
_ECHO = re.compile(
    r"(?:stop+|quit)(?: (?:it|this|that|all this|stop))*"
)  # adds nothing to a demand

_RUDE_WORDS = ("f", "fuck", "piss", "bugger", "sod")

# Each is enough to ask, wherever it stands.
_HINTS = (
    rf"\b(?:stop|quit|cease) (?:\w+ ){{0,2}}?(?:{_TEXTING}|sending|calling|emailing|ringing)\b",
    r"\b(?:stop|quit|cancel|end|no more) (?:\w+ ){0,3}?(?:texts?|messages?|msgs?|sms|spam)\b",
    r"^(?:stop|cancel|end) (?:all )?(?:the |these |your )?(?:alerts?|notifications?|updates?|promotions?|ads)$",
    r"^(?:stop+|quit|unsubscribe|stopp?)(?: (?:it|this|that|all|all this|everything|stop|you|u))*$",
    r"\bunsubscrib|\bunsub\b|\bopt(?:ing|ed)? ?out\b|\bopt (?:me|us) out\b",
    (
        r"\b(?:take|remove|get) (?:me|us|this number|my (?:\w+ )?number) (?:off|from|out)\b"
        r"(?! (?:of )?(?:(?:the|your|that) )?(?:waiting|wait|guest|booking|bookings|reservation|order|team|bus|train))"
    ),
    r"\b(?:take|remove) (?:me|us|this number|my (?:\w+ )?number)$",
    r"\bdelete (?:my (?:\w+ )?number|me)\b|\b(?:off|from) your (?:\w+ )?(?:list|database|system)\b",
    rf"\b(?:dont|do not|never)(?: ever)? {_TEXT} (?:me|us|this number|my)\b",
    rf"\b{_NOT} (?:want|wanna|wish|need) (?:\w+ ){{0,5}}?(?:texts?|messages?|msgs?|sms|spam)\b",
    r"\b(?:leave|let) (?:me|us) alone\b|\blose my number\b",
    r"^(?:(?:i )?(?:am|im) )?not interested(?: anymore)?$|^no interest$",
    r"^(?:(?:you|u)(?: have|ve)? (?:got |have )?|this is |its )?(?:the |a )?wrong (?:number|person)$",
    rf"^(?:go away|get lost|(?:{'|'.join(_RUDE_WORDS)}) off)$",
)
_HINT = re.compile("|".join(_HINTS))
_DENIED = re.compile(
    r"\b(?:dont|do not|never|cant|cannot|can not|couldnt|wont|will not|wouldnt|didnt|doesnt|not|hasnt|havent) "
    r"(?:\w+ )?(?:stop|quit|unsubscribe|cancel|remove|take|delete|leave)\b"
)

# Each demand and each hint has one of these, and few other texts do. A gap between two words may be
# whatever is no letter, since clauses are cut later. Each begins with a plain letter: a search
# then passes over all other places fast.
_GAP = r"[\W_]+"
_NOUN = r"(?:te?xt|messag|msg|sms|spam|alert|notif|update|promo|ads)"
_MENTIONS = (
    *("stop", "quit", "cease", "halt", "enough", "discontinue", "cancel", "dont", "didnt", "never"),
    *("remove", "delete", "scratch", "cross", "strike", "unsub", "opt", "interest", "wrong"),
    *(f"no{_GAP}more", f"no{_GAP}longer", f"do{_GAP}not", f"don{_GAP}t", f"did{_GAP}not"),
    *(f"{verb}{_GAP}(?:me|us|this|my)" for verb in ("take", "drop", "get", "leave", "let", "lose")),
    *(f"be{_GAP}(?:off|taken)", f"off{_GAP}your", f"from{_GAP}your", f"end{_GAP}(?=.*{_NOUN})"),
    *(f"go{_GAP}away", f"get{_GAP}lost", *(f"{word}{_GAP}off" for word in _RUDE_WORDS)),
)
_MENTION = re.compile("|".join(_MENTIONS), re.DOTALL)
