"""What a handler holds of the state stays the state's, whatever other handlers change meanwhile."""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, model_validator

from cooee.core.app.state_codec import StateCodec
from cooee.core.dialogue.state_merge import apply_diffs
from cooee.core.dialogue.state_snapshot import StateSnapshot


@dataclass
class Item:
    what: str = ""
    price: int = 0


@dataclass
class Order:
    id: int = 0
    status: str = "new"
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Rate:
    percent: int = 0
    history: list[int] = field(default_factory=list)


class Packet(msgspec.Struct, array_like=True, tag=True):
    weight: int = 0
    marks: list[str] = []


class Seal(msgspec.Struct, frozen=True, gc=False):
    colour: str = "red"


class Sealed(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    first_seal: Seal = Seal()
    all_marks: list[str] = []


@attrs.define
class Crate:
    size: int = attrs.field(default=1, validator=attrs.validators.gt(0))
    labels: list[str] = attrs.Factory(list)


@dataclass
class State:
    orders: list[Order] = field(default_factory=list)
    current: Order | None = None
    by_name: dict[str, Order] = field(default_factory=dict)
    by_day: dict[date, list[str]] = field(default_factory=dict)
    rows: list[list[int]] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    pair: tuple[Order, int] = field(default_factory=lambda: (Order(), 0))
    rate: Rate = field(default_factory=Rate)
    packets: list[Packet] = field(default_factory=list)
    sealed: Sealed = field(default_factory=Sealed)
    crate: Crate = field(default_factory=Crate)
    count: int = 0
    notes: list[str] = field(default_factory=list)


CODEC = StateCodec(State)


def elsewhere(state, change, codec=CODEC):
    """Another handler's change: its diff, from the state as it is stored now."""
    raw = codec.encode(state)
    theirs = codec.decode(raw)[0]
    snapshot = StateSnapshot(theirs, raw)
    new = change(theirs)
    theirs = new if isinstance(new, type(state)) else theirs
    stored = msgspec.json.decode(
        msgspec.json.encode(snapshot.diff_to(theirs, codec.encode(theirs)))
    )
    return stored, theirs


def merged(state, *changes, codec=CODEC):
    """The state after others' changes: it has to be theirs, since nothing of ours came between."""
    for change in changes:
        diff, theirs = elsewhere(state, change, codec)
        state, _ = apply_diffs(codec, state, (), [diff] if diff else [])
        assert state == theirs
    return state


def append(*orders):
    return lambda state: state.orders.extend(orders)


# What other handlers do to a list, while ours holds its first element. Still in the list after it?
LIST_CHANGES: dict[str, tuple[Any, bool]] = {
    "append": (append(Order(9)), True),
    "append many": (append(Order(8), Order(9)), True),
    "insert in front": (lambda state: state.orders.insert(0, Order(9)), True),
    "insert in the middle": (lambda state: state.orders.insert(1, Order(9)), True),
    "remove the other": (lambda state: state.orders.pop(1), True),
    "remove it": (lambda state: state.orders.pop(0), False),
    "remove all": (lambda state: state.orders.clear(), False),
    "remove it and append": (
        lambda state: (state.orders.pop(0), state.orders.append(Order(9))),
        False,
    ),
    "another in its place": (lambda state: state.orders.__setitem__(0, Order(9)), False),
    "another with the same words": (
        lambda state: state.orders.__setitem__(0, Order(1, "b")),
        False,
    ),
    "the other replaced": (lambda state: state.orders.__setitem__(1, Order(9)), True),
    "reverse": (lambda state: state.orders.reverse(), True),
    "sort, and change": (
        lambda state: (
            state.orders.sort(key=lambda order: -order.id),
            setattr(state.orders[-1], "status", "sent"),
        ),
        True,
    ),
    "change it": (lambda state: setattr(state.orders[0], "status", "sent"), True),
    "change all of it": (lambda state: state.orders[0].__init__(7, "x", [Item("tea")]), True),
    "change it and append": (
        lambda state: (
            setattr(state.orders[0], "status", "sent"),
            state.orders.append(Order(9)),
        ),
        True,
    ),
    "change inside it": (lambda state: state.orders[0].items.append(Item("cake")), True),
    "another list of the same": (
        lambda state: setattr(state, "orders", [Order(9), *state.orders]),
        True,
    ),
    "filter": (lambda state: setattr(state, "orders", [state.orders[0]]), True),
    "a whole new state": (
        lambda state: State(orders=[copy.deepcopy(each) for each in state.orders], count=1),
        True,
    ),
}


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_an_element_that_the_handler_holds_stays_that_element(change):
    change, stays = LIST_CHANGES[change]
    order, orders = Order(1, items=[Item("tea", 3)]), list[Order]()
    state = State(orders=orders)
    orders += [order, Order(2)]
    items = order.items
    state = merged(state, change)
    order.status = "paid"
    items.append(Item("milk"))
    orders.append(Order(3))
    assert any(each is order for each in state.orders) == stays
    assert [each.status for each in state.orders].count("paid") == stays
    assert state.orders[-1].id == 3
    assert not stays or order.items is items
    CODEC.encode(state)


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_a_merge_says_what_a_second_and_third_merge_say(change):
    change, _ = LIST_CHANGES[change]
    state = State(orders=[Order(1, items=[Item("tea", 3)]), Order(2)])
    for _ in range(3):
        state = merged(state, change, append(Order(5), Order(6)))


def test_values_of_dicts_nested_containers_and_attributes_keep_their_identity():
    order, row, days = Order(1), [1], ["a"]
    state = State(
        by_name={"x": order}, rows=[row], by_day={date(2026, 3, 1): days}, pair=(Order(4), 1)
    )
    first, rate, packets = state.pair[0], state.rate.history, state.packets
    marks, crate, seals = ["m"], state.crate, state.sealed
    packets.append(Packet(1, marks))

    def change(theirs):
        theirs.by_name["y"] = Order(2)
        theirs.by_name["x"].items.append(Item("tea"))
        theirs.rows.insert(0, [0])
        theirs.rows[1].append(2)
        theirs.by_day[date(2026, 3, 1)].append("b")
        theirs.by_day[date(2026, 3, 2)] = ["c"]
        theirs.pair[0].status = "sent"
        theirs.pair = (theirs.pair[0], 2)
        theirs.rate = Rate(5, theirs.rate.history)
        theirs.rate.history.append(5)
        theirs.packets[0].marks.append("n")
        theirs.packets.append(Packet(2))
        theirs.crate.labels.append("up")
        theirs.sealed.all_marks.append("z")
        theirs.sealed.first_seal = Seal("blue")
        theirs.tags.add("t")

    tags = state.tags
    state = merged(state, change)
    assert state.by_name["x"] is order
    assert state.rows[1] is row
    assert state.by_day[date(2026, 3, 1)] is days
    assert state.pair[0] is first
    assert state.rate.history is rate
    assert state.packets[0].marks is marks
    assert state.crate is crate
    assert state.sealed is seals
    assert state.tags is tags


def test_an_object_at_two_places_of_the_state_stays_one_and_changes_once():
    order = Order(1)
    state = State(orders=[order], current=order, by_name={"x": order})

    def change(theirs):
        for each in (theirs.orders[0], theirs.current, theirs.by_name["x"]):
            each.id += 10
            each.items.append(Item("tea"))
        theirs.orders.append(Order(9))

    state = merged(state, change)
    assert state.orders[0] is state.current is state.by_name["x"] is order
    diff, _ = elsewhere(state, lambda theirs: setattr(theirs.current, "status", "sent"))
    state, _ = apply_diffs(CODEC, state, (), [diff])
    diff, _ = elsewhere(state, lambda theirs: setattr(theirs.orders[0], "id", 12))
    state, _ = apply_diffs(CODEC, state, (), [diff])
    assert (order.status, order.id, len(order.items)) == ("sent", 12, 1)


def test_a_list_in_two_fields_stays_one_and_grows_once():
    rows = [[1]]
    state = State(rows=rows, by_name={"x": Order(items=(items := [Item("tea")]))})
    state.orders = [Order(items=items)]

    def change(theirs):
        theirs.orders[0].items.append(Item("cake"))
        theirs.by_name["x"].items.append(Item("cake"))

    merged(state, change)
    assert len(items) == 2


def test_a_container_of_another_class_is_kept_too():
    names: Any = defaultdict(Order)
    state = State(by_name=names)
    state = merged(state, lambda theirs: theirs.by_name.update(x=Order(1)))
    names["y"].status = "paid"
    assert state.by_name["y"].status == "paid"


# Lists that several handlers write


def test_what_ours_made_otherwise_than_before_is_found_by_what_it_is():
    """An edit: today's code puts another order in front, and words another differently."""
    theirs = State(orders=[Order(1), Order(2)], notes=["a", "b"])

    def change(state):
        state.orders[1].status = "sent"
        state.orders.pop(0)
        state.orders.append(Order(9))
        state.notes.remove("a")
        state.notes.append("c")

    diff, _ = elsewhere(theirs, change)
    ours = State(orders=[Order(7), Order(1), Order(2)], notes=["x", "a", "b", "y"])
    second = ours.orders[2]
    ours, _ = apply_diffs(CODEC, ours, (), [diff])
    assert [each.id for each in ours.orders] == [7, 2, 9]
    assert ours.orders[1] is second
    assert second.status == "sent"
    assert ours.notes == ["x", "b", "y", "c"]


def test_the_same_change_of_equal_lists_is_made_in_each():
    state = State(rows=[[1], [1], [1]], orders=[Order(1), Order(1)])

    def change(theirs):
        for row in theirs.rows:
            row.append(2)
        for order in theirs.orders:
            order.items.append(Item("tea"))
            order.id += 1

    merged(state, change, change)


lists = st.lists(st.integers(0, 5), max_size=6)


@given(lists, lists)
def test_a_diff_of_two_lists_makes_one_of_the_other(before, after):
    state = State(rows=[before], tags=set(map(str, before)), notes=list(map(str, before)))

    def change(theirs):
        theirs.rows[0][:] = after
        theirs.tags = set(map(str, after))
        theirs.notes = list(map(str, after))

    merged(state, change)


@given(lists, lists, lists)
def test_a_diff_applied_to_another_list_keeps_what_only_that_one_has(before, after, own):
    own = [each + 100 for each in own]
    diff, _ = elsewhere(
        State(notes=list(map(str, before))), lambda state: state.notes.__init__(map(str, after))
    )
    ours, _ = apply_diffs(CODEC, State(notes=list(map(str, [*before, *own]))), (), [diff])
    assert [each for each in ours.notes if int(each) >= 100] == list(map(str, own))
    assert sorted(each for each in ours.notes if int(each) < 100) == sorted(map(str, after))


orders = st.lists(st.integers(0, 3), max_size=5)


@given(orders, st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6))
def test_elements_go_where_the_other_handler_put_them(ids, moves):
    """The list in memory is the model: the same objects, moved, changed, added and removed."""

    def change(orders, new):
        for at, to in moves:
            if at == 5 or not orders:
                orders.insert(min(to, len(orders)), new())
            elif to == 5:
                orders.pop(at % len(orders))
            else:
                order = orders.pop(at % len(orders))
                order.id += 1
                orders.insert(to, order)

    held = [Order(each) for each in ids]
    model = list(held)
    state = State(orders=list(held))
    diff, _ = elsewhere(state, lambda theirs: change(theirs.orders, lambda: Order(50)))
    changed = copy.deepcopy(held)
    change(by_identity := list(changed), lambda: Order(50))
    names = {id(each): at for at, each in enumerate(changed)}
    state, _ = apply_diffs(CODEC, state, (), [diff])
    assert state.orders == by_identity
    places = {id(each): at for at, each in enumerate(model)}
    expected = [names.get(id(each)) for each in by_identity]
    assert [places.get(id(each)) for each in state.orders] == expected


