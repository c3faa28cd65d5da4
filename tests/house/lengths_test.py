#!/usr/bin/env python3
"""No file is longer than 500 lines, no function longer than 60."""

import re
import unittest

import house

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60

# Blocks that are not functions: their length is that of the functions inside, and of the file.
OUTER = re.compile(r"^\s*(?:inline\s+)?(?:namespace|class|struct|union|enum|extern\s+\"C\")\b")
LITERAL = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'')
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
RAW_STRING = re.compile(r'R"(\w*)\((.*?)\)\1"', re.DOTALL)


def blank(match):
    """The same number of lines, with nothing in them."""
    return '""' + "\n" * match[0].count("\n")


def without_text(source):
    """The source without what could hold a brace that is none: strings, characters, comments, directives."""
    source = RAW_STRING.sub(blank, source)
    source = DIRECTIVE.sub(lambda match: "\n" * match[0].count("\n"), source)
    source = re.sub(f"(?P<literal>{LITERAL.pattern})|(?P<comment>{COMMENT.pattern})",
                    lambda match: '""' if match["literal"] else "\n" * match[0].count("\n"), source, flags=re.DOTALL)
    return source


def statement_before(text, brace):
    start = max(text.rfind(mark, 0, brace) for mark in ";{}")
    return text[start + 1:brace]


def functions_of(source):
    """Yields (first line, lines) for every outermost block that is not a namespace, a type or an initializer."""
    text = without_text(source)
    inside, first = 0, 0
    for position, mark in enumerate(text):
        if mark == "{":
            if inside:
                inside += 1
            else:
                head = statement_before(text, position).lstrip()
                head = re.sub(r"^(?:public|private|protected)\s*:\s*|^template\s*<[^{}]*?>\s*(?=class|struct|union)", "", head)
                # An empty head after a brace: the body of a constructor behind the last `member_{value}`.
                if OUTER.match(head) is None and ("(" in head or not head):
                    inside = 1
                    first = text.count("\n", 0, position) - head.count("\n") + 1
        elif mark == "}" and inside:
            inside -= 1
            if inside == 0:
                yield first, text.count("\n", 0, position) + 2 - first


class Lengths(unittest.TestCase):
    def test_files(self):
        wrong = [f"{path}: {lines} lines" for path in house.sources() + house.sources("tests", suffixes=(".py",))
                 if (lines := len((house.ROOT / path).read_text().splitlines())) > FILE_LINES_MAX]
        self.assertEqual(wrong, [])

    def test_functions(self):
        wrong = [f"{path}:{first}: {lines} lines" for path in house.sources()
                 for first, lines in functions_of((house.ROOT / path).read_text()) if lines > FUNCTION_LINES_MAX]
        self.assertEqual(wrong, [])

    def test_the_count_itself(self):
        source = 'namespace a {\nstruct B {\n    int f(char c = \'{\') const {\n        return g("}");\n    }\n};\n}\n'
        self.assertEqual(list(functions_of(source)), [(3, 3)])
        long = "void f()\n{\n" + "    if (g()) { h(); }\n" * 70 + "}\n"
        self.assertEqual(list(functions_of(long)), [(1, 73)])
        constructor = "A::A() : a_{1}, b_{2} {\n" + "    f();\n" * 70 + "}\n"
        self.assertEqual(max(lines for _, lines in functions_of(constructor)), 72)


if __name__ == "__main__":
    unittest.main()
