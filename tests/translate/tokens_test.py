#!/usr/bin/env python3
"""The tokenizer of bench/translate gives the tokens of this Python's own tokenize, on every file of its standard library."""

import io
import os
import pathlib
import subprocess
import sysconfig
import tempfile
import tokenize
import unittest

FAULTS = {"0": None, "1": "unindent", "2": "EOF in multi-line string", "3": "EOF in multi-line statement"}
FILES_AT_ONCE = 50


def expected_tokens(data):
    """(kind, line, column in bytes, text in hexadecimal) of each token, and the error it ends with."""
    tokens = []
    try:
        encoding = "utf-8"
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            if token.type == tokenize.ENCODING:
                encoding = token.string
            line, column = token.start
            text = token.string
            # A token on several lines begins in the first of them.
            lines = token.line.split("\n") if token.line else data.decode(encoding).split("\n")[line - 1:]
            column = len(lines[0][:column].encode(encoding)) if lines else column
            tokens.append((tokenize.tok_name[token.type], line, column, text.encode(encoding).hex()))
    except (tokenize.TokenError, IndentationError) as error:
        return tokens, str(error)
    return tokens, None


def printed_tokens(paths, *options):
    return subprocess.run([os.environ["BURSAR_DUMP_TOKENS"], *options, *map(str, paths)], stdout=subprocess.PIPE, text=True,
                          check=True, timeout=300).stdout


def own_tokens(paths):
    """The same of several files, by the tokenizer under test; both scans must find the same."""
    printed = printed_tokens(paths)
    if printed_tokens(paths, "--simd") != printed:
        raise AssertionError(f"the scans differ in {' '.join(map(str, paths))}")
    files = {}
    for line in printed.splitlines():
        words = line.split(" ")
        if words[0] == "FILE":
            tokens = []
            files[words[1]] = (tokens, FAULTS[words[2]])
        else:
            tokens.append((words[0], int(words[1]), int(words[2]), words[3]))
    return files


class PythonTokens(unittest.TestCase):
    maxDiff = 2000

    def assert_same(self, name, data, own):
        expected, error = expected_tokens(data)
        tokens, fault = own
        if expected and tokens and expected[0][0] == "ENCODING":
            # The name of an encoding is normalized there, and is what the file says here.
            expected, tokens = expected[1:], tokens[1:]
        for wanted, given in zip(expected, tokens):
            self.assertEqual(given, wanted, name)
        if error is None:
            self.assertIsNone(fault, name)
            self.assertEqual(len(tokens), len(expected), name)
        else:
            # The tokens that Python gives before it ends are there.
            self.assertIsNotNone(fault, f"{name}: {error}")
            self.assertGreaterEqual(len(tokens), len(expected), name)

    def tokens_of(self, data):
        with tempfile.NamedTemporaryFile(suffix=".py") as file:
            file.write(data)
            file.flush()
            return own_tokens([file.name])[file.name]

    def test_every_file_of_the_standard_library(self):
        root = pathlib.Path(sysconfig.get_path("stdlib"))
        paths = sorted(path for path in root.rglob("*.py") if path.is_file())
        self.assertGreater(len(paths), 100)
        for start in range(0, len(paths), FILES_AT_ONCE):
            some = paths[start:start + FILES_AT_ONCE]
            own = own_tokens(some)
            for path in some:
                with self.subTest(path=str(path)):
                    self.assert_same(str(path), path.read_bytes(), own[str(path)])

    def test_small_sources(self):
        for source in (
                b"", b"\n", b"x", b"x\n", b"# only a comment", b"if x:\n  y\n", b"if x:\n\ty\n        z\n",
                b"\xef\xbb\xbfx = 1\n", b"# coding: latin-1\nx = '\xe4'\n", b"#!/bin/sh\n# -*- coding: iso-8859-15 -*-\nx\n",
                b"x = 0x_ff 0b1_0 0o7 1_000 1. .5 1e5 1.5E-3 2j 1_0.0_1e+1_0J 00_0\n", b"1if x else 2\n", b"1.real\n",
                b"rb'a' Rb'a' bR'a' BR'a' f'{x}' fR'a' u'a' ur'a' x'a'\n", b"'a\\\nb'\n", b'"""a\n  b"""\n', b"'''a\\'''b'''\n",
                b"x = (1,\n     2)  # two\n", b"x = 1 + \\\n  2\n", b"a->b:=c**=d//=e...f!=g<<=h>>=i@=j\n", b"match = type = case = _\n",
                b"x = $ ? !\n", b"x = 'unended\ny\n", b"x = b'unended\n", b"x = 'a\\\nb\ny\n", b"x = 'a", b"\x0cdef f():\n    pass\n", b"x\r\nif y:\r\n  z\r\n", b"'''a\r\nb'''\r\n",
                "\u00e4\u00f6 = '\u20ac'; \u5909\u6570 = 1\n".encode(), b"if x:\n  y\n z\n", b"x = (\n", b"'''a\n", b"x = \\\n",
                b"if x:\n    pass\n# end", b"class A:\n  def f(self):\n    pass\n\n  # note\n\n\nx\n", b"lambda *a, **k: (yield)\n"):
            with self.subTest(source=source):
                self.assert_same(repr(source), source, self.tokens_of(source))


if __name__ == "__main__":
    unittest.main()
