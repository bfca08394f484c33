"""Hidden tests of the program: how it ends, what it says, and what is there afterwards."""

from grader.testkit import formats, points, random_key, random_value


def _serve(kv, data_dir, *options):
    """Start `serve` on a free port; the program, and a client of it."""
    program = kv.program("serve", "--data-dir", data_dir, "--port", "0", *options)
    port = program.read_line().rpartition(":")[2]
    return program, kv.connect(("127.0.0.1", int(port)))


def _complaint(ended):
    """The one line that a program which cannot go on leaves on its standard error."""
    lines = ended.errors.splitlines()
    assert (ended.exit_code, len(lines), ended.output) == (1, 1, "")
    return lines[0]


@points(2, suite="correctness", hint="serve")
def test_a_signal_ends_serve_cleanly(kv, data_dir, rng):
    """SIGTERM and SIGINT end the server with exit code 0, and the data is there afterwards."""
    key, value = random_key(rng).encode(), random_value(rng)
    first, client = _serve(kv, data_dir)
    assert client.command(b"SET", key, value) == "OK"
    first.interrupt("SIGTERM")
    assert client.read_to_end() == b""
    ended = first.finish()
    assert (ended.exit_code, ended.errors) == (0, "")
    second, client = _serve(kv, data_dir)
    assert client.command(b"GET", key) == value
    second.interrupt("SIGINT")
    ended = second.finish()
    assert (ended.exit_code, ended.errors) == (0, "")


@points(2, suite="correctness", hint="serve")
def test_what_was_answered_survives_a_kill(kv, data_dir, rng):
    """Whatever the sync policy: what a client was told is done is there after a SIGKILL."""
    key, value = random_key(rng).encode(), random_value(rng)
    program, client = _serve(kv, data_dir, "--sync", "never")
    assert client.command(b"SET", key, value) == "OK"
    assert client.command(b"INCR", b"n") == 1
    program.interrupt("SIGKILL")
    program.finish()
    _, client = _serve(kv, data_dir, "--sync", "interval", "--snapshot-interval", "60")
    assert client.command(b"GET", key) == value
    assert client.command(b"INCR", b"n") == 2


@points(1, suite="correctness", hint="serve")
def test_a_folder_in_use(kv, data_dir):
    """A folder that another store has open: exit code 1 and one sentence, no traceback."""
    store = kv.Store.open(data_dir)
    ended = kv.program("repl", "--data-dir", data_dir).finish("PING\n")
    assert "Traceback" not in _complaint(ended)
    store.close()


@points(1, suite="correctness", hint="serve")
def test_a_corrupt_log(kv, data_dir):
    """A log that is damaged in its middle: exit code 1 and one sentence that names the file."""
    damaged = bytearray(formats.frame((formats.SET, 1, "a", b"1")))
    damaged[-1] ^= 0xFF
    name = formats.segment_name(1)
    (data_dir / name).write_bytes(damaged + formats.frame((formats.SET, 2, "b", b"2")))
    kv.note(f"{name} holds a damaged frame and an intact one after it")
    ended = kv.program("serve", "--data-dir", data_dir, "--port", "0").finish()
    assert name in _complaint(ended)


@points(1, suite="correctness", hint="serve")
def test_bad_arguments(kv):
    """A command that does not exist and an option that makes no sense: exit code 2."""
    codes = [
        kv.program(*arguments).finish().exit_code
        for arguments in (["fly"], ["serve", "--sync", "sometimes"])
    ]
    assert codes == [2, 2]


@points(1, suite="correctness", hint="repl")
def test_each_reply_as_redis_cli_prints_it(kv, data_dir):
    """Text bare, bytes quoted and escaped, numbers, nil, errors and arrays marked as such."""
    conversation = {
        "PING": "PONG",
        "": None,
        "SET word x\\y": "OK",
        "GET word": '"x\\\\y"',
        "ECHO é": r'"\xc3\xa9"',
        "GET no": "(nil)",
        "NOPE": "(error) ERR unknown command 'NOPE'",
        "INCR n": "(integer) 1",
        "KEYS no*": "(empty array)",
        "KEYS w*": '1) "word"',
    }
    ended = kv.program("repl", "--data-dir", data_dir).finish("\n".join(conversation))
    assert ended.output.splitlines() == [line for line in conversation.values() if line is not None]
    assert (ended.exit_code, ended.errors) == (0, "")