@dataclass
class Node:
    """An object that holds others in every way."""

    n: int = 0
    nodes: list[Node] = field(default_factory=list)
    by_key: dict[str, Node] = field(default_factory=dict)
    one: Node | None = None
    numbers: list[int] = field(default_factory=list)


NODES = StateCodec(Node)
CHANGES = [
    "add",
    "put",
    "set",
    "move",
    "move to key",
    "move to field",
    "turn",
    "pop",
    "n",
    "numbers",
]


def all_nodes(node):
    found = [node]
    for each in found:
        found += each.nodes + [each.by_key[key] for key in sorted(each.by_key)]
        found += [each.one] * (each.one is not None)
    return found


def change_nodes(root, name, change, at, to):
    """One change somewhere in a tree of nodes: the same in every copy of the tree."""
    nodes = all_nodes(root)
    node, target = nodes[at % len(nodes)], nodes[to % len(nodes)]
    if change.startswith("move"):
        if not node.nodes or target in all_nodes(moved := node.nodes[to % len(node.nodes)]):
            return
        node.nodes.remove(moved)
        if change == "move":
            target.nodes.insert(to % 3, moved)
        elif change == "move to key":
            target.by_key[str(to % 3)] = moved
        else:
            target.one = moved
    elif change == "add":
        node.nodes.insert(to % 3, Node(name))
    elif change == "put":
        node.by_key[str(to % 3)] = Node(name)
    elif change == "set":
        node.one = Node(name)
    elif change == "turn":
        node.nodes.reverse()
    elif change == "pop" and node.nodes:
        node.nodes.pop(to % len(node.nodes))
    elif change == "n":
        node.n += 1
    elif change == "numbers":
        node.numbers.append(to)


