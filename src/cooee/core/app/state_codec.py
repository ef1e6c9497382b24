"""A person's typed state as JSON, and back."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any, Generic, Required, TypedDict, TypeVar, cast, get_origin, get_type_hints

import msgspec
from typing_extensions import is_typeddict

from cooee.core.app.unknown_fields import Extras, Kept, find, lay
from cooee.core.errors import DefinitionError, StateError

S = TypeVar("S")

_NOTHING = b"null"


class StateCodec(Generic[S]):
    """Reads and writes one class of state: a dataclass, Struct, TypedDict or pydantic model.

    Whatever msgspec has a JSON form for comes back as it was, given that the field says what it
    is: aware datetimes, timedelta, Decimal, UUID, Enum, set, tuple, nested classes. Pydantic
    models (2.11 or later) go by their own rules, under their fields' names.

    Args:
        cls: the class; None for an app without state.

    Raises:
        DefinitionError: it is no such class, needs arguments, or cannot be stored.
    """

    def __init__(self, cls: type[S] | None) -> None:
        self._cls = cls
        self._plain: Any = get_origin(cls) or cls  # Basket[str] makes a Basket
        self._type = _type_of(self._plain)
        self._name = getattr(self._plain, "__name__", repr(cls))
        self._encoder = msgspec.json.Encoder(enc_hook=_written)
        if cls is not None:
            self._check_class()
            self._decoder = self._reader()
            self._try_out()

    def start(self) -> S:
        """The state of somebody new."""
        return cast(S, None if self._cls is None else self._cls())

    def decode(self, raw: bytes | None) -> tuple[S, Extras]:
        """A stored state, and what is in it that the class does not know (to hand to `encode`).

        Raises:
            StateError: it does not fit the class.
        """
        if raw is None or raw == _NOTHING:
            return self.start(), ()
        if self._cls is None:
            return cast(S, None), (Kept((), None, msgspec.Raw(raw)),)
        try:
            state = self._decoder.decode(raw)
            known = self._encoder.encode(state)
            if known == raw:
                return state, ()
            return state, find(state, msgspec.json.decode(raw), msgspec.json.decode(known))
        except Exception as error:
            raise StateError(
                f"A stored state cannot be read as {self._name}: {_words(error)}. Give that"
                " field its former type or one that takes both (int | str), give a new field a"
                " default, or erase the person: cooee forget +61…"
            ) from error

    def encode(self, state: S, extras: Extras = ()) -> bytes:
        """A state to store, unknown fields included; it can be read again, which is tried.

        Raises:
            StateError: it is of another class, or holds what its fields do not allow.
        """
        if type(state) is not self._type:
            raise StateError(self._misfit(state))
        if self._cls is None:
            return bytes(extras[0].fields) if extras else _NOTHING
        try:
            raw = self._encoder.encode(state)
            self._decoder.decode(raw)
            return self._with(extras, state, raw) if extras else raw
        except Exception as error:
            raise StateError(
                f"This {self._name} cannot be stored: {_words(error)}. Put into chat.state only"
                " what its fields are declared to hold."
            ) from error

    def _with(self, extras: Extras, state: S, raw: bytes) -> bytes:
        tree = msgspec.json.decode(raw)
        lay(extras, state, tree)
        return msgspec.json.encode(tree)

    # Which class it is

    def _misfit(self, state: object) -> str:
        given = type(state).__name__
        if self._cls is None:
            return (
                f"chat.state was given a {given}, and this app has no state. Declare its class:"
                " App(state=…)."
            )
        return (
            f"chat.state was given a {given}, and this app's state is a {self._name}. Assign a"
            f" {self._name}, or add a field to it for the {given}."
        )

    def _check_class(self) -> None:
        if not _can_be_state(self._plain):
            raise DefinitionError(
                f"App(state={self._name}) is not a class that can be stored. Make it a dataclass,"
                " a msgspec.Struct, a TypedDict or a pydantic model."
            )
        needed = _required(self._plain)
        if needed:
            one = needed[0]
            raise DefinitionError(
                f"{self._name} is made without arguments for somebody new, so each of its fields"
                f" needs a default: {', '.join(needed)}. Write it like {one}: … | None = None."
            )

    def _reader(self) -> msgspec.json.Decoder[S]:
        readable = _partial(self._plain) if is_typeddict(self._plain) else self._cls
        try:
            return msgspec.json.Decoder(cast("type[S]", readable), dec_hook=_read)
        except Exception as error:
            raise DefinitionError(
                f"{self._name} cannot be stored: {error}. Its fields' types have to be known to"
                " JSON (see msgspec's supported types) and defined above the app, not inside a"
                " function."
            ) from error

    def _try_out(self) -> None:
        try:
            self.encode(self.start())
        except Exception as error:
            raise DefinitionError(
                f"{self._name}() cannot be made and stored: {error}. Mend its defaults."
            ) from error


def _type_of(cls: Any) -> Any:
    """What `type` says of a state of this class."""
    if cls is None:
        return type(None)
    return dict if is_typeddict(cls) else cls


def _can_be_state(cls: Any) -> bool:
    return isinstance(cls, type) and (
        dataclasses.is_dataclass(cls)
        or issubclass(cls, msgspec.Struct)
        or is_typeddict(cls)
        or _is_model(cls)
    )


def _required(cls: Any) -> Sequence[str]:
    """The fields that a new object has to be given."""
    if dataclasses.is_dataclass(cls):
        unset = dataclasses.MISSING
        return [
            field.name
            for field in dataclasses.fields(cls)
            if field.init and field.default is unset and field.default_factory is unset
        ]
    if is_typeddict(cls):
        return []
    if issubclass(cls, msgspec.Struct):
        return [field.name for field in msgspec.structs.fields(cls) if field.required]
    return [name for name, field in cls.model_fields.items() if field.is_required()]


def _partial(cls: Any) -> Any:
    """A TypedDict without required keys, since somebody new starts without any."""
    hints = get_type_hints(cls, include_extras=True)
    plain = {
        name: hint.__args__[0] if get_origin(hint) is Required else hint
        for name, hint in hints.items()
    }
    return TypedDict(cls.__name__, plain, total=False)  # type: ignore[operator]  # made, not written


# Pydantic's models, of which msgspec knows nothing. Nobody who has none pays for the import.


def _is_model(cls: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(cls, type) and issubclass(cls, pydantic.BaseModel)


def _written(value: Any) -> msgspec.Raw:
    if not _is_model(type(value)):
        raise TypeError(f"JSON has no form for a {type(value).__name__}")
    written = value.model_dump_json(by_alias=False, round_trip=True, warnings=False)
    return msgspec.Raw(written.encode())


def _read(cls: Any, value: Any) -> Any:
    if not _is_model(cls):
        raise TypeError(f"JSON has no form for a {cls.__name__}")
    try:
        return cls.model_validate_json(msgspec.json.encode(value), by_alias=False, by_name=True)
    except sys.modules["pydantic"].ValidationError as error:
        raise ValueError(_complaints(error)) from None


def _complaints(error: Any) -> str:
    """What pydantic found wrong, without the person's own words."""
    return "; ".join(
        f"{each['msg']} - at `{'.'.join(map(str, each['loc']))}`" for each in error.errors()
    )


def _words(error: Exception) -> str:
    known = isinstance(error, msgspec.MsgspecError | TypeError | UnicodeError)
    return str(error).rstrip(".") if known else f"{type(error).__name__} while doing so"
