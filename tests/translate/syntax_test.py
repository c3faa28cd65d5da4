#!/usr/bin/env python3
"""The translator's trees are those of Python's ast, and its names stand for what symtable says, on files of the standard library."""

import ast
import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import tokenize
import unittest
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from python_syntax import Tree, scopes_of  # noqa: E402: the path comes first
from translator import library_files  # noqa: E402

FILES_AT_ONCE = 50
Dump = collections.namedtuple("Dump", "opaque_statements lines scopes")


def printed(memory, paths):
    return subprocess.run([os.environ["BURSAR_DUMP_SYNTAX"], memory, *map(str, paths)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True, timeout=120).stdout.decode(errors="surrogateescape")


def dumps_of(paths, memory="runtime"):
    """What dump_syntax says, by path. Files whose tokens end in a fault are left out."""
    dumps = {}
    for line in printed(memory, paths).split("\n")[:-1]:
        first, _, rest = line.partition(" ")
        if first == "FILE":
            path, _, opaque = rest.rpartition(" ")
            dumps[path] = dump = Dump(int(opaque), [], [])
        elif first == "SCOPE":
            dump.scopes.append((rest, {}))
        elif first == "NAME":
            resolution, _, name = rest.partition(" ")
            dump.scopes[-1][1][name] = resolution
        else:
            dump.lines.append(line)
    return dumps


def source_of(path):
    """The text of a file that Python compiles; None for others, and for other encodings, which the translator does not convert."""
    try:
        with open(path, "rb") as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        if encoding not in ("utf-8", "utf-8-sig"):
            return None
        source = path.read_text(encoding=encoding)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, str(path), "exec", dont_inherit=True)
        return source
    except (SyntaxError, ValueError):
        return None


def scopes_are_comparable(source):
    """Not where names stand in f-strings, which stay text, or in annotations that are not evaluated."""
    return "annotations" not in source and not any(isinstance(node, ast.JoinedStr) for node in ast.walk(ast.parse(source)))


def sorted_scopes(scopes):
    return sorted((kind, sorted(names.items())) for kind, names in scopes)


class SyntaxCase(unittest.TestCase):
    maxDiff = 3000

    def assert_same_tree(self, name, source, dump):
        expected = Tree(source).lines
        for wanted, given in zip(expected, dump.lines):
            if wanted != given:
                place = expected.index(wanted)
                self.assertEqual(dump.lines[max(0, place - 5):place + 5], expected[max(0, place - 5):place + 5], name)
        self.assertEqual(len(dump.lines), len(expected), name)

    def dump_of(self, source):
        with tempfile.NamedTemporaryFile(suffix=".py") as file:
            file.write(source.encode())
            file.flush()
            return dumps_of([file.name])[file.name]


