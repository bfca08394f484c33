from .errors import *
from .protocol import ErrorReply


class Dispatcher:
    def __init__(self, store):
        self.store = store

    def execute(self, args):
        name = args[0].decode().upper()
        args = args[1:]
        try:
            if name == "PING":
                return args[0] if args else "PONG"
            elif name == "ECHO":
                return args[0]
            elif name == "DBSIZE":
                return len(self.store)
            elif name == "DEL":
                return sum(self.store.delete(a.decode()) for a in args)
            elif name == "EXISTS":
                return sum(self.store.exists(a.decode()) for a in args)
            elif name == "KEYS":
                return [k.encode() for k in self.store.keys(args[0].decode())]
            elif name == "SET":
                self.store.set(args[0].decode(), args[1])
                return "OK"
            elif name == "SETNX":
                return int(self.store.setnx(args[0].decode(), args[1]))
            elif name == "GET":
                return self.store.get(args[0].decode())
            elif name == "EXPIRE":
                return int(self.store.expire(args[0].decode(), int(args[1])))
            elif name == "TTL":
                return int(self.store.ttl(args[0].decode()))
            elif name == "PERSIST":
                return int(self.store.persist(args[0].decode()))
            elif name == "INCR":
                return self.store.incr(args[0].decode())
            elif name == "DECR":
                return self.store.incr(args[0].decode(), -1)
            elif name == "INCRBY":
                return self.store.incr(args[0].decode(), int(args[1]))
            elif name == "DECRBY":
                return self.store.incr(args[0].decode(), -int(args[1]))
        except IndexError:
            return ErrorReply("ERR wrong number of arguments for '%s' command" % name.lower())
        except NotAnIntegerError:
            return ErrorReply("ERR value is not an integer or out of range")
        except InvalidTTLError:
            return ErrorReply("ERR invalid expire time in 'expire' command")
        except ValueError as e:
            return ErrorReply("ERR %s" % e)
        return ErrorReply("ERR unknown command '%s'" % name)
