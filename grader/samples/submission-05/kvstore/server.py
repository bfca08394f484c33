import socket
import threading

from .commands import Dispatcher
from .errors import ProtocolError
from .protocol import ErrorReply, Parser, encode


class Server:
    def __init__(self, store, host="127.0.0.1", port=0, *, max_clients=1000):
        self.store = store
        self.host = host
        self.port = port
        self.max_clients = max_clients
        self.clients = []
        self.stopped = threading.Event()

    def start(self):
        self.sock = socket.create_server((self.host, self.port))
        self.sock.settimeout(0.1)
        self.addr = self.sock.getsockname()
        self.thread = threading.Thread(target=self.accept_loop, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return self.addr

    def accept_loop(self):
        while not self.stopped.is_set():
            try:
                conn, _ = self.sock.accept()
            except TimeoutError:
                continue
            conn.settimeout(None)
            if len(self.clients) >= self.max_clients:
                conn.sendall(b"-ERR max number of clients reached\r\n")
                conn.close()
                continue
            self.clients.append(conn)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        parser = Parser()
        dispatcher = Dispatcher(self.store)
        try:
            while True:
                data = conn.recv(4096)
                if not data:
                    break
                parser.feed(data)
                while True:
                    try:
                        command = parser.next_command()
                    except ProtocolError as e:
                        conn.sendall(encode(ErrorReply("ERR Protocol error: %s" % e)))
                        return
                    if command is None:
                        break
                    conn.sendall(encode(dispatcher.execute(command)))
        except OSError:
            pass
        finally:
            self.clients.remove(conn)
            conn.close()

    def serve_forever(self):
        self.start()
        self.stopped.wait()

    def stop(self):
        self.stopped.set()
        self.thread.join()
        for conn in list(self.clients):
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sock.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *args):
        self.stop()
