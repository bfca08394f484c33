"""What clients sent and were answered, and the question whether any order of the commands explains
the replies.

Every command takes effect at one instant between its sending and its reply; those of one client in
the order in which it sent them, also when it did not wait in between. If the oracle finds no such
order, the test fails, and its steps are the commands that contradict each other. Not here: sockets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from grader.oracle.history import Call, Op
from grader.oracle.linearizable import check_store
from grader.oracle.operations import OPERATIONS
from grader.remote.session import Session
from grader.testkit.commands import OddReplyError, meaning, words_of

_AFTERWARDS = -1  # the number of the client that is the test itself
_NEVER = 2**63


class Exchange(NamedTuple):
    """A command of a client, which count from 0, and the reply to it if there was one; times are
    in nanoseconds.
    """

    client: int
    op: Op
    sent_ns: int
    arrived_ns: int | None = None
    reply: Any = None


class History:
    """All commands of all clients, and the steps of the test that shows them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls: list[Call] = []

    def add(self, exchange: Exchange) -> None:
        """Add a command; a reply that has not even the right form fails the test."""
        client, op, sent_ns, arrived_ns, reply = exchange
        result: Any = None
        errors: tuple[str, ...] = ()
        if arrived_ns is not None:
            try:
                result, errors = meaning(op, reply)
            except OddReplyError:
                answer = self._session.text(reply)
                command = self.show(exchange, answer)
                raise AssertionError(f"{command} was answered {answer}") from None
        self._calls.append(Call(client, *op, sent_ns, arrived_ns, result, errors))

    def add_afterwards(self, op: Op, result: Any) -> None:
        """Add what the store itself says once all clients are gone."""
        now = max((call.returned or call.invoked for call in self._calls), default=0) + 1
        self._calls.append(Call(_AFTERWARDS, *op, now, now, result))

    def check(self) -> None:
        """Fail unless some order of the commands explains every reply."""
        verdict = check_store(self._calls)
        if verdict.kind == "ok":
            return
        assert verdict.kind == "violated", (
            "the replies are so tangled that no order of the commands was found that explains them"
        )
        calls = _without_idle_reads(list(verdict.calls))
        self._show_all(calls)
        last = max(calls, key=lambda call: call.returned or 0)
        raise AssertionError(
            f"no order of these {len(calls)} commands on {verdict.key} explains their replies; the"
            f" first that does not fit is {self._answer(last)} to {self._text(last, '')}"
        )

    def show(self, exchange: Exchange, answer: str) -> str:
        """Add a command and what came of it to the steps; return the command in words."""
        text = f"client {exchange.client + 1}: {self._command(exchange.op)}"
        self._session.trace.add(text, answer)
        return text

    def _show_all(self, calls: list[Call]) -> None:
        """Add calls to the steps, in the order in which they were sent."""
        until, before = 0, None
        for call in sorted(calls, key=lambda call: call.invoked):
            beside = ", meanwhile" if call.invoked < until else ""
            if before is not None and (call.thread, call.invoked) == before:
                beside = ", in the same packet"
            self._session.trace.add(self._text(call, beside), self._answer(call))
            until = max(until, _NEVER if call.returned is None else call.returned)
            before = (call.thread, call.invoked)

    def _text(self, call: Call, beside: str) -> str:
        if call.thread == _AFTERWARDS:
            words = ", ".join(map(self._session.text, call.args))
            return f"afterwards, store.{call.name}({words})"
        return f"client {call.thread + 1}{beside}: {self._command((call.name, call.args))}"

    def _answer(self, call: Call) -> str:
        if call.returned is None:
            return "(no reply yet)"
        if call.errors:
            return "an error"
        if call.thread == _AFTERWARDS or type(call.result) is not bool:
            is_ok = call.name == "set" and call.result is None
            return "OK" if is_ok else self._session.text(call.result)
        return str(int(call.result))

    def _command(self, op: Op) -> str:
        """A command as a person would type it."""
        return " ".join(self._session.text(word)[2:-1] for word in words_of(op))


def _without_idle_reads(calls: list[Call]) -> list[Call]:
    """Leave out reads, one by one, as long as what is left is still contradictory: it must make
    sense without them.
    """
    for call in [call for call in calls if not OPERATIONS[call.name].writes]:
        fewer = [other for other in calls if other is not call]
        if check_store(fewer).kind == "violated":
            calls = fewer
    return calls