class Library(SyntaxCase):
    """All files of the library in one pass: Python's own work on them takes longer than all else."""

    def test_trees_and_names_of_every_file(self):
        paths = {str(path): path for path in library_files()}
        trees = scopes = 0
        for start in range(0, len(paths), FILES_AT_ONCE):
            for path, dump in dumps_of(list(paths)[start:start + FILES_AT_ONCE]).items():
                source = source_of(paths[path])
                if source is None or dump.opaque_statements > 0:
                    continue
                with self.subTest(path=path):
                    self.assert_same_tree(path, source, dump)
                    trees += 1
                    if scopes_are_comparable(source):
                        self.assertEqual(sorted_scopes(dump.scopes), sorted_scopes(scopes_of(source, path)), path)
                        scopes += 1
        self.assertGreater(trees, len(paths) * 9 // 10, "most files have no opaque statement")
        self.assertGreater(scopes, len(paths) // 3)

    def test_both_memories_give_the_same(self):
        paths = library_files()[::7]
        self.assertEqual(printed("runtime", paths), printed("standard", paths))


class Statements(SyntaxCase):
    """What the library has seldom."""

    def assert_agrees(self, *sources):
        for source in sources:
            with self.subTest(source=source):
                dump = self.dump_of(source)
                self.assertEqual(dump.opaque_statements, 0)
                self.assert_same_tree(source, source, dump)
                if scopes_are_comparable(source):
                    self.assertEqual(sorted_scopes(dump.scopes), sorted_scopes(scopes_of(source, "source.py")))

    def test_precedence(self):
        self.assert_agrees("x = a or b and not c in d\n", "x = -a ** -b ** c\n", "x = a + b * c - d // e % f @ g\n",
                           "x = a | b ^ c & d << e + f\n", "x = ~a.b(c)[d]\n", "x = not a == b\n", "x = a < b <= c != d is not e not in f\n",
                           "x = a if b else c if d else e\n", "x = lambda: a if b else c\n", "x = (a or b) and (c or d) and e\n",
                           "x = await_ ** -y\n", "x = a or b or (c or d)\n", "x = (a < b) < c\n", "x = not not a\n", "x = - + ~ a\n",
                           "x = lambda a, *b, c=1, **d: (yield)\n", "x = 2 ** 3 ** 4\n", "x = (2 ** 3) ** 4\n", "x = 1 - 2 - 3\n")

    def test_assignments(self):
        self.assert_agrees("a = b = c\n", "a, b = c, *d\n", "a[b].c, (d, [e, *f]) = g\n", "a: int\n", "a.b: int = 1\n", "a += 1\n",
                           "a //= yield_\n", "(a): int = 1\n", "x = (y := 1)\n", "a, = b\n", "x = *a, *b\n", "*a, b = c\n", "a **= b @ c\n")

    def test_calls_and_subscripts(self):
        self.assert_agrees("f(a, *b, c=1, **d)\n", "f(x for x in y)\n", "f(*a, b, *c)\n", "f(a)(b)(c)\n", "x[1:2, ::3, ...]\n", "x[a:]\n",
                           "x[:]\n", "x[()]\n", "x[1,]\n", "x[a:b:c]\n", "f(**a, b=1)\n", "f(y := 1)\n", "f(a)[b].c(d)\n")

    def test_comprehensions(self):
        self.assert_agrees("x = [a for b in c for d in e if f if g]\n", "x = {a: b for c, d in e}\n", "x = {a for a in b}\n",
                           "x = [[a for a in b] for b in c]\n", "def f():\n  x = [y := a for a in b]\n  return y\n",
                           "async def f():\n  return [a async for a in b if await c]\n", "x = [lambda: a for a in b]\n",
                           "class C:\n  y = 1\n  x = [y for _ in z]\n")

    def test_simple_statements(self):
        self.assert_agrees("import a, b.c, d.e as f\n", "from . import a\n", "from ...b.c import (d, e as f,)\n", "from a import *\n",
                           "del a, b[c], (d)\n", "assert a, b\n", "raise\n", "def f():\n  raise a from b\n", "a; b; c\n", "if a: b; c\n",
                           "def f():\n  return\n", "pass\n", "while a:\n  break\nelse:\n  pass\n")

    def test_compound_statements(self):
        self.assert_agrees("if a:\n  b\nelif c:\n  d\nelse:\n  if e:\n    f\n", "for a, b in c:\n  d\nelse:\n  e\n",
                           "try:\n  a\nexcept b as c:\n  d\nexcept (e, f):\n  g\nexcept:\n  h\nelse:\n  i\nfinally:\n  j\n",
                           "try:\n  a\nexcept* b:\n  c\n", "try:\n  a\nfinally:\n  b\n", "with a as b, c as (d, e), f:\n  g\n",
                           "with (a as b, c):\n  d\n", "with (a):\n  b\n", "with (a, b) as c:\n  d\n", "with (yield_):\n  a\n",
                           "async def f():\n  async with a as b:\n    c\n  async for d in e:\n    f\n",
                           "@a\n@b.c(d)\nclass E(f, g=h, *i):\n  j\n", "@a\nasync def f(): pass\n")

    def test_parameters(self):
        self.assert_agrees("def f(a, /, b=1, *c, d=2, e, **g): pass\n", "def f(*, a): pass\n", "def f(a: int = 1, *b: str) -> c: pass\n",
                           "x = lambda a=1, /, *b: c\n", "x = lambda *, a: a\n", "x = lambda **a: a\n")

    def test_soft_keywords(self):
        self.assert_agrees("match = 1\n", "match(a)\n", "match[a]\n", "match a:\n  case b if c:\n    d\n  case _:\n    e\n",
                           "match a, b:\n  case 1 | 2:\n    c\n", "match (a):\n  case (b, *c):\n    d\n", "case = match = type = _ = 1\n",
                           "match.a = b\n", "match -a:\n  case {'b': c, **d}:\n    pass\n", "match *a, b:\n  case C(x, y=z) as w:\n    pass\n",
                           "match\n", "match: int = 1\n", "x = match if case else _\n")

    def test_names(self):
        self.assert_agrees("x = 1\ndef f():\n  global x\n  x = 2\n", "def f():\n  x = 1\n  def g():\n    nonlocal x\n    x = 2\n    return y\n",
                           "class C:\n  x = 1\n  def f(self):\n    return x\n", "def f(a):\n  class C:\n    b = a\n    def g(self):\n      return a\n",
                           "def f():\n  try:\n    a\n  except b as c:\n    d\n", "def f():\n  import a.b\n  from c import d as e\n  return a, e\n",
                           "def f():\n  for a in a_:\n    with b as c:\n      del d\n", "class C:\n  def __f(self):\n    return self.__x, __y\n",
                           "def f(x=lambda: y):\n  y = 1\n", "@x\ndef f(a=x):\n  x = 1\n", "def f():\n  global g\n  def g(): pass\n  def h(): return g\n")


if __name__ == "__main__":
    unittest.main()
