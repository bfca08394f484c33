"""What the guard refuses to a package under test, and what it leaves alone."""

import pytest

from grader.remote.failures import RemoteError

REFUSED = "the course does not allow"

FORBIDDEN = {
    "every object": "import gc; gc.get_objects()",
    "who refers to it": "import gc; gc.get_referrers(1)",
    "what it refers to": "import gc; gc.get_referents(int.__dict__)",
    "frames of other threads": "import sys; sys._current_frames()",
    "exceptions of other threads": "import sys; sys._current_exceptions()",
    "tracing": "import sys; sys.settrace(lambda *event: None)",
    "switching tracing off": "import sys; sys.settrace(None)",
    "profiling": "import sys; sys.setprofile(print)",
    "foreign functions": "import ctypes",
    "foreign functions, the inner module": "import _ctypes",
    "Python's own test module": "import _testcapi",
    "byte code of one's own": "(lambda: 1).__code__.replace(co_code=b'')",
    "byte code out of bytes": "import marshal; marshal.loads(b'N')",
    "a file name of the standard library's": "import os; compile('1', os.__file__, 'eval')",
    "a file name of frozen code": "compile('1', '<frozen importlib._bootstrap>', 'eval')",
    "an extension module": (
        "import importlib.machinery as m, importlib.util as u;"
        " u.module_from_spec(u.spec_from_loader('x', m.ExtensionFileLoader('x', '/tmp/x.so')))"
    ),
    "its own memory": "open('/proc/self/mem', 'rb')",
    "its own descriptors": "import os; os.open('/proc/self/fd/0', os.O_RDONLY)",
    "its own memory by another name": ("import os; os.chdir('/proc/self'); open('maps', 'rb')"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_only_serves_to_look_into_the_agent_is_refused(store_of, what):
    store = store_of(FORBIDDEN[what])
    with pytest.raises(RemoteError, match=REFUSED):
        store.go()


def test_the_handler_of_a_signal_cannot_be_set(store_of):
    """It would be given whatever frame stands in the main thread."""
    with pytest.raises(RemoteError, match="main thread"):
        store_of("import signal; signal.signal(signal.SIGALRM, print)").go()


def test_interrupting_the_main_thread_changes_nothing(store_of):
    body = "import _thread; _thread.interrupt_main(); return 1"
    store = store_of(body)
    assert [store.go() for _ in range(3)] == [1, 1, 1]


def test_a_child_cannot_read_the_agents_memory(store_of):
    body = """
        import os, subprocess, sys
        look = f"open('/proc/{os.getpid()}/mem', 'rb')"
        child = subprocess.run([sys.executable, "-S", "-c", look], capture_output=True, text=True)
        return child.stderr
    """
    said = store_of(body).go()
    assert "PermissionError" in said or "FileNotFoundError" in said


LIBRARY = {
    "collections": "import collections; return collections.namedtuple('A', 'x')(1).x",
    "enum": "import enum; return enum.Enum('A', 'ONE')['ONE'].value",
    "dataclasses": "import dataclasses; return dataclasses.make_dataclass('A', ['x'])(1).x",
    "typing": "import typing; return typing.NamedTuple('A', [('x', int)])(1).x",
    "functools": "import functools; return functools.lru_cache(int)('1')",
    "inspect": (
        "import inspect; f = lambda a=1: 0; inspect.stack(); inspect.currentframe().f_back;"
        " return inspect.signature(f).parameters['a'].default"
    ),
    "traceback": """
        import traceback
        try:
            1 / 0
        except ZeroDivisionError:
            return int("in go" in traceback.format_exc() + "".join(traceback.format_stack()))
    """,
    "logging": """
        import logging, sys
        logging.basicConfig(stream=sys.stdout, format="%(funcName)s")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("a mistake")
        return 1
    """,
    "warnings": "import warnings; warnings.warn('careful'); return 1",
    "asyncio": """
        import asyncio
        async def one():
            await asyncio.sleep(0)
            return 1
        return asyncio.run(one())
    """,
    "concurrent": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor() as pool:
            return pool.submit(int, "1").result()
    """,
    "contextlib": """
        import contextlib
        @contextlib.contextmanager
        def one():
            try:
                yield 1
            except ValueError:
                pass
        with one() as number:
            raise ValueError
        return number
    """,
    "socketserver": """
        import socket, socketserver, threading
        class Echo(socketserver.StreamRequestHandler):
            def handle(self): self.wfile.write(self.rfile.readline())
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with socket.create_connection(server.server_address) as client:
                client.sendall(b"1\\n")
                answer = client.makefile().readline()
            server.shutdown()
        return int(answer)
    """,
    "others": """
        import copy, csv, decimal, difflib, hashlib, heapq, json, pathlib, pickle, queue, random
        import sched, secrets, shutil, sqlite3, statistics, string, subprocess, tempfile, tomllib
        import unittest, urllib.parse, uuid, weakref, zipfile
        pickle.loads(pickle.dumps(decimal.Decimal(uuid.uuid4().int)))
        return 1
    """,
    "weakref and gc": """
        import gc, weakref
        class Thing: pass
        thing = Thing()
        thing.self = thing
        gone = weakref.ref(thing)
        del thing
        gc.collect()
        return int(gone() is None)
    """,
}


@pytest.mark.parametrize("module", LIBRARY)
def test_the_standard_library_works_as_ever(store_of, module):
    assert store_of(LIBRARY[module]).go() == 1


def test_an_error_of_the_guard_shows_no_frame_of_the_agents(store_of):
    body = """
        import gc, traceback
        try:
            gc.get_objects()
        except RuntimeError:
            return traceback.format_exc()
    """
    assert "gc.get_objects()" in store_of(body).go()
