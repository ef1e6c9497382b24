"""Programs that hold conversations: made at random, edited at random, rendered as Python."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

KINDS = ("str", "int", "yes", "pick", "any", "cut")
HELPERS = 2


class Tape:
    """Choices, read from bytes; where they end, everything is the simplest."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def pick(self, n: int) -> int:
        value = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return value % n

    def chance(self, percent: int) -> bool:
        return self.pick(100) >= 100 - percent

    @property
    def over(self) -> bool:
        return self._at >= len(self._data)


@dataclass(frozen=True)
class Statement:
    """One statement; what its fields mean depends on `what`."""

    what: str
    id: int
    rev: int = 0
    was: tuple[int, ...] = ()
    ref: int = 0
    kind: str = "str"
    keyed: bool = False
    timed: bool = False
    options: tuple[str, ...] = ("ann", "bob")
    amount: int = 1
    body: tuple[Statement, ...] = ()
    other: tuple[Statement, ...] = ()


@dataclass
class Maker:
    """Makes statements; no id comes twice.

    Where its edits are `unseen`, they are like a library's or a file's: none asks for another type
    or other options, since unchanged code does not check its records. Programs with `flow` end in
    the middle, and ask in generators.
    """

    tape: Tape
    unseen: bool = False
    flow: bool = False
    ids: int = 0
    asks: list[int] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)

    def program(self) -> tuple[Statement, ...]:
        return tuple(self.statement(0) for _ in range(2 + self.tape.pick(7)))

    def statement(self, depth: int) -> Statement:
        pick = self.tape.pick
        weights = (
            ["ask"] * 6
            + ["say"] * 3
            + ["add", "add", "set", "once", "once", "sleep", "tell", "anew"]
            + ["note", "hold", "hold", "mark", "mark", "nap"]
        )
        if depth < 2:
            weights += ["if", "if", "loop", "help"]
        if self.flow:
            weights += ["end", "walk", "walk"]
        what = weights[pick(len(weights))]
        self.ids += 1
        made = Statement(what, self.ids, ref=self.reference(), keyed=pick(3) == 1)
        if what == "ask":
            self.asks.append(made.id)
            return replace(made, kind=KINDS[pick(len(KINDS))], timed=pick(5) == 1)
        if what == "hold":
            self.holds.append(made.id)
        if what == "mark":
            ref = self.holds[pick(len(self.holds))] if self.holds else 0
            return replace(made, ref=ref, amount=1 + pick(9))
        if what == "add":
            return replace(made, amount=1 + pick(9))
        if what == "help":
            return replace(made, amount=pick(HELPERS))
        if what in {"if", "loop"}:
            body = tuple(self.statement(depth + 1) for _ in range(1 + pick(3)))
            other = tuple(self.statement(depth + 1) for _ in range(pick(3)))
            return replace(made, body=body, other=other if what == "if" else ())
        return made

    def reference(self) -> int:
        return self.asks[self.tape.pick(len(self.asks))] if self.asks else 0


# Editing


def edited(program: tuple[Statement, ...], maker: Maker) -> tuple[Statement, ...]:
    """The program after one edit, somewhere."""
    pick = maker.tape.pick
    kind = pick(9)
    if kind <= 2 or not program:
        return _inserted(program, maker.statement(1), maker.tape)
    if kind == 3:
        return _without(program, pick(_size(program)))[0]
    if kind <= 5:
        rest, taken = _without(program, pick(_size(program)))
        return _inserted(rest, taken, maker.tape)
    return _changed(program, pick(_size(program)), maker)


def reworded(program: tuple[Statement, ...], key: str) -> tuple[Statement, ...]:
    """The program with its waiting question in other words, its nap of another length."""
    return tuple(
        replace(
            each,
            rev=each.rev
            + (key in {f"Q{each.id}r{each.rev}", str(timedelta(hours=nap_hours(each)))}),
            body=reworded(each.body, key),
            other=reworded(each.other, key),
        )
        for each in program
    )


def nap_hours(each: Statement) -> int:
    """How long a nap is: known by that alone."""
    return 1 + (each.id * 7 + each.rev) % 11 if each.what == "nap" else 0


def _size(block: tuple[Statement, ...]) -> int:
    return sum(1 + _size(each.body) + _size(each.other) for each in block)


def _inserted(
    block: tuple[Statement, ...], new: Statement, tape: Tape, depth: int = 0
) -> tuple[Statement, ...]:
    place = tape.pick(len(block) + 1)
    if place < len(block) and block[place].what in {"if", "loop"} and depth < 2 and tape.pick(2):
        inner = replace(block[place], body=_inserted(block[place].body, new, tape, depth + 1))
        return (*block[:place], inner, *block[place + 1 :])
    return (*block[:place], new, *block[place:])


def _without(block: tuple[Statement, ...], place: int) -> tuple[tuple[Statement, ...], Statement]:
    for index, each in enumerate(block):
        if place == 0:
            return (*block[:index], *block[index + 1 :]), each
        place -= 1
        for name in ("body", "other"):
            inner = getattr(each, name)
            if place < _size(inner):
                rest, taken = _without(inner, place)
                return (*block[:index], replace(each, **{name: rest}), *block[index + 1 :]), taken
            place -= _size(inner)
    raise AssertionError