changes = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 20), st.integers(0, 20)), max_size=8
)


@given(changes, changes)
def test_whatever_is_changed_in_lists_each_object_stays_that_object(made, changed):
    """The model is the tree of nodes in memory, changed by the same steps."""
    state = Node()
    for at, change in enumerate(made):
        change_nodes(state, at * 100, *change)
    model = copy.deepcopy(state)
    twins = dict(zip(map(id, all_nodes(model)), all_nodes(state), strict=True))
    in_lists = {id(each) for node in all_nodes(model) for each in node.nodes}
    kept_alive = all_nodes(model)

    def change(theirs):
        for at, each in enumerate(changed):
            change_nodes(theirs, 10_000 + at * 100, *each)

    diff, theirs = elsewhere(state, change, NODES)
    change(model)
    merged_state, _ = apply_diffs(NODES, state, (), [diff] if diff else [])
    assert merged_state == theirs == model
    assert kept_alive
    for node, in_model in zip(all_nodes(merged_state), all_nodes(model), strict=True):
        for each, twin in zip(node.nodes, in_model.nodes, strict=True):
            if id(twin) in in_lists:
                assert each is twins[id(twin)]
            assert id(each) not in map(id, twins.values()) or id(twin) in twins


def test_changes_that_were_stored_before_lists_had_diffs_are_values():
    diff = [[["notes"], ["a"], ["a", "b"]], [["count"], 1, 2], [["current"], None, {"id": 5}]]
    state, _ = apply_diffs(CODEC, State(notes=["x"], count=10), (), [diff, [[["current"], {}]]])
    assert (state.notes, state.count, state.current) == (["a", "b"], 11, None)


