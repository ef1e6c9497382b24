"""What a text costs, against published vectors, an exhaustive model, and the simulator's own counter."""
# ruff: noqa: RUF001 -- characters that only look alike are what this is about

import time
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cooee.core.segments import (
    Encoding,
    join_parts,
    measure_text,
    smart_encode,
    split_into_segments,
)
from cooee.simulator.segments import count_segments as simulators_count

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2
LIMITS = {GSM7: (160, 153), UCS2: (70, 67)}
DOUBLE = "\f^{}\\[~]|€"  # TS 23.038, table 6.2.1.1
# TS 23.038, table 6.2.1, row by row as the specification prints it; the escape is left out.
ALPHABET = (
    "@Δ 0¡P¿p£_!1AQaq$Φ\"2BRbr¥Γ#3CScsèΛ¤4DTdtéΩ%5EUeuùΠ&6FVfvìΨ'7GWgw"
    "òΣ(8HXhxÇΘ)9IYiy\nΞ*:JZjzØ+;KÄkäøÆ,<LÖlö\ræ-=MÑmñÅß.>NÜnüåÉ/?O§oà"
)


def units(text, encoding):
    if encoding is GSM7:
        return len(text) + sum(letter in DOUBLE for letter in text)
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


VECTORS = [
    ("", GSM7, 1),
    ("a" * 160, GSM7, 1),
    ("a" * 161, GSM7, 2),
    ("a" * 306, GSM7, 2),
    ("a" * 307, GSM7, 3),
    ("a" * 459, GSM7, 3),
    ("a" * 460, GSM7, 4),
    ("a" * 1530, GSM7, 10),
    ("€" * 80, GSM7, 1),
    ("€" * 81, GSM7, 2),
    ("a" * 158 + "{", GSM7, 1),
    ("a" * 159 + "{", GSM7, 2),
    ("a" * 152 + "€" + "a" * 151, GSM7, 2),
    ("a" * 152 + "€" + "a" * 152, GSM7, 3),  # 306 septets, but the pair moves on as a whole
    ("é" * 160, GSM7, 1),
    ("ç", UCS2, 1),  # only the capital is in the alphabet
    ("Ç", GSM7, 1),
    ("ê" * 70, UCS2, 1),
    ("ê" * 71, UCS2, 2),
    ("ê" * 134, UCS2, 2),
    ("ê" * 135, UCS2, 3),
    ("ê" * 201, UCS2, 3),
    ("ê" * 202, UCS2, 4),
    ("😀" * 35, UCS2, 1),
    ("😀" * 36, UCS2, 2),
    ("😀" * 66, UCS2, 2),  # 33 in a segment, since 67 is odd
    ("😀" * 67, UCS2, 3),
    ("a" * 66 + "😀" + "a" * 66, UCS2, 3),  # 134 units, and the pair moves on as a whole
    ("a" * 69 + "’", UCS2, 1),
    ("a" * 70 + "’", UCS2, 2),
    ("\u03a9", GSM7, 1),
    ("\u2126", UCS2, 1),  # the sign for ohm only looks like it
    ("tab\t", UCS2, 1),
    ("`", UCS2, 1),
    ("\f\r\n", GSM7, 1),
    ("\x1b", UCS2, 1),  # the escape itself is no character
]


@pytest.mark.parametrize(("text", "encoding", "segments"), VECTORS)
def test_it_counts_as_the_specification_and_published_counters_do(text, encoding, segments):
    counted = split_into_segments(text)
    assert (counted.encoding, counted.segment_count) == (encoding, segments)
    assert measure_text(text) == (encoding, segments)


def test_the_alphabet_is_that_of_the_specification():
    assert len(ALPHABET) == 127  # and the escape
    assert all(split_into_segments(letter).encoding is GSM7 for letter in ALPHABET + DOUBLE)
    others = {chr(code) for code in range(0x3000)} - set(ALPHABET) - set(DOUBLE)
    assert all(split_into_segments(letter).encoding is UCS2 for letter in others)


FAMILY, WAVE, FLAG, KEYCAP = "👩‍👩‍👧‍👦", "👋🏽", "🇦🇺", "1️⃣"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
CLUSTERS = [FAMILY, WAVE, FLAG, KEYCAP, ENGLAND, "❤️", "e\u0301", "ḱ\u0323", "\r\n", "각", "नि"]
LONE = "\ud83d"

plain = st.text(st.sampled_from("ab {€é\n"), max_size=400)
fine = st.text(st.sampled_from("ab ç😀中") | st.characters(), max_size=160)
sequences = st.lists(st.sampled_from([*CLUSTERS, "word", " ", "a ", "ç"]), max_size=40).map("".join)
texts = plain | fine | sequences


