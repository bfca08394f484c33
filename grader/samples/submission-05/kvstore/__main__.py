import argparse
import sys

from .commands import Dispatcher
from .errors import *
from .protocol import ErrorReply, Parser
from .server import Server
from .store import Store


def show(reply):
    if reply is None:
        return "(nil)"
    if isinstance(reply, bytes):
        return '"%s"' % reply.decode("utf-8", "replace").replace('"', '\\"')
    if isinstance(reply, int):
        return "(integer) %d" % reply
    if isinstance(reply, ErrorReply):
        return "(error) " + reply.message
    if isinstance(reply, list):
        return "\n".join("%d) %s" % (i, show(r)) for i, r in enumerate(reply, 1))
    return reply


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve", "repl"])
    parser.add_argument("--data-dir", default="kvstore-data")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--sync", default="always")
    parser.add_argument("--snapshot-interval", type=float)
    args = parser.parse_args()
    try:
        store = Store.open(args.data_dir, sync=args.sync, snapshot_interval=args.snapshot_interval)
    except KVStoreError as e:
        print("kvstore:", e, file=sys.stderr)
        return 1
    if args.command == "serve":
        server = Server(store, args.host, args.port)
        server.start()
        print("kvstore: listening on %s:%d" % server.address, flush=True)
        try:
            server.stopped.wait()
        except KeyboardInterrupt:
            server.stop()
            store.close()
    else:
        dispatcher = Dispatcher(store)
        for line in sys.stdin:
            p = Parser()
            p.feed(line.strip().encode() + b"\r\n")
            command = p.next_command()
            if command:
                print(show(dispatcher.execute(command)))
        store.close()


if __name__ == "__main__":
    sys.exit(main())
