# ruff: noqa: SLF001 - the table of steps stands behind its machine
"""A pickle acted out without doing anything it says: its names judged, its calls followed.

The instructions come from the standard library's `pickletools`; this keeps the stack and the memo
that an unpickler would, holding stand-ins in place of objects, so that a name put together from
parts is seen whole. Instructions run as they are read, so what stands before a break counts.
"""

from __future__ import annotations

import pickletools
from typing import Any

from gatekit.scanning.arrays import Dtype, Odd, Wrapper
from gatekit.scanning.source import Source
from gatekit.scanning.stack import Broken, Name, Seen, Stack, Table, Thing
from gatekit.scanning.vocabulary import IDENTIFIER, Vocabulary, modern

MOST_INSTRUCTIONS = 20_000_000
KEPT_BYTES = 4096
NEW_NAMES_FROM = 3  # the first protocol that uses Python 3's names
LATIN = ("latin1", "latin-1")
JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"


def act_out(source: Source, words: Vocabulary, *, joblib: bool) -> Seen:
    """Follow one pickle from where `source` stands; it stands behind the STOP afterwards.

    With `joblib` the bytes of arrays are skipped as joblib does; without, they are instructions,
    as they are to plain pickle.
    """
    seen = Seen()
    machine = _Machine(source, words, seen, joblib=joblib)
    try:
        machine.run()
    except (Broken, Odd) as error:
        seen.broke = str(error) or "broken"
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, EOFError, AttributeError):
        seen.broke = "it is cut off or is no pickle"
    return seen


