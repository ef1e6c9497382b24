from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, NotRequired, Required, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.app.state_codec import StateCodec
from cooee.core.errors import DefinitionError, StateError


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


@dataclass
class Address:
    street: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass
class Everything:
    at: datetime | None = None
    lasts: timedelta = timedelta()
    day: date | None = None
    clock: time | None = None
    price: Decimal = Decimal(0)
    id: UUID | None = None
    mood: Mood = Mood.GOOD
    seen: set[str] = field(default_factory=set)
    place: tuple[int, str] = (0, "")
    address: Address = field(default_factory=Address)
    friends: list[Address] = field(default_factory=list)
    by_name: dict[str, Address] = field(default_factory=dict)
    counts: dict[int, float] = field(default_factory=dict)
    whole: int = 0


class Person(msgspec.Struct):
    name: str = ""
    address: Address = msgspec.field(default_factory=Address, name="homeAddress")


class Cart(TypedDict):
    count: int
    owner: NotRequired[Address]


class Strict(TypedDict, total=False):
    count: Required[int]
    owner: Address


class Pet(pydantic.BaseModel):
    name: str = pydantic.Field("", alias="petName")
    born: datetime | None = None
    weight: Decimal = Decimal(0)
    address: Address = pydantic.Field(default_factory=Address)

    @pydantic.computed_field
    def shout(self) -> str:
        return self.name.upper()


@dataclass
class Owner:
    pet: Pet = field(default_factory=Pet)
    pets: list[Pet] = field(default_factory=list)


T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    content: T | None = None


