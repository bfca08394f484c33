"""The command line, as another process sees it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import kvstore
import pytest
from kvstore.__main__ import main
from kvstore.store import Store

PATIENCE_SECONDS = 30.0
COMMAND = [sys.executable, "-m", "kvstore"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(kvstore.__file__).parents[1])}

needs_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signal that asks a process to stop"
)


@contextlib.contextmanager
def serving(data_dir: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `serve` on any free port; yield the process and the port."""
    command = [*COMMAND, "serve", "--data-dir", str(data_dir), "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            announced = re.fullmatch(r"kvstore: listening on 127\.0\.0\.1:(\d+)\n", line)
            assert announced, line
            yield process, int(announced[1])
        finally:
            process.kill()


def ask(port: int, request: bytes) -> bytes:
    """Send a request, whose last command must be QUIT, and return the replies before its own."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
        client.sendall(request)
        replies = b"".join(iter(lambda: client.recv(65_536), b""))
    return replies.removesuffix(b"+OK\r\n")


def run(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=text,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def repl(data_dir: Path, text: str) -> str:
    done = run("repl", "--data-dir", str(data_dir), text=text.encode())
    assert done.stderr == b""
    assert done.returncode == 0
    return done.stdout.decode().replace("\r\n", "\n")


def assert_one_sentence(done: subprocess.CompletedProcess[bytes], *parts: str) -> None:
    message = done.stderr.decode()
    assert done.returncode == 1
    assert done.stdout == b""
    assert message.startswith("kvstore: ")
    assert message.count("\n") == 1
    for part in parts:
        assert part in message


@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_serve_until_told_to_stop(tmp_path: Path, name: str) -> None:
    with serving(tmp_path) as (process, port):
        assert ask(port, b"SET a 1\r\nQUIT\r\n") == b"+OK\r\n"
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as idle:
            idle.sendall(b"PING\r\n")
            assert idle.recv(7) == b"+PONG\r\n"
            process.send_signal(getattr(signal, name))
            assert idle.recv(1) == b""
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, out, err) == (0, "", "")
    with Store.open(tmp_path) as store:
        assert store.dump() == ({"a": b"1"}, {})


@pytest.mark.parametrize("sync", ["always", "interval", "never"])
def test_what_was_answered_survives_a_kill(tmp_path: Path, sync: str) -> None:
    with serving(tmp_path, "--sync", sync) as (process, port):
        assert ask(port, b"SET a 1\r\nINCR a\r\nQUIT\r\n") == b"+OK\r\n:2\r\n"
        process.kill()
        process.wait()
    assert repl(tmp_path, "GET a\n") == '"2"\n'


def test_snapshot_interval(tmp_path: Path) -> None:
    with serving(tmp_path, "--snapshot-interval", "3600") as (_, port):
        assert ask(port, b"PING\r\nQUIT\r\n") == b"+PONG\r\n"


@pytest.mark.parametrize("command", ["serve", "repl"])
def test_a_folder_in_use(tmp_path: Path, command: str) -> None:
    with Store.open(tmp_path):
        done = run(command, "--data-dir", str(tmp_path))
    assert_one_sentence(done, str(tmp_path))


def test_a_corrupt_log(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set("a", b"1")
        store.set("b", b"2")
    segment = min(tmp_path.glob("wal-*.log"))
    damaged = bytearray(segment.read_bytes())
    damaged[10] ^= 0xFF
    segment.write_bytes(damaged)
    assert_one_sentence(run("repl", "--data-dir", str(tmp_path)), str(segment), "offset 0")


def test_a_torn_write_is_cut_and_told(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set("a", b"1")
    segment = max(tmp_path.glob("wal-*.log"))
    intact = segment.read_bytes()
    segment.write_bytes(intact + b"torn")
    done = run("repl", "--data-dir", str(tmp_path), text=b"GET a\n")
    assert done.returncode == 0
    assert done.stdout.split() == [b'"1"']
    message = done.stderr.decode()
    assert f"cut 4 bytes from {segment} at offset {len(intact)}" in message


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--data-dir", str(tmp_path), "--port", port)
    assert_one_sentence(done, f"127.0.0.1:{port}", "in use")


def test_a_port_that_cannot_be(tmp_path: Path) -> None:
    done = run("serve", "--data-dir", str(tmp_path), "--port", "65536")
    assert_one_sentence(done, "127.0.0.1:65536", "0-65535")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["serve", "--port", "http"],
        ["serve", "--sync", "sometimes"],
        ["serve", "--snapshot-interval", "0"],
        ["serve", "--snapshot-interval", "nan"],
        ["serve", "--snapshot-interval", "soon"],
        ["repl", "--port", "1"],
    ],
)
def test_bad_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: kvstore" in capsys.readouterr().err


CONVERSATION = {
    "SET a 1": "OK",
    "": None,
    "get a": '"1"',
    "GET nope": "(nil)",
    "INCR a": "(integer) 2",
    "KEYS z*": "(empty array)",
    "KEYS a": '1) "a"',
    'SET "a key" "tab\\t quote\\" back\\\\ \\x00é"': "OK",
    'GET "a key"': r'"tab\t quote\" back\\ \x00\xc3\xa9"',
    "GET 'a": "(error) ERR Protocol error: unbalanced quotes in request",
    "NOPE é": "(error) ERR unknown command 'NOPE'",
    "é": "(error) ERR unknown command 'é'",
    "COMMAND DOCS ping": '1) "ping"\n2) 1) "summary"\n   2) "Return PONG, or the message."',
    "PING": "PONG",
}


def test_repl_prints_as_redis_cli_does(tmp_path: Path) -> None:
    expected = "".join(f"{answer}\n" for answer in CONVERSATION.values() if answer is not None)
    assert repl(tmp_path, "\n".join(CONVERSATION)) == expected


def test_repl_numbers_a_long_array_in_columns(tmp_path: Path) -> None:
    answer = repl(tmp_path, "".join(f"SET {n} x\n" for n in range(10)) + "KEYS *\n")
    numbers = [line.split('"')[0] for line in answer.splitlines()[10:]]
    assert numbers == [*(f" {n}) " for n in range(1, 10)), "10) "]


@pytest.mark.parametrize("word", ["quit", "EXIT"])
def test_repl_ends_when_told_to(tmp_path: Path, word: str) -> None:
    assert repl(tmp_path, f"PING\n{word}\nPING\n") == "PONG\n"


@needs_signals
def test_repl_prompts_a_person(tmp_path: Path) -> None:
    import pty

    terminal, inner = pty.openpty()
    command = [*COMMAND, "repl", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdin=inner, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        os.close(inner)
        os.write(terminal, b"PING\n\x04")
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
        os.close(terminal)
    assert out == b"kvstore> PONG\nkvstore> "
    assert process.returncode == 0
