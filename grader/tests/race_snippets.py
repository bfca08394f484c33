"""Small pieces of Python, each with a function `main`: of every sort of syntax something."""

# Above each snippet: `note` remembers what was looked at, in which order.
HEAD = """
log = []
def note(value, name=None):
    log.append(name or value)
    return value
class Box:
    def __init__(self, **fields):
        object.__setattr__(self, 'fields', dict(fields))
    def __getattr__(self, name):
        log.append('get ' + name)
        return self.fields[name]
    def __setattr__(self, name, value):
        log.append(f'set {name} {value!r}')
        self.fields[name] = value
    def __delattr__(self, name):
        log.append('del ' + name)
        del self.fields[name]
    def __getitem__(self, key):
        log.append(f'item {key!r}')
        return self.fields[key]
    def __setitem__(self, key, value):
        log.append(f'set item {key!r} {value!r}')
        self.fields[key] = value
"""

SNIPPETS = {
    "augmented attribute": """
        def main():
            box = Box(n=1)
            note(box, 'owner').n += note(2)
            note(box, 'owner').n **= note(2)
            return box.n
    """,
    "augmented item": """
        def main():
            box = Box(a=1)
            note(box, 'owner')[note('a')] += note(2)
            note(box, 'owner')[note('a')] <<= note(2)
            return box['a']
    """,
    "augmented slices": """
        def main():
            items, at = [1, 2, 3, 4], (0,)
            items[1:3] += [9]
            items[::2] *= 1
            grid = {(0, 1): 5, (0,): 7}
            grid[0, 1] -= 2
            grid[*at] += 1
            return items, grid
    """,
    "every operator": """
        class M:
            def __init__(self): self.seen = []
            def __imatmul__(self, other): self.seen.append(('@', other)); return self
        class B: pass
        def main():
            b = B()
            b.n = 29
            b.n += 3; b.n -= 2; b.n *= 7; b.n //= 3; b.n %= 61; b.n **= 2; b.n <<= 3
            b.n >>= 1; b.n |= 5; b.n ^= 3; b.n &= 0xfff; b.n /= 4
            b.m = M()
            b.m @= 6
            return b.n, b.m.seen
    """,
    "augmented in place": """
        def main():
            class B: pass
            b = B()
            b.items = kept = [1]
            b.items += (2, 3)
            b.text = 'a'
            b.text += 'b'
            return kept, b.items is kept, b.text
    """,
    "augmented tuple item": """
        def main():
            pair = ([1], 2)
            try:
                pair[0] += [5]
            except TypeError as error:
                return pair, str(error)
    """,
    "augmented with nothing": """
        class B: n = None
        def main():
            B().n += 1
    """,
    "augmented missing": """
        def main():
            {}['a'] += 1
    """,
    "augmented global": """
        n = 1
        def raise_it():
            global n
            n += note(4)
            n, other = n + 1, n
            return other
        def main():
            return raise_it(), n
    """,
    "augmented nonlocal": """
        def main():
            n = 0
            def step(by):
                nonlocal n
                n += by
                n = n * 2
                return n
            return step(2), step(3), n
    """,
    "augmented local": """
        def main():
            n = [1]
            n += note([2])
            return n
    """,
    "augmented unbound": """
        def main():
            n += 1
    """,
    "augmented nested": """
        def main():
            box = Box(n=1, inner=Box(n=[1, 2]))
            box.inner.n[box.n] += box.n
            return box.inner.n
    """,
    "augmented names left": """
        class B: n = 0
        def main():
            b = B()
            b.n += 1
            b.__dict__['n'] += 1
            return sorted(locals()), b.n
    """,
    "augmented drops its owner": """
        import weakref
        class B: n = 0
        def main():
            b = B()
            gone = weakref.ref(b)
            b.n += 1
            del b
            return gone() is None
    """,
    "augmented yield": """
        def steps(box):
            box.n += yield box.n
            box.n += yield box.n
        def main():
            box = Box(n=1)
            run = steps(box)
            return next(run), run.send(5), box.n
    """,
    "comprehensions": """
        def main():
            rows = {'a': [1, 2], 'b': [3]}
            return (
                [x * y for x in rows['a'] for y in range(x) if y in rows['b'] or x],
                {k: v[0] for k, v in rows.items()},
                {v for row in rows.values() for v in row},
                list(x for x in (y for y in rows['a'])),
                [[x for x in row] for row in rows.values()],
            )
    """,
    "a generator of nothing": """
        def main():
            return (x for x in None)
    """,
    "a generator is lazy": """
        def main():
            lazy = (note(x) for x in note([1, 2], 'source'))
            note('before')
            return next(lazy), next(lazy)
    """,
    "a loop closes its generator": """
        def source():
            try:
                yield 1
                yield 2
            finally:
                note('closed')
        def main():
            for x in source():
                break
            note('after')
            return x
    """,
    "loops and else": """
        def main():
            found = []
            for a, *rest in [(1, 2, 3), (4,)]:
                found.append((a, rest))
            else:
                found.append('else')
            while found[-1] == 'else':
                found.append('end')
            else:
                found.append('while else')
            for box in [Box()]:
                for box.n in range(2):
                    continue
            return found
    """,
    "a dictionary that changes": """
        def main():
            d = {1: 1}
            for k in d:
                d[k + 1] = 1
    """,
    "lambdas": """
        double = lambda box: box.n * 2
        def main():
            return double(Box(n=4)), (lambda d, *a, k=1, **kw: d['a'] + k)({'a': 1}), sorted(
                [Box(n=2), Box(n=1)], key=lambda b: b.n)[0].n
    """,
    "match": """
        import enum
        class Color(enum.Enum):
            RED = 1
            BLUE = 2
        class Point:
            __match_args__ = ('x', 'y')
            def __init__(self, x, y): self.x, self.y = x, y
        def name(value):
            match value:
                case Color.RED: return 'red'
                case Color.BLUE | None: return 'blue or none'
                case Point(0, y=y) if y in (1, 2): return 'on axis', y
                case Point(x=x): return 'point', x
                case {'a': [first, *rest], **more}: return first, rest, more
                case [Color.RED, other]: return other
                case str() as text: return text
                case _: return 'else'
        def main():
            return [name(v) for v in (Color.RED, None, Point(0, 1), Point(3, 1),
                {'a': [1, 2], 'b': 3}, [Color.RED, 7], 'text', 5.0)]
    """,
    "walrus": """
        def main():
            box = Box(n=[3, 1])
            if (n := box.n) and (m := n[0]) > 2:
                return n, m, [last := x for x in n], last
    """,
    "texts": """
        def main():
            b, w = Box(n=3.14159, s='x'), 8
            return f'{b.n:{w}.2f} {b.s!r:>5} {b.n=} {[x for x in "ab"]} {{}} {b.fields["s"]}'
    """,
    "stars": """
        def take(*args, **kwargs): return args, sorted(kwargs.items())
        def main():
            box = Box(a=[1, 2], d={'k': 3})
            first, *box.rest = box.a
            return take(*box.a, *box.a, **box.d, z=1), [*box.a], {**box.d}, first, box.rest
    """,
    "async": """
        import asyncio
        class Both:
            async def __aenter__(self): return note(self, 'enter')
            async def __aexit__(self, *e): note('exit')
        async def numbers(box):
            for n in box.items:
                await asyncio.sleep(0)
                yield n
        async def work():
            box = Box(items=[1, 2, 3], total=0)
            async with Both():
                async for n in numbers(box):
                    box.total += n
                return [n async for n in numbers(box) if n in box.items], box.total
        def main():
            return asyncio.run(work())
    """,
    "generators": """
        def inner(box):
            got = yield box.n
            note(got)
            return box.n + 1
        def outer(box):
            got = yield from inner(box)
            try:
                yield got
            except ValueError:
                yield 'caught'
        def main():
            run = outer(Box(n=1))
            return next(run), run.send('sent'), run.throw(ValueError), list(run)
    """,
    "try": """
        def run(box):
            try:
                note(box.n)
                return box.fields['missing']
            except (KeyError, AttributeError) as error:
                note(type(error).__name__)
                raise LookupError('again') from error
            else:
                note('else')
            finally:
                note('finally')
        def main():
            try:
                run(Box(n=1))
            except LookupError as error:
                return repr(error.__cause__)
    """,
    "exception groups": """
        def main():
            found = []
            try:
                raise ExceptionGroup('many', [ValueError(1), KeyError(2)])
            except* ValueError as group:
                found += [str(e) for e in group.exceptions]
            except* KeyError as group:
                found += [repr(e) for e in group.exceptions]
            return found
    """,
    "with": """
        class Manager:
            def __enter__(self): return note([1, 2], 'enter')
            def __exit__(self, kind, *rest): note(('exit', kind)); return kind is KeyError
        def main():
            box = Box(m=Manager())
            with box.m as (a, b), box.m as box.c:
                note((a, b))
                raise KeyError
            return box.c
    """,
    "del": """
        def main():
            box, d = Box(a=1), {'k': [1, 2, 3]}
            del box.a, d['k'][0]
            return box.fields, d
    """,
    "class bodies": """
        base = dict
        class A(base):
            x = {'a': 1}
            x['a'] += 1
            y = [i for i in x]
            def __init__(self): super().__init__(self.x); self.__hidden = 1
            def bump(self): self.__hidden += 1; return self.__hidden
            def who(self): return __class__.__name__
            @classmethod
            def make(cls): return cls()
            @staticmethod
            def pure(x): return x.real
            @property
            def size(self): return len(self)
        class B(A):
            def __init__(self):
                super().__init__()
                self.more = [super(B, self).who() for _ in range(1)]
            def bump(self): return super().bump() + 1
        def main():
            b = B.make()
            return b, b.bump(), b.who(), b.more, b.size, A.pure(3), sorted(vars(b))
    """,
    "decorators and defaults": """
        import functools
        def twice(function):
            @functools.wraps(function)
            def run(*args, **kwargs): return function(*args, **kwargs), function(*args, **kwargs)
            return run
        BOX = Box(n=2)
        @twice
        def one(a, /, b=BOX.n, *, c=[BOX.n]):
            '''What it does.'''
            c.append(a)
            return a, b, list(c)
        def main():
            return one(1), one.__doc__, one.__wrapped__.__defaults__, one.__name__
    """,
    "comparisons": """
        def main():
            box = Box(d={'a': 1}, n=3)
            return (note('a') in box.d, 'b' not in box.d, 1 < note(2) in [2] != box.n,
                    3 < note(2) < note(9), box.n in {1, 2, 3}, None is box.d)
    """,
    "what cannot be hashed": """
        def main():
            return [] in {1, 2}
    """,
    "records": """
        from __future__ import annotations
        import dataclasses, enum, typing
        @dataclasses.dataclass(frozen=True, order=True, slots=True)
        class Row:
            a: int
            b: list[Unknown] = dataclasses.field(default_factory=list)
            def total(self) -> Unknown.type: return self.a + len(self.b)
        class Pair(typing.NamedTuple):
            x: int
            y: str = 'y'
            def both(self): return self.x, self.y
        class Kind(enum.IntEnum):
            A = 1
            B = enum.auto()
            def next(self): return Kind(self.value % 2 + 1)
        def main():
            row = Row(1, [2])
            return (row, row.total(), Row.__annotations__['b'], Pair(1).both(), Kind.A.next(),
                    dataclasses.replace(row, a=3), Row.total.__annotations__)
    """,
    "hints": """
        def main():
            x: undefined_name = 3
            box = Box(n=1)
            box.n: undefined[name.of] = 4
            y: 'text'
            def inner(a: 'nobody.knows', *b: 'x[1]') -> 'y.z':
                return a
            return x, box.n, inner(2), inner.__annotations__
    """,
    "texts at the beginning": """
        def documented():
            'A text.'
            return documented.__doc__
        def only():
            'Nothing else.'
        def number():
            1
            return number.__doc__
        class C:
            'Of a class.'
        def main():
            return documented(), only(), only.__doc__, number(), C.__doc__
    """,
    "what looks at its caller": """
        import sys
        def here(): return sorted(sys._getframe(1).f_locals), sys._getframe(1).f_lineno
        def main():
            a = 1
            b = [sorted(locals()), sorted(vars())]
            exec('c = a + 1')
            return here(), b, eval('a + 1'), dir()
    """,
    "conditions": """
        def main():
            box = Box(a=0, b=2)
            assert box.b, box.a
            return box.a or box.b, box.a and box.b, box.b if box.a else not box.b
    """,
    "an assertion that fails": """
        def main():
            box = Box(a=0)
            assert box.a == 1, f'{box.a} is not 1'
    """,
    "lines of an error": """
        class C:
            def __init__(self):
                self.items = {
                    'a': 1,
                }
            def look(self, key):
                return (
                    self
                    .items[
                        key
                    ]
                )
        def main():
            c = C()
            c.look('a')
            return [
                c.look(key)
                for key in ('a',
                            'b')
            ]
    """,
    "lines of an augmented error": """
        class C:
            n = 'text'
        def main():
            c = C()
            (c
             .n) += (
                1
            )
    """,
    "lines within a loop": """
        def numbers():
            yield 1
            raise ValueError('no more')
        def main():
            for n in numbers():
                note(n)
    """,
    "own methods": """
        class C:
            def __init__(self): self.n, self.hook = 1, lambda x: x.real
            def step(self, by): self.n += by; return self.n
            def run(self): return self.step(self.n) + self.hook(self.n)
            def swap(self):
                self.step = lambda by: 'replaced'
                return self.step(by=self.n)
        def main():
            return C().run(), C().swap()
    """,
    "built-in functions of another kind": """
        def len(x): return 'shadowed', x
        def main():
            list = lambda x: ('own', x)
            return len(3), list(4), [*map(len, [1])], sum(x for x in [1, 2]), max([1], default=0)
    """,
    "recursion": """
        def main():
            def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
            return fib(12)
    """,
}