@dataclass
class Plain:
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Diary:
    entries: dict[datetime, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    name: str = ""
    count: int = 1


@dataclass
class Basket:
    items: list[Item | None] = field(default_factory=list)
    gift: Item | None = None


def through(codec: StateCodec[Any], raw: bytes, change: Any = lambda _: None) -> Any:
    """What a turn makes of a stored state, as JSON."""
    state, extras = codec.decode(raw)
    changed = change(state)
    return msgspec.json.decode(codec.encode(state if changed is None else changed, extras))


# Round trips

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
addresses = st.builds(Address, street=texts, lines=st.lists(texts, max_size=2))
EARLY, LATE = datetime(2, 1, 1), datetime(9998, 1, 1)  # noqa: DTZ001 -- the zone is drawn beside them
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(EARLY, LATE, timezones=offsets)
everything = st.builds(
    Everything,
    at=st.none() | moments,
    lasts=st.timedeltas(),
    day=st.none() | st.dates(),
    clock=st.none() | st.times(),
    price=st.decimals(allow_nan=False),
    id=st.none() | st.uuids(),
    mood=st.sampled_from(Mood),
    seen=st.sets(texts, max_size=3),
    place=st.tuples(st.integers(), texts),
    address=addresses,
    friends=st.lists(addresses, max_size=3),
    by_name=st.dictionaries(texts, addresses, max_size=3),
    counts=st.dictionaries(
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        max_size=3,
    ),
    whole=st.integers(-(10**40), 10**40),
)


@given(everything)
def test_a_state_comes_back_as_it_was(state: Everything) -> None:
    codec = StateCodec(Everything)
    assert codec.decode(codec.encode(state)) == (state, ())


@given(
    st.builds(
        Pet,
        petName=texts,
        born=st.none() | moments,
        weight=st.decimals(allow_nan=False, allow_infinity=False),
    )
)
def test_a_pydantic_model_comes_back_as_it_was_alone_and_nested(pet: Pet) -> None:
    alone, nested = StateCodec(Pet), StateCodec(Owner)
    assert alone.decode(alone.encode(pet)) == (pet, ())
    owner = Owner(pet, [pet])
    assert nested.decode(nested.encode(owner)) == (owner, ())


@given(addresses, texts)
def test_a_struct_with_renamed_fields_comes_back_as_it_was(address: Address, name: str) -> None:
    codec = StateCodec(Person)
    state = Person(name, address)
    assert codec.decode(codec.encode(state)) == (state, ())


def test_a_generic_class_keeps_what_it_was_made_for() -> None:
    codec = StateCodec(Box[datetime])
    state = Box(datetime(2026, 1, 1, tzinfo=UTC))
    assert codec.decode(codec.encode(state)) == (state, ())


@pytest.mark.parametrize(
    ("cls", "new"),
    [(Everything, Everything()), (Person, Person()), (Cart, {}), (Pet, Pet()), (None, None)],
)
def test_somebody_new_starts_afresh(cls: Any, new: Any) -> None:
    codec = StateCodec(cls)
    assert codec.new_state() == new
    assert codec.decode(None) == (new, ())
    assert codec.new_state() is not codec.new_state() or cls is None
    assert codec.decode(codec.encode(codec.new_state())) == (new, ())


def test_two_people_never_share_a_default() -> None:
    codec = StateCodec(Everything)
    codec.new_state().friends.append(Address())
    assert codec.new_state().friends == []


@pytest.mark.parametrize("cls", [Cart, Strict])
def test_a_typed_dict_may_lack_keys_since_it_starts_without_any(cls: Any) -> None:
    codec = StateCodec(cls)
    state, extras = codec.decode(b'{"owner":{"street":"a","lines":[]}}')
    assert state == {"owner": Address("a")}
    state["count"] = 1
    assert msgspec.json.decode(codec.encode(state, extras))["count"] == 1


# Unknown fields


def test_unknown_fields_survive_at_every_depth() -> None:
    raw = b'{"new":1,"address":{"street":"a","zip":[1,{"x":null}]},"friends":[{"floor":2},{"street":"b"}],"by_name":{"Ann":{"floor":3}}}'

    def change(state: Everything) -> None:
        state.whole = 7
        state.address.street = "b"
        state.friends[1].street = "c"

    kept = through(StateCodec(Everything), raw, change)
    assert kept["new"] == 1
    assert kept["whole"] == 7
    assert kept["address"] == {"street": "b", "lines": [], "zip": [1, {"x": None}]}
    assert [friend.get("floor") for friend in kept["friends"]] == [2, None]
    assert kept["by_name"]["Ann"]["floor"] == 3


@pytest.mark.parametrize(
    ("cls", "raw"),
    [
        (Person, b'{"name":"Ann","homeAddress":{"street":"a","lines":[],"zip":1},"new":2}'),
        (Cart, b'{"count":1,"owner":{"street":"a","lines":[],"zip":1},"new":2}'),
        (
            Pet,
            b'{"name":"Rex","born":null,"weight":"0","address":{"street":"a","lines":[],"zip":1},"new":2}',
        ),
        (
            Owner,
            b'{"pet":{"name":"Rex","born":null,"weight":"1","address":{"street":"a","lines":[],"zip":1},"new":2},"pets":[],"new":3}',
        ),
    ],
)
def test_every_kind_of_class_writes_back_what_it_does_not_know(cls: Any, raw: bytes) -> None:
    assert through(StateCodec(cls), raw) == msgspec.json.decode(raw)


def test_a_new_state_object_inherits_the_unknown_fields() -> None:
    raw = b'{"new":1,"address":{"zip":2}}'
    kept = through(StateCodec(Everything), raw, lambda _: Everything(whole=5))
    assert kept["new"] == 1
    assert kept["address"]["zip"] == 2
    assert kept["whole"] == 5


def test_an_unknown_field_goes_where_its_object_goes() -> None:
    raw = b'{"items":[{"name":"a","tag":1},{"name":"b","tag":2},{"name":"c"}]}'

    def change(state: Basket) -> None:
        state.items.reverse()
        state.gift = state.items.pop()
        state.items.append(Item("d"))

    kept = through(StateCodec(Basket), raw, change)
    assert [item.get("tag") for item in kept["items"]] == [None, 2, None]
    assert kept["gift"]["tag"] == 1


def test_a_newcomer_gets_no_unknown_field_of_an_object_that_only_moved() -> None:
    def change(state: Basket) -> None:
        state.items.insert(0, Item("new"))

    kept = through(StateCodec(Basket), b'{"items":[{"name":"a","tag":1}]}', change)
    assert [item.get("tag") for item in kept["items"]] == [None, 1]


def test_an_unknown_field_leaves_with_its_object() -> None:
    raw = b'{"items":[{"name":"a","tag":1},{"name":"b","count":1}]}'

    def change(state: Basket) -> None:
        del state.items[0]

    assert through(StateCodec(Basket), raw, change)["items"] == [{"name": "b", "count": 1}]


def test_a_frozen_object_replaced_in_its_place_hands_its_unknown_fields_on() -> None:
    raw = b'{"items":[{"name":"a","tag":1}],"gift":{"name":"g","tag":9}}'

    def change(state: Basket) -> None:
        state.items[0] = replace(state.items[0], count=5)
        state.gift = None

    kept = through(StateCodec(Basket), raw, change)
    assert kept["items"] == [{"name": "a", "count": 5, "tag": 1}]
    assert kept["gift"] is None


def test_a_key_removed_from_a_plain_dict_stays_removed() -> None:
    def change(state: Plain) -> None:
        del state.notes["a"]
        del state.notes["deep"]["x"]

    kept = through(
        StateCodec(Plain), b'{"new":1,"notes":{"a":1,"b":2,"deep":{"x":1,"y":2}}}', change
    )
    assert kept == {"new": 1, "notes": {"b": 2, "deep": {"y": 2}}}


def test_a_known_key_removed_from_a_typed_dict_stays_removed() -> None:
    def change(state: Cart) -> None:
        del state["count"]

    assert through(StateCodec(Cart), b'{"count":1,"new":2}', change) == {"new": 2}


def test_a_key_that_we_write_otherwise_is_not_kept_twice() -> None:
    def change(state: Diary) -> None:
        state.entries[datetime(2020, 1, 1, tzinfo=UTC)] = "new"

    kept = through(StateCodec(Diary), b'{"entries":{"2020-01-01T00:00:00+00:00":"old"}}', change)
    assert kept == {"entries": {"2020-01-01T00:00:00Z": "new"}}


def test_what_the_class_learns_to_know_is_read_and_not_kept_beside() -> None:
    older = StateCodec(Plain)
    state, extras = older.decode(b'{"street":"a","notes":{}}')
    newer, rest = StateCodec(Address).decode(older.encode(state, extras))
    assert newer.street == "a"
    assert [kept.fields for kept in rest] == [{"notes": {}}]


def test_an_app_that_dropped_its_state_deletes_nothing() -> None:
    codec = StateCodec(None)
    raw = b'{"count":  3}'
    state, extras = codec.decode(raw)
    assert state is None
    assert codec.encode(None, extras) == raw
    assert StateCodec(Plain).decode(codec.encode(None))[0] == Plain()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
strangers = st.dictionaries(
    st.sampled_from(["new", "later", "", "ünknown"]), json_values, max_size=2
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A stored tree of nodes, each with unknown fields, some with their known ones missing."""
    tree = draw(strangers) | {"tag": draw(texts)}
    if depth:
        below = trees(depth - 1)
        tree |= {
            "kids": draw(st.lists(below, max_size=2)),
            "named": draw(st.dictionaries(texts, below, max_size=2)),
        }
        if draw(st.booleans()):
            tree["one"] = draw(below)
    return tree


@dataclass
class Node:
    tag: str = ""
    kids: list[Node] = field(default_factory=list)
    named: dict[str, Node] = field(default_factory=dict)
    one: Node | None = None


def nodes(state: Node) -> list[Node]:
    below = [*state.kids, *state.named.values(), *([state.one] if state.one else [])]
    return [state, *(each for node in below for each in nodes(node))]


def unknown(tree: Any) -> list[Any]:
    """Every node's unknown fields, in the order of `nodes`."""
    below = [
        *tree.get("kids", []),
        *tree.get("named", {}).values(),
        *([tree["one"]] if tree.get("one") else []),
    ]
    own = {
        name: value for name, value in tree.items() if name not in {"tag", "kids", "named", "one"}
    }
    return [own, *(each for node in below for each in unknown(node))]


@given(trees(), st.booleans(), st.data())
def test_unknown_fields_survive_reading_changing_and_writing(
    tree: Any, turn: bool, data: st.DataObject
) -> None:
    codec = StateCodec(Node)
    state, extras = codec.decode(msgspec.json.encode(tree))
    expected = unknown(tree)
    for node in nodes(state):
        node.tag = data.draw(texts)
    if turn:
        state.kids = state.kids[::-1]
        tree["kids"] = tree.get("kids", [])[::-1]
        expected = unknown(tree)
    written = codec.encode(state, extras)
    assert unknown(msgspec.json.decode(written)) == expected
    assert codec.decode(written)[0] == state


@given(trees(), st.data())
def test_a_removed_node_is_gone_and_all_others_keep_theirs(tree: Any, data: st.DataObject) -> None:
    codec = StateCodec(Node)
    state, extras = codec.decode(msgspec.json.encode(tree))
    holder = data.draw(
        st.sampled_from([at for at, node in enumerate(nodes(state)) if node.kids] or [0])
    )
    if not nodes(state)[holder].kids:
        return
    del nodes(state)[holder].kids[0]
    del tree_nodes(tree)[holder]["kids"][0]
    assert unknown(msgspec.json.decode(codec.encode(state, extras))) == unknown(tree)


def tree_nodes(tree: Any) -> list[Any]:
    below = [
        *tree.get("kids", []),
        *tree.get("named", {}).values(),
        *([tree["one"]] if tree.get("one") else []),
    ]
    return [tree, *(each for node in below for each in tree_nodes(node))]


# What is refused


def test_another_class_is_refused_and_named() -> None:
    with pytest.raises(StateError, match=r"given a Address, and this app's state is a Person"):
        StateCodec(Person).encode(Address())  # type: ignore[arg-type]
    with pytest.raises(StateError, match=r"given a NoneType.*Assign a Person"):
        StateCodec(Person).encode(None)  # type: ignore[arg-type]
    with pytest.raises(StateError, match=r"given a dict, and this app has no state"):
        StateCodec(None).encode({})


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Everything(whole="three"), r"Expected `int`, got `str` - at `\$\.whole`"),
        (Everything(counts={1: float("nan")}), r"Expected `float`, got `null`"),
        (Everything(address=Address("\ud800")), "surrogates not allowed"),
        (Everything(id=object()), "JSON has no form for a object"),
    ],
)
def test_what_could_not_be_read_again_is_refused_when_it_is_written(state: Any, words: str) -> None:
    with pytest.raises(StateError, match=words):
        StateCodec(Everything).encode(state)