def _changed(block: tuple[Statement, ...], place: int, maker: Maker) -> tuple[Statement, ...]:
    for index, each in enumerate(block):
        if place == 0:
            return (*block[:index], _mended(each, maker), *block[index + 1 :])
        place -= 1
        for name in ("body", "other"):
            inner = getattr(each, name)
            if place < _size(inner):
                changed = replace(each, **{name: _changed(inner, place, maker)})
                return (*block[:index], changed, *block[index + 1 :])
            place -= _size(inner)
    raise AssertionError


def _mended(each: Statement, maker: Maker) -> Statement:
    """The statement in other words, of another type, with another bound."""
    pick = maker.tape.pick
    if each.what == "ask":
        how = pick(2 if maker.unseen else 5)
        if how <= 1:
            return _reworded(each, pick(4))
        if each.kind == "cut" and how != 4:  # the same function by its name, which does else
            return replace(each, amount=each.amount + 1)
        if how == 4:
            return replace(each, kind=KINDS[pick(len(KINDS))])
        if how == 2:
            return replace(each, options=(f"new{maker.ids}x", *each.options))
        return replace(each, options=each.options[1:] or ("zoe",), timed=not each.timed)
    if each.what in {"if", "loop"}:
        return replace(each, ref=maker.reference(), rev=each.rev + 1)
    return replace(each, rev=each.rev + 1, amount=each.amount + 1)


def _reworded(each: Statement, how: int) -> Statement:
    """The question in other words, which may name its former ones, the last or all; or without."""
    if how == 3:
        return replace(each, was=())
    was = [(), (each.rev,), (each.rev, *each.was)][how]
    return replace(each, rev=each.rev + 1, was=was)


# Rendering


def render(program: tuple[Statement, ...]) -> str:
    """The program as Python; `chat` is all it needs."""
    names = sorted({name for each in _all(program) for name in _names(each)})
    lines = ["async def handler(chat):"]
    lines += [f"    {name} = None" for name in names]
    holders = [each for each in _all(program) if each.what in {"hold", "mark"}]
    lines += [f"    h{each.id if each.what == 'hold' else each.ref} = None" for each in holders]
    lines += _block(program, 1, "")
    lines += [f"    return 'END ' + repr([{', '.join(names)}])", ""]
    for number in range(HELPERS):
        lines += [
            f"async def helper{number}(chat, tag):",
            f"    answer = await chat.ask('Q{900 + number}r0')",
            f"    chat.say(f'S{900 + number}r0 {{tag}} {{answer}}')",
            "    return answer",
            "",
        ]
    lines += [
        "async def questions(chat):",
        "    for words in ('Q910r0', 'Q911r0', 'Q912r0'):",
        "        yield await chat.ask(words)",
    ]
    return "\n".join(lines)


def _all(block: tuple[Statement, ...]) -> list[Statement]:
    return [one for each in block for one in (each, *_all(each.body), *_all(each.other))]


def _names(each: Statement) -> list[str]:
    names = {"ask": "a", "help": "a", "walk": "a", "once": "o"}
    found = [f"{names[each.what]}{each.id}"] if each.what in names else []
    if each.what in {"hold", "mark"}:
        return found
    return found + ([f"a{each.ref}"] if each.ref else [])


def ambiguous(program: tuple[Statement, ...]) -> bool:
    """Whether a helper is called without a part, so that two calls may ask the same."""
    return any(each.what == "help" and each.keyed for each in _all(program))


def _block(block: tuple[Statement, ...], depth: int, scope: str) -> list[str]:
    indent = "    " * depth
    return [indent + line for each in block for line in _lines(each, scope)] or [indent + "pass"]


def _lines(each: Statement, scope: str) -> list[str]:
    return _RENDERED[each.what](each, scope)


def _ask(each: Statement, _: str) -> list[str]:
    words = f"'Q{each.id}r{each.rev}'"
    how = f", key='k{each.id}'" if each.keyed else ""
    if each.was and not each.keyed and each.kind != "any":
        former = [f"Q{each.id}r{rev}" for rev in each.was]
        how += f", was={former if len(former) > 1 else former[0]!r}"
    if each.timed:
        how += ", timeout=HOURS(10), default='dflt'"
    call = {
        "str": f"chat.ask({words}{how})",
        "int": f"chat.ask({words}, int{how})",
        "yes": f"chat.confirm({words}{how})",
        "pick": f"chat.choose({words}, {list(each.options)!r}{how})",
        "any": f"chat.receive({how[2:]})",
        "cut": f"chat.ask({words}, CUT({each.amount}){how})",
    }[each.kind]
    return [f"a{each.id} = await {call}"]


def _say(each: Statement, scope: str) -> list[str]:
    return [
        f"chat.say(f'S{each.id}r{each.rev}{scope} {{a{each.ref}}}')"
        if each.ref
        else f"chat.say(f'S{each.id}r{each.rev}{scope}')"
    ]