# Classes with rules of their own


class Span(BaseModel):
    model_config = ConfigDict(validate_assignment=True)
    start: int = 0
    end: int = 1
    marks: list[str] = []

    @model_validator(mode="after")
    def _is_ordered(self) -> Span:
        if self.start >= self.end:
            raise ValueError("it ends before it starts")
        return self


@dataclass
class Checked:
    low: int = 0
    high: int = 1
    width: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError("low is not below high")
        self.width = self.high - self.low

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "high" and value <= self.low:
            raise ValueError("low is not below high")
        object.__setattr__(self, name, value)


@pytest.mark.parametrize("cls", [Span, Checked])
def test_a_merge_puts_no_object_through_what_its_validators_refuse(cls):
    codec = StateCodec(cls)
    names = ["start", "end"] if cls is Span else ["low", "high"]
    state = cls(**dict(zip(names, (0, 1), strict=True)))
    after = cls(**dict(zip(names, (10, 20), strict=True)))
    assert merged(state, lambda _: after, codec=codec) is state
    assert [getattr(state, name) for name in names] == [10, 20]
    assert getattr(state, "width", 10) == 10
    state = merged(state, lambda _: cls(), codec=codec)
    assert [getattr(state, name) for name in names] == [0, 1]


def test_a_change_that_would_leave_the_state_invalid_is_left_out():
    codec = StateCodec(Span)
    diff, _ = elsewhere(Span(start=0, end=9), lambda theirs: setattr(theirs, "start", 5), codec)
    note, _ = elsewhere(Span(), lambda theirs: theirs.marks.append("m"), codec)
    ours = Span(start=0, end=3)
    merged_span, _ = apply_diffs(codec, ours, (), [diff, note])
    assert merged_span is ours
    assert (ours.start, ours.end, ours.marks) == (0, 3, ["m"])


def test_unknown_fields_stay_with_their_objects():
    raw = msgspec.json.encode({"orders": [{"id": 1, "colour": "red"}, {"id": 2}], "old": 1})
    state, unknown = CODEC.decode(raw)
    theirs, their_unknown = CODEC.decode(raw)
    snapshot = StateSnapshot(theirs, raw)
    theirs.orders.insert(0, Order(9))
    diff = snapshot.diff_to(theirs, CODEC.encode(theirs, their_unknown))
    state, unknown = apply_diffs(CODEC, state, unknown, [diff])
    state.orders.reverse()
    tree = msgspec.json.decode(CODEC.encode(state, unknown))
    assert tree["old"] == 1
    assert [each.get("colour") for each in tree["orders"]] == [None, "red", None]
