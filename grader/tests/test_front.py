"""What a package under test can find of the agent, as an attacker would look for it.

`REPORT` says which frames stand above a piece of code under test: none but those of `front`.
"""

import pytest

from grader.remote.failures import RemoteError

# `above()` names the modules of the frames above the caller, or says that it may not know them.
REPORT = """
import sys

seen = set()

def above():
    try:
        frame = sys._getframe(1)
    except ValueError:
        seen.add("a refused frame")
        return
    while frame is not None:
        seen.add(frame.f_globals["__name__"])
        frame = frame.f_back

"""


SEARCH = """
import collections, os, sys, threading, types

EDGES = '''__closure__ __globals__ __builtins__ __self__ __func__ __wrapped__ __dict__ __defaults__
__kwdefaults__ func args keywords cell_contents f_back f_locals f_globals f_builtins f_code
co_consts tb_frame tb_next __traceback__ __context__ __cause__ gi_frame __mro__ __class__ loader
__loader__ __spec__ _target _args'''.split()

def neighbours(thing):
    if isinstance(thing, dict):
        yield from [*dict.keys(thing), *dict.values(thing)]
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from list(thing)
    elif isinstance(thing, type):
        yield from type.__subclasses__(thing)
    for edge in EDGES:
        try:
            yield getattr(thing, edge)
        except Exception:
            continue

def search(found):
    seen, todo = {}, collections.deque([sys.modules, object, sys._getframe(), threading, os])
    while todo and len(seen) < 100_000:
        thing = todo.popleft()
        if id(thing) in seen or isinstance(thing, (int, str, bytes, float)):
            continue
        seen[id(thing)] = thing
        if type(thing) is types.FunctionType and thing.__module__.startswith("grader_agent"):
            found.add(thing.__module__)
        if type(thing) is dict and str(thing.get("__name__")).startswith("grader_agent"):
            found.add(thing["__name__"])
        if type(thing).__name__ == "blake2b":
            found.add("a seal")
        todo.extend(neighbours(thing))
    return len(seen)
"""


def test_from_anywhere_only_the_front_of_the_agent_is_reachable(store_of):
    body = "found = set()\nreturn search(found), sorted(found)"
    looked_at, found = store_of(body, seconds=20, before=SEARCH).go()
    assert looked_at > 3_000
    front = {f"grader_agent.{name}" for name in ("clock", "describe", "front", "program", "verbs")}
    assert "grader_agent.front" in found
    assert set(found) <= front


def test_nothing_of_the_agent_is_left_in_sys_modules(store_of):
    body = """
        import sys
        names = [name for name in sys.modules if "grader" in name or "ctypes" in name]
        return names, sorted(vars(sys.modules["__main__"]))
    """
    assert store_of(body).go() == ([], ["__name__"])


# What the agent does with a package's objects must not call into the package: such code would stand
# below the agent's frames.
HOOKS = (
    REPORT
    + """
class Nosy(type):
    __name__ = property(lambda kind: above() or "Nosy")
    __mro__ = property(lambda kind: above() or (kind, object))
    def __hash__(kind):
        above()
        return 1
    def __eq__(kind, other):
        above()
        return True
    def __instancecheck__(kind, other):
        above()
        return True
    def __subclasscheck__(kind, other):
        above()
        return True

class Thing(metaclass=Nosy):
    __class__ = property(lambda self: above() or Thing)
    def __del__(self):
        above()
    def __hash__(self):
        above()
        return 1
    def __eq__(self, other):
        above()
        return True

class Oops(Exception, metaclass=type):
    def __str__(self):
        above()
        return "oops"

class Key(str):
    __hash__ = str.__hash__
    def __eq__(self, other):
        above()
        return True

class MemoryStore:
    def thing(self): return Thing()
    def things(self): return {Thing(): [Thing(), (Thing(),)]}
    def error(self): raise Oops
    def deep(self):
        value = [Thing()]
        for _ in range(100): value = [value, Thing()]
        return value
    def named(self): return type(Key("Named"), (), {})
    def seen(self): return sorted(seen)
"""
)


def test_objects_of_the_package_never_run_below_the_agents_frames(kv_of):
    kv = kv_of(memory=HOOKS)
    store = kv.MemoryStore()
    for _ in range(3):
        thing = store.thing()
        assert thing.kind == "Thing"
        for method in (store.things, store.error, store.deep):
            with pytest.raises(RemoteError):
                method()
        store.named()
        del thing
    assert "grader_agent.front" in store.seen()
    front = {f"grader_agent.{name}" for name in ("describe", "front", "verbs")}
    assert set(store.seen()) <= {"kvstore.memory", *front}


# With some effort Python gives out the dictionary of a built-in type.
PATCHES = (
    REPORT
    + """
class Thief:
    def __eq__(self, other):
        self.loot = other
        return True

def dictionary_of(kind):
    thief = Thief()
    kind.__dict__ == thief
    return thief.loot

def spied(real):
    def function(*args, **kwargs):
        above()
        return real(*args, **kwargs)
    return function

def patch():
    import _blake2, _random, _struct, _thread
    kinds = [list, dict, str, bytes, bytearray, int, tuple, type(_thread.allocate_lock())]
    for kind in [*kinds, _struct.Struct, _random.Random, _blake2.blake2b, BaseException]:
        names = dictionary_of(kind)
        for name, value in [*dict.items(names)]:
            if type(value).__name__ == "method_descriptor":
                names[name] = spied(value)
    getattr(sys, "_clear_type_cache", int)()

class MemoryStore:
    def patch(self): patch()
    def value(self): return [{"a": (1, 2.5, b"x", 2**80, None, True)}, "text"]
    def seen(self): return sorted(seen)
"""
)


def test_methods_of_built_in_types_are_not_called_below_the_agents_frames(kv_of):
    kv = kv_of(memory=PATCHES)
    store = kv.MemoryStore()
    actor, disk = kv.actor("one"), kv.disk()
    store.patch()
    assert store.value() == [{"a": (1, 2.5, b"x", 2**80, None, True)}, "text"]
    assert actor.call(store.value)[1] == "text"
    assert disk.events() == []
    kv.at_once([(store.value, ())], [(store.value, ())], seed=1)
    assert "grader_agent.front" in store.seen()
    assert "a refused frame" not in store.seen()


def test_an_error_handler_of_codecs_does_not_run_below_the_agents_frames(kv_of):
    source = (
        REPORT
        + """
import codecs

for name in ("strict", "surrogatepass", "surrogateescape", "backslashreplace"):
    codecs.register_error(name, lambda error: above() or ("?", error.end))

class MemoryStore:
    def echo(self, text): return text
    def seen(self): return sorted(seen)
"""
    )
    store = kv_of(memory=source).MemoryStore()
    assert store.echo("a lone \ud800, \udc80\udfff and \U0001f600") == (
        "a lone \ud800, \udc80\udfff and \U0001f600"
    )
    assert store.seen() == []