def _tell(each: Statement, scope: str) -> list[str]:
    name = f"T{each.id}{scope}"
    return [f"chat.say(f'{name} n={{chat.state.n}} s={{chat.state.s}}', key=f'{name}')"]


def _if(each: Statement, scope: str) -> list[str]:
    test = f"ODD(a{each.ref}, {each.rev})" if each.ref else f"ODD(0, {each.rev})"
    return [f"if {test}:", *_block(each.body, 1, scope), "else:", *_block(each.other, 1, scope)]


def _loop(each: Statement, scope: str) -> list[str]:
    bound = f"BOUND(a{each.ref}, {each.rev})" if each.ref else f"BOUND(2, {each.rev})"
    index = f"i{each.id}"
    return [f"for {index} in range({bound}):", *_block(each.body, 1, f"{scope}@{{{index}}}")]


def _help(each: Statement, scope: str) -> list[str]:
    call = f"a{each.id} = await helper{each.amount % HELPERS}(chat, f't{each.id}{scope}')"
    return [call] if each.keyed else [f"with chat.part('t{each.id}'):", f"    {call}"]


def _walk(each: Statement, scope: str) -> list[str]:
    """Walk through a generator that asks, and leave it at an answer: closed there, or dropped."""
    loop = [f"async for a{each.id} in answers:", f"    if ODD(a{each.id}, {each.rev}):"]
    loop += ["        break"]
    if each.keyed:
        body = ["answers = questions(chat)", *loop, "del answers"]
    else:
        inner = [f"    {line}" for line in loop]
        body = ["async with ACLOSING(questions(chat)) as answers:", *inner]
    return [f"with chat.part('t{each.id}{scope}'):", *(f"    {line}" for line in body)]


def _end(each: Statement, scope: str) -> list[str]:
    """End after an answer, whatever catches the end, and try to go on."""
    caught = "BaseException" if each.keyed else "Exception"
    return (
        [
            f"if a{each.ref} is not None and ODD(a{each.ref}, {each.rev}):",
            "    try:",
            f"        chat.end(f'E{each.id}r{each.rev}{scope}')",
            f"    except {caught}:",
            "        chat.say('never')",
        ]
        if each.ref
        else []
    )


def _anew(each: Statement, _: str) -> list[str]:
    """Begin anew, twice at most, and never before something was answered."""
    return (
        [
            f"if a{each.ref} is not None and chat.state.rounds < 2 and ODD(a{each.ref}, {each.rev}):",
            "    chat.state.rounds += 1",
            "    return chat.restart()",
        ]
        if each.ref
        else []
    )


def _once(each: Statement, scope: str) -> list[str]:
    """A once whose key is the same after each edit, or another one with `was`."""
    names = [f"o{each.id}r{rev}{scope}" for rev in range(each.rev if each.keyed else 0, -1, -1)]
    key, *was = [f"f'{name}'" for name in names]
    former = f"[{', '.join(was)}]"
    return [f"o{each.id} = await chat.once(DO, {key}, {former}, key={key}, was={former})"]


_RENDERED: dict[str, Any] = {
    "ask": _ask,
    "say": _say,
    "tell": _tell,
    "if": _if,
    "loop": _loop,
    "help": _help,
    "anew": _anew,
    "walk": _walk,
    "end": _end,
    "add": lambda each, _: [f"chat.state.n += {each.amount}"],
    "set": lambda each, _: [f"chat.state.s = 's{each.id}r{each.rev}'"],
    "once": _once,
    "note": lambda each, scope: [f"chat.state.log.append(f'l{each.id}r{each.rev}{scope}')"],
    "hold": lambda each, scope: [
        f"h{each.id} = ITEM(f'h{each.id}.{{chat.state.rounds}}{scope}')",
        f"chat.state.items.append(h{each.id})",
    ],
    "mark": lambda each, _: [
        f"if h{each.ref} is not None:",
        f"    h{each.ref}.marks += {each.amount}",
    ],
    "nap": lambda each, _: [f"await chat.sleep(HOURS({nap_hours(each)}))"],
    "sleep": lambda each, scope: [f"await chat.sleep(HOURS(5), key=f'z{each.id}{scope}')"],
}


def odd(value: object, rev: int) -> bool:
    return (sum(map(ord, str(value))) + rev) % 2 == 1


def bound(value: object, rev: int) -> int:
    return (sum(map(ord, str(value))) + rev) % 3


class Kept:
    """A value that cannot be stored."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __repr__(self) -> str:
        return f"<{self.words}>"


def cut(n: int) -> Any:
    """A type of answers that does something else for each `n`; every second one cannot be stored."""

    def answer(text: str) -> Any:
        if not text.startswith("w"):
            raise KeyError(text)
        words = f"{text}{'~' * n}"
        return words if n % 2 else Kept(words)

    answer.label = f"cut{n}"  # type: ignore[attr-defined]  # for the model, which keeps no code
    return answer