def test_a_model_that_was_filled_past_its_types_is_refused_without_its_words() -> None:
    pet = Pet()
    pet.born = "Sunday in secret"
    with pytest.raises(StateError, match=r"valid datetime.*at `born`") as refused:
        StateCodec(Pet).encode(pet)
    assert "Sunday" not in str(refused.value)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"3", b'"x"', b"\xff", b'{"whole":"x"}', b'{"a":' * 5000]
)
def test_an_unreadable_state_names_the_class_and_what_to_do(raw: bytes) -> None:
    with pytest.raises(StateError, match=r"cannot be read as Everything: .*cooee forget"):
        StateCodec(Everything).decode(raw)


def test_an_unreadable_state_names_the_path() -> None:
    with pytest.raises(
        StateError, match=r"Expected `str`, got `int` - at `\$\.friends\[0\]\.street`"
    ):
        StateCodec(Everything).decode(b'{"friends":[{"street":3}]}')
    with pytest.raises(StateError, match=r"at `born`.*at `\$\.pets\[0\]`"):
        StateCodec(Owner).decode(b'{"pets":[{"born":"never"}]}')


@dataclass
class Needy:
    name: str
    age: int
    fine: int = 0


class NeedyStruct(msgspec.Struct):
    name: str
    age: int
    fine: int = 0