class _Machine(Stack):
    def __init__(self, source: Source, words: Vocabulary, seen: Seen, *, joblib: bool) -> None:
        super().__init__(seen)
        self._source, self._words, self._joblib = source, words, joblib
        self._protocol = 0
        self._frame_end = 0

    def run(self) -> None:
        steps = _STEPS
        source: Any = self._source  # read, readline and tell are all that is asked of it
        for count, (opcode, argument, _) in enumerate(pickletools.genops(source)):
            if count > MOST_INSTRUCTIONS:
                self._refuse("", "it has more instructions than are looked into")
                raise Broken("too long")
            step = steps.get(opcode.name)
            if step is None:
                self._push_plain(opcode, argument)
            else:
                step(self, argument)

    def _push_plain(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """None, numbers, texts, bytes and empty sets: no effect but on the stack."""
        if opcode.stack_before or len(opcode.stack_after) != 1:
            raise Broken(f"{opcode.name} is not understood")
        value = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}.get(opcode.name, argument)
        kept = not isinstance(value, (bytes, bytearray, str)) or len(value) <= KEPT_BYTES
        empty = opcode.name == "EMPTY_SET"
        self._stack.append(value if kept and not empty else Thing())

    def protocol(self, argument: int) -> None:
        self._protocol = argument

    def frame(self, argument: int) -> None:
        self._frame_end = max(self._frame_end, self._source.tell() + argument)

    # --- names

    def _name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            self._refuse("", "it imports a name that it puts together as it runs")
            self._stack.append(Thing())
            return
        if not (IDENTIFIER.fullmatch(module) and IDENTIFIER.fullmatch(name)):
            raise Broken("it names what is no name")
        if self._protocol < NEW_NAMES_FROM:
            module, name = modern(module, name)
        dotted = f"{module}.{name}"
        self._seen.names.add(dotted)
        if not self._words.allows(module, name):
            self._refuse(dotted, f"it uses {dotted}, which is not on the list of allowed names")
        self._stack.append(Name(dotted))

    def global_(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._name(module, name)

    def stack_global(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._name(module, name)

    def extension(self, argument: Any) -> None:
        self._refuse("", f"it uses copyreg's extension {argument}: a name that is not in the file")
        self._stack.append(Thing())

    def persistent(self, argument: Any) -> None:
        if argument is None:  # BINPERSID takes it from the stack
            self._stack.pop()
        self._refuse("", "it asks for an object outside of it (persistent id)")
        self._stack.append(Thing())

    def out_of_band(self, _: Any) -> None:
        self._refuse("", "it asks for a buffer outside of it")
        self._stack.append(Thing())

    # --- calls

    def _call(self, callee: Any, arguments: Any) -> Any:
        self._seen.calls += 1
        if not isinstance(callee, Name):
            self._refuse("", "it calls something that it has put together as it runs")
            return Thing()
        if callee.dotted == JOBLIB_ARRAY:
            if arguments != ():
                raise Odd("joblib's array is made in an unusual way")
            return Wrapper()
        if callee.dotted == "numpy.dtype":
            return Dtype.of(arguments)
        plain = isinstance(arguments, tuple)
        if callee.dotted == "_codecs.encode" and not (
            plain and len(arguments) == 2 and arguments[1] in LATIN  # noqa: PLR2004 - text, codec
        ):
            self._refuse(callee.dotted, "it calls _codecs.encode with a codec other than latin1")
        if callee.dotted.startswith("copyreg.") and not (
            plain and arguments and isinstance(arguments[0], Name)
        ):
            self._refuse(callee.dotted, "it rebuilds an object of a class that is no plain name")
        return Thing()

    def reduce(self, _: Any) -> None:
        arguments, callee = self._stack.pop(), self._stack.pop()
        self._stack.append(self._call(callee, arguments))

    def new_object(self, _: Any) -> None:
        arguments, callee = self._stack.pop(), self._stack.pop()
        self._stack.append(self._call(callee, arguments))

    def new_object_ex(self, _: Any) -> None:
        named, arguments, callee = self._stack.pop(), self._stack.pop(), self._stack.pop()
        plain = arguments if isinstance(named, Table) and not named.items else None
        self._stack.append(self._call(callee, plain))

    def instance(self, argument: str) -> None:
        arguments = self._pop_mark()
        self.global_(argument)
        self._stack.append(self._call(self._stack.pop(), tuple(arguments)))

    def object_(self, _: Any) -> None:
        callee, *arguments = self._pop_mark()
        self._stack.append(self._call(callee, tuple(arguments)))

    def build(self, _: Any) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        self._seen.calls += 1
        if isinstance(target, Name):
            self._refuse(target.dotted, f"it changes {target.dotted} itself")
        elif isinstance(target, Dtype):
            if wrong := target.build(state):
                self._refuse("", wrong)
        elif isinstance(target, Wrapper):
            self._array(target, state)

    def _array(self, wrapper: Wrapper, state: Any) -> None:
        if not isinstance(state, Table) or state.odd:
            raise Odd("joblib's array is described in an unusual way")
        wrapper.state.update(state.items)
        self._seen.arrays += 1
        self._stack[-1] = Thing()
        if not self._joblib:
            if getattr(wrapper.state.get("dtype"), "has_objects", False):
                raise Broken("the pickle of an array of objects follows, which stands for itself")
            return
        if self._source.tell() < self._frame_end:
            raise Odd("instructions stand where joblib does not read them (frame)")
        size, padded = wrapper.body()
        if size < 0:
            self._nested()
            return
        if padded:
            size += self._source.read(1)[0]
        if self._source.tell() + size > self._source.size:
            raise Broken("an array is cut off")
        self._source.seek(self._source.tell() + size)

    def _nested(self) -> None:
        inner = act_out(self._source, self._words, joblib=False)
        self._seen.refused.update(inner.refused)
        self._seen.names |= inner.names
        self._seen.calls += inner.calls
        if inner.broke:
            raise Broken(inner.broke)


_STEPS: dict[str, Any] = {
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "EXT1": _Machine.extension,
    "EXT2": _Machine.extension,
    "EXT4": _Machine.extension,
    "PERSID": lambda machine, text: machine.persistent(text or ""),
    "BINPERSID": _Machine.persistent,
    "NEXT_BUFFER": _Machine.out_of_band,
    "READONLY_BUFFER": lambda machine, _: machine._stack[-1],
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new_object,
    "NEWOBJ_EX": _Machine.new_object_ex,
    "INST": _Machine.instance,
    "OBJ": _Machine.object_,
    "BUILD": _Machine.build,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "ADDITEMS": _Machine.appends,
    "DICT": _Machine.dict_,
    "EMPTY_DICT": lambda machine, _: machine._stack.append(Table()),
    "LIST": _Machine.list_,
    "EMPTY_LIST": lambda machine, _: machine._stack.append(Thing()),
    "FROZENSET": _Machine.list_,
    "TUPLE": _Machine.tuple_,
    "EMPTY_TUPLE": lambda machine, _: machine._stack.append(()),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": lambda machine, _: machine._pop_mark(),
    "DUP": lambda machine, _: machine._stack.append(machine._stack[-1]),
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "PROTO": _Machine.protocol,
    "FRAME": _Machine.frame,
    "STOP": _Machine.stop,
}