@given(texts)
@example("a" * 66 + LONE + "\ude00" + "b" * 70)
@example(LONE * 71)
def test_the_parts_joined_are_the_text_and_none_is_over_its_limit(text):
    counted = split_into_segments(text)
    alone, each = LIMITS[counted.encoding]
    assert "".join(counted.parts) == text
    assert counted.segment_count == len(counted.parts) >= 1
    limit = alone if counted.segment_count == 1 else each
    assert all(units(part, counted.encoding) <= limit for part in counted.parts)
    assert counted.segment_count == 1 or all(counted.parts)


@given(texts)
def test_no_pair_is_ever_cut(text):
    for before, after in pairwise(split_into_segments(text).parts):
        assert not ("\ud800" <= before[-1] <= "\udbff" and "\udc00" <= after[0] <= "\udfff")


@given(texts)
def test_the_size_is_that_of_the_count(text):
    counted = split_into_segments(text)
    assert measure_text(text) == (counted.encoding, counted.segment_count)


@given(texts)
def test_the_boxes_counter_differs_only_where_a_pair_falls_on_an_edge(text):
    """The simulator divides lengths; a pair that moves on as a whole may cost one segment more."""
    ours, theirs = split_into_segments(text).segment_count, simulators_count(text)
    pairs = any(letter in DOUBLE or letter > "\uffff" for letter in text)
    assert theirs <= ours <= (theirs + theirs // 60 + 1 if pairs else theirs)


# --- As few segments as can be, and as little cut apart: every way of cutting is tried.


def pieces(length, cuts):
    return list(pairwise((0, *cuts, length)))


def best(atoms, encoding):
    """(segments, clusters cut, words cut) of the best way there is, by trying all.

    `atoms` are (code point, whether a cut before it tears a cluster, or a word).
    """
    each = LIMITS[encoding][1]
    sizes = [units(letter, encoding) for letter, _, _ in atoms]
    for segments in range(2, 5):
        found = [
            (sum(atoms[cut][1] for cut in cuts), sum(atoms[cut][2] for cut in cuts))
            for cuts in combinations(range(1, len(atoms)), segments - 1)
            if all(sum(sizes[a:b]) <= each for a, b in pieces(len(atoms), cuts))
        ]
        if found:
            return (segments, *min(found))
    raise AssertionError("too long for a model that tries everything")


def torn(pieces_of, text, parts):
    """How many clusters and words are cut by `parts`, by the units the text was built from."""
    edges, at = set(), 0
    for part in parts[:-1]:
        at += len(part)
        edges.add(at)
    atoms = marked(pieces_of)
    return sum(atoms[e][1] for e in edges), sum(atoms[e][2] for e in edges)


def marked(pieces_of):
    """Code points, with what a cut before each would tear; built from known clusters and words."""
    atoms = []
    for kind, piece in pieces_of:
        for at, letter in enumerate(piece):
            inside = at > 0
            atoms.append((letter, kind == "cluster" and inside, kind == "word" and inside))
    return atoms


emoji = st.sampled_from([FAMILY, WAVE, FLAG, KEYCAP, "😀"]).map(lambda one: ("cluster", one))
word = st.text(st.sampled_from("abc"), min_size=1, max_size=30).map(lambda one: ("word", one))
space = st.just(("space", " "))


@settings(max_examples=60)
@given(st.lists(st.tuples(emoji | word, space), min_size=8, max_size=22))
def test_no_way_of_cutting_is_better(pairs):
    built = [one for pair in pairs for one in pair]
    text = "".join(piece for _, piece in built)
    counted = split_into_segments(text)
    each = LIMITS[counted.encoding][1]
    if counted.segment_count == 1 or units(text, counted.encoding) > 2.4 * each:
        return
    expected = best(marked(built), counted.encoding)
    assert (counted.segment_count, *torn(built, text, counted.parts)) == expected


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_on_an_edge_goes_on_as_a_whole(cluster):
    for lead in range(50, 68):
        text = "ç" * lead + cluster + " " + "x" * 20
        counted = split_into_segments(text)
        assert counted.segment_count == 2 or units(text, UCS2) <= 70
        assert any(cluster in part for part in counted.parts), lead


def test_a_word_stays_whole_unless_that_costs_a_segment():
    loose = "word " * 40
    assert all(part.startswith("word") for part in split_into_segments(loose).parts)
    assert all(part.endswith(" ") for part in split_into_segments(loose).parts[:-1])
    tight = "w" * 306
    assert [len(part) for part in split_into_segments(tight).parts] == [153, 153]
    full = ("x" * 152 + " ") + ("y" * 100 + " " + "z" * 52)
    assert [len(part) for part in split_into_segments(full).parts] == [153, 153]


def test_flags_are_told_apart_in_a_row():
    counted = split_into_segments("ç" + FLAG * 40)
    assert all(units(part, UCS2) % 4 == (at == 0) for at, part in enumerate(counted.parts))


def test_a_long_text_takes_linear_time():
    text = "Words, and €, and 😀. " * 10_000
    began = time.process_time()
    assert "".join(split_into_segments(text).parts) == text
    assert time.process_time() - began < 10


# --- What costs, what would save


def test_the_characters_that_cost_are_named_once_each():
    assert list(split_into_segments("“Hi” – “you” 😀").costly_characters) == ["“", "”", "–", "😀"]
    assert list(split_into_segments("[€]€").costly_characters) == ["[", "€", "]"]
    assert list(split_into_segments("plain").costly_characters) == []


def test_what_would_save_is_told_where_it_does():
    curly = "It’s a text that would fit one segment if it were not for the apostrophe in it."
    plain_way, without = split_into_segments(curly).suggestions
    assert (plain_way.segment_count, plain_way.text) == (1, curly.replace("’", "'"))
    assert (without.segment_count, without.text) == (1, curly.replace("’", ""))
    assert list(split_into_segments("It’s short.").suggestions) == []
    [only] = split_into_segments("x" * 100 + "😀").suggestions
    assert only.text == "x" * 100


SMART = [
    ("“It’s” – well… ‘that’", "\"It's\" - well... 'that'"),
    ("10\u202f000\u00a0km", "10 000 km"),
    ("so\u00adft zero\u200bwidth \u200emark\ufeff", "soft zerowidth mark"),
    ("e\u0301", "é"),
    ("• one\n• two", "* one\n* two"),
    ("a\u2028b", "a\nb"),
    ("“Grüße” 😀", "“Grüße” 😀"),  # UCS-2 all the same: then let it look fine
    ("“façade”", "“façade”"),  # no letter becomes another
    ("plain [text]", "plain [text]"),
    ("…" * 60, "…" * 60),  # three dots for each would be two segments
]


@pytest.mark.parametrize(("text", "plainer"), SMART)
def test_plain_characters_stand_for_such_as_look_alike(text, plainer):
    assert smart_encode(text) == plainer


@given(texts)
def test_smart_never_costs_and_settles(text):
    plainer = smart_encode(text)
    assert measure_text(plainer)[1] <= measure_text(text)[1]
    assert plainer == text or measure_text(plainer)[0] is GSM7
    assert smart_encode(plainer) == plainer


# --- Parts that came in


CODES = {letter: bytes([code]) for code, letter in enumerate(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\0ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)}  # fmt: skip
CODES |= {"\f": b"\x1b\x0a", "^": b"\x1b\x14", "{": b"\x1b\x28", "}": b"\x1b\x29"}
CODES |= {"\\": b"\x1b\x2f", "[": b"\x1b\x3c", "~": b"\x1b\x3d", "]": b"\x1b\x3e"}
CODES |= {"|": b"\x1b\x40", "€": b"\x1b\x65"}


def cut(whole, places):
    return [whole[a:b] for a, b in pieces(len(whole), sorted(p % (len(whole) + 1) for p in places))]


places = st.lists(st.integers(0, 400), max_size=4)


@given(st.text(st.sampled_from(ALPHABET + DOUBLE), max_size=80), places)
def test_septets_are_joined_before_they_are_read(text, where):
    whole = b"".join(CODES[letter] for letter in text)
    assert join_parts(cut(whole, where), GSM7) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), places)
def test_utf_16_is_joined_before_it_is_read(text, where):
    assert join_parts(cut(text.encode("utf-16-be"), where), UCS2) == text


def test_a_pair_that_a_gateway_cut_is_whole_again():
    wave = "👋".encode("utf-16-be")
    assert join_parts([b"\0h" + wave[:2], wave[2:] + b"\0i"], UCS2) == "h👋i"
    assert join_parts([b"5\x1b", b"e"], GSM7) == "5€"


@pytest.mark.parametrize(
    ("parts", "encoding", "text"),
    [
        ([], GSM7, ""),
        ([b"\x1bA"], GSM7, "A"),  # no such extension: TS 23.038 shows the plain character
        ([b"a\x1b"], GSM7, "a\ufffd"),
        ([b"\x1b\x1bA"], GSM7, "\ufffdA"),
        ([b"a\xffb"], GSM7, "a\ufffdb"),
        ([b"\0a\0"], UCS2, "a\ufffd"),
        ([b"\xd8\x3d\0a"], UCS2, "\ufffda"),
    ],
)
def test_what_cannot_be_read_is_marked_and_costs_nothing_else(parts, encoding, text):
    assert join_parts(parts, encoding) == text
