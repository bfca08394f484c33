"""Visible tests of __main__.py: the store as a program."""

from grader.testkit import points


@points(2, suite="correctness", hint="serve")
def test_serve_says_where_it_listens_and_serves(kv, data_dir):
    """`serve` prints one line with the host and the port, and from then on clients are served."""
    program = kv.program("serve", "--data-dir", data_dir, "--port", "0")
    before, _, port = program.read_line().rpartition(":")
    assert before == "kvstore: listening on 127.0.0.1"
    client = kv.connect(("127.0.0.1", int(port)))
    assert client.command(b"SET", b"a", b"1") == "OK"
    assert client.command(b"GET", b"a") == b"1"


@points(1, suite="correctness", hint="repl")
def test_repl_answers_line_by_line(kv, data_dir):
    """`repl` reads a command from each line, and prints its reply as redis-cli does."""
    ended = kv.program("repl", "--data-dir", data_dir).finish("SET a 1\nGET a\nGET b\nINCR a\n")
    assert ended.output == 'OK\n"1"\n(nil)\n(integer) 2\n'
    assert ended.exit_code == 0
