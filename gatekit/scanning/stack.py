# ruff: noqa: D102 - the methods are the instructions of pickletools, by their names
"""The stack, the marks and the memo of an unpickler, holding stand-ins in place of objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Broken(Exception):
    """No unpickler gets past this point."""


@dataclass(slots=True, eq=False)
class Thing:
    """Something made by an allowed call, of which nothing needs to be known."""


@dataclass(slots=True, eq=False)
class Name:
    """A class or function, as Python 3 names it."""

    dotted: str


@dataclass(slots=True, eq=False)
class Table:
    """A dict; `odd` once something went in under a key that is no word."""

    items: dict[str, Any] = field(default_factory=dict)
    odd: bool = False

    def put(self, flat: list[Any]) -> None:
        """Set keys and values given in turn."""
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if type(key) is str:
                self.items[key] = value
            else:
                self.odd = True


@dataclass(slots=True)
class Seen:
    """What acting out showed: names refused and why, and how it ended (`broke` is "" at a STOP)."""

    refused: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    calls: int = 0
    arrays: int = 0
    broke: str = ""


class Stack:
    """What an unpickler keeps, and the instructions that only move it about.

    An instruction is a method that takes the instruction's argument.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks under each mark
        self._memo: dict[int, Any] = {}

    def _refuse(self, name: str, why: str) -> None:
        self._seen.refused.setdefault(name, why)

    def _pop_mark(self) -> list[Any]:
        items = self._stack
        if not self._below:
            raise Broken("a mark is missing")
        self._stack = self._below.pop()
        return items

    def changed(self, target: Any, items: list[Any]) -> None:
        if isinstance(target, Name):
            self._refuse(target.dotted, f"it changes {target.dotted} itself")
        if isinstance(target, Table):
            target.put(items)

    def set_item(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self.changed(self._stack[-1], [key, value])

    def set_items(self, _: Any) -> None:
        items = self._pop_mark()
        self.changed(self._stack[-1], items)

    def append(self, _: Any) -> None:
        self._stack.pop()
        self._into_list(self._stack[-1])

    def appends(self, _: Any) -> None:
        self._pop_mark()
        self._into_list(self._stack[-1])

    def _into_list(self, target: Any) -> None:
        if isinstance(target, Name):
            self._refuse(target.dotted, f"it changes {target.dotted} itself")

    def dict_(self, _: Any) -> None:
        table = Table()
        table.put(self._pop_mark())
        self._stack.append(table)

    def list_(self, _: Any) -> None:
        self._pop_mark()
        self._stack.append(Thing())

    def tuple_(self, _: Any) -> None:
        items = self._pop_mark()  # first: it changes which stack is on top
        self._stack.append(tuple(items))

    def tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise Broken("the stack is too short")
        items = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        self._stack.append(items)

    def mark(self, _: Any) -> None:
        self._below.append(self._stack)
        self._stack = []

    def pop(self, _: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def put(self, argument: Any) -> None:
        self._memo[int(argument)] = self._stack[-1]

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, argument: Any) -> None:
        self._stack.append(self._memo[int(argument)])

    def stop(self, _: Any) -> None:
        self._stack.pop()
