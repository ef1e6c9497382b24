"""Encodes and decodes a person's typed state as JSON."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any, Generic, Required, TypedDict, TypeVar, cast, get_origin, get_type_hints

import msgspec
from typing_extensions import is_typeddict

from cooee.core.app.unknown_fields import (
    ObjectUnknownFields,
    UnknownFields,
    collect_unknown_fields,
    restore_unknown_fields,
)
from cooee.core.built_in_values import built_in_scalar
from cooee.core.errors import DefinitionError, StateError

S = TypeVar("S")

_NULL_JSON = b"null"


class StateCodec(Generic[S]):
    """A codec for a class of state: a dataclass, Struct, TypedDict or pydantic model.

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
        self._origin: Any = get_origin(cls) or cls  # Basket[str] makes a Basket
        self._runtime_type = _runtime_type_of(self._origin)
        self._name = getattr(self._origin, "__name__", repr(cls))
        self._encoder = msgspec.json.Encoder(enc_hook=_encode_pydantic)
        if cls is not None:
            self._check_class()
            self._decoder = self._make_decoder()
            self._check_round_trip()

    def new_state(self) -> S:
        """Return the state of a new person."""
        return cast(S, None if self._cls is None else self._cls())

    def decode(self, raw: bytes | None) -> tuple[S, UnknownFields]:
        """Return a stored state, and its fields unknown to the class (for `encode`).

        Raises:
            StateError: it does not fit the class.
        """
        if raw is None or raw == _NULL_JSON:
            return self.new_state(), ()
        if self._cls is None:
            return cast(S, None), (ObjectUnknownFields((), None, msgspec.Raw(raw)),)
        try:
            state = self._decoder.decode(raw)
            reencoded = self._encoder.encode(state)
            if reencoded == raw:
                return state, ()
            return state, collect_unknown_fields(
                state, msgspec.json.decode(raw), msgspec.json.decode(reencoded)
            )
        except Exception as error:
            raise StateError(
                f"A stored state cannot be read as {self._name}: {_describe_error(error)}. Give"
                " that field its former type or one that takes both (int | str), give a new field a"
                " default, or erase the person: cooee forget +61…"
            ) from error

    def encode(self, state: S, unknown_fields: UnknownFields = ()) -> bytes:
        """Return a state as bytes, unknown fields included, after decoding them once as a check.

        Raises:
            StateError: it is of another class, or holds what its fields do not allow.
        """
        if type(state) is not self._runtime_type:
            raise StateError(self._wrong_type_message(state))
        if self._cls is None:
            return bytes(unknown_fields[0].fields) if unknown_fields else _NULL_JSON
        try:
            raw = self._encoder.encode(state)
            self._decoder.decode(raw)
            return self._with_unknown_fields(unknown_fields, state, raw) if unknown_fields else raw
        except Exception as error:
            raise StateError(
                f"This {self._name} cannot be stored: {_describe_error(error)}. Put into chat.state"
                " only what its fields are declared to hold."
            ) from error

    def _with_unknown_fields(self, unknown_fields: UnknownFields, state: S, raw: bytes) -> bytes:
        tree = msgspec.json.decode(raw)
        restore_unknown_fields(unknown_fields, state, tree)
        return msgspec.json.encode(tree)

    # Which class it is

    def _wrong_type_message(self, state: object) -> str:
        given_type = type(state).__name__
        if self._cls is None:
            return (
                f"chat.state was given a {given_type}, and this app has no state. Declare its"
                " class: App(state=…)."
            )
        return (
            f"chat.state was given a {given_type}, and this app's state is a {self._name}. Assign a"
            f" {self._name}, or add a field to it for the {given_type}."
        )

    def _check_class(self) -> None:
        if not _can_be_state(self._origin):
            raise DefinitionError(
                f"App(state={self._name}) is not a class that can be stored. Make it a dataclass,"
                " a msgspec.Struct, a TypedDict or a pydantic model."
            )
        required = _required_fields(self._origin)
        if required:
            example = required[0]
            raise DefinitionError(
                f"{self._name} is made without arguments for somebody new, so each of its fields"
                f" needs a default: {', '.join(required)}. Write it like"
                f" {example}: … | None = None."
            )

    def _make_decoder(self) -> msgspec.json.Decoder[S]:
        decoded_type = (
            _without_required_keys(self._origin) if is_typeddict(self._origin) else self._cls
        )
        try:
            return msgspec.json.Decoder(cast("type[S]", decoded_type), dec_hook=_decode_pydantic)
        except Exception as error:
            raise DefinitionError(
                f"{self._name} cannot be stored: {error}. Its fields' types have to be known to"
                " JSON (see msgspec's supported types) and defined above the app, not inside a"
                " function."
            ) from error

    def _check_round_trip(self) -> None:
        try:
            self.encode(self.new_state())
        except Exception as error:
            raise DefinitionError(
                f"{self._name}() cannot be made and stored: {error}. Mend its defaults."
            ) from error


def _runtime_type_of(cls: Any) -> Any:
    """Return the runtime type of a state: dict for a TypedDict."""
    if cls is None:
        return type(None)
    return dict if is_typeddict(cls) else cls


def _can_be_state(cls: Any) -> bool:
    return isinstance(cls, type) and (
        dataclasses.is_dataclass(cls)
        or issubclass(cls, msgspec.Struct)
        or is_typeddict(cls)
        or _is_pydantic_model(cls)
    )


def _required_fields(cls: Any) -> Sequence[str]:
    """Return the fields without a default."""
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


def _without_required_keys(cls: Any) -> Any:
    """Return a TypedDict without required keys, since a new person's state has none."""
    hints = get_type_hints(cls, include_extras=True)
    optional_hints = {
        name: hint.__args__[0] if get_origin(hint) is Required else hint
        for name, hint in hints.items()
    }
    return TypedDict(cls.__name__, optional_hints, total=False)  # type: ignore[operator]  # made, not written


# Pydantic's models, of which msgspec knows nothing. Nobody who has none pays for the import.


def _is_pydantic_model(cls: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(cls, type) and issubclass(cls, pydantic.BaseModel)


def _encode_pydantic(value: Any) -> Any:
    if not _is_pydantic_model(type(value)):
        return built_in_scalar(value)
    encoded = value.model_dump_json(by_alias=False, round_trip=True, warnings=False)
    return msgspec.Raw(encoded.encode())


def _decode_pydantic(cls: Any, value: Any) -> Any:
    if not _is_pydantic_model(cls):
        raise TypeError(f"JSON has no form for a {cls.__name__}")
    try:
        return cls.model_validate_json(msgspec.json.encode(value), by_alias=False, by_name=True)
    except sys.modules["pydantic"].ValidationError as error:
        raise ValueError(_pydantic_messages(error)) from None


def _pydantic_messages(error: Any) -> str:
    """Return pydantic's messages, without the person's own words."""
    return "; ".join(
        f"{each['msg']} - at `{'.'.join(map(str, each['loc']))}`" for each in error.errors()
    )


def _describe_error(error: Exception) -> str:
    is_describable = isinstance(error, msgspec.MsgspecError | TypeError | UnicodeError)
    return str(error).rstrip(".") if is_describable else f"{type(error).__name__} while doing so"