class NeedyModel(pydantic.BaseModel):
    name: str
    age: int
    fine: int = 0


@pytest.mark.parametrize("cls", [Needy, NeedyStruct, NeedyModel])
def test_fields_without_a_default_are_named_when_the_app_is_made(cls: Any) -> None:
    with pytest.raises(DefinitionError, match=rf"{cls.__name__} .*needs a default: name, age\. "):
        StateCodec(cls)


@dataclass
class Broken:
    ratio: float = float("nan")


@dataclass
class Angry:
    name: str = ""

    def __post_init__(self) -> None:
        raise RuntimeError("not today")


@dataclass
class Lost:
    there: Nowhere | None = None  # noqa: F821


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (int, "not a class that can be stored. Make it a dataclass"),
        (dict, "not a class that can be stored"),
        (Address(), "not a class that can be stored"),
        (Broken, "Broken.. cannot be made and stored"),
        (Angry, "not today"),
        (Lost, "Nowhere"),
    ],
)
def test_a_class_that_cannot_be_stored_is_refused_when_the_app_is_made(
    cls: Any, words: str
) -> None:
    with pytest.raises(DefinitionError, match=words):
        StateCodec(cls)


def test_pydantic_is_not_imported_for_apps_without_it() -> None:
    program = "import sys; from dataclasses import dataclass\nfrom cooee.core.app.state_codec import StateCodec\n@dataclass\nclass A:\n    n: int = 0\nStateCodec(A).decode(b'{\"x\":1}')\nassert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
