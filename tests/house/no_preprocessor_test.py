#!/usr/bin/env python3
"""Conditional compilation stays in the files that are there for it: elsewhere a misspelt macro would be silently 0."""

import re
import unittest

import house

CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif|else)\b\s*(\w*)")
ALLOWED = re.compile(r"(^|/)(os_\w+\.cpp|check\.h|probe\.h|annotate\.h)$")

# A public header meets C, C++ and compilers that we do not know.
PUBLIC_HEADERS = "runtime/include/"
PUBLIC_CONDITION = re.compile(r"^\s*#\s*(ifdef __cplusplus|if defined\(__(cplusplus|GNUC__)\))\s*$")


def guard_of(lines):
    """The macro of an include guard: the first directive, and a #define of the same name after it."""
    directives = [line for line in lines if line.lstrip().startswith("#")]
    if len(directives) < 2:
        return None
    opening = re.match(r"^#ifndef (\w+)$", directives[0])
    return opening[1] if opening and directives[1] == f"#define {opening[1]}" else None


class NoPreprocessor(unittest.TestCase):
    def test_conditionals_are_where_they_may_be(self):
        wrong = []
        for path in house.sources("allocator", "interpose", "runtime", "tools"):
            if ALLOWED.search(str(path)):
                continue
            lines = (house.ROOT / path).read_text().splitlines()
            guard = guard_of(lines)
            for number, line in enumerate(lines, 1):
                match = CONDITIONAL.match(line)
                if match is None or (match[1] == "ifndef" and match[2] == guard):
                    continue
                if str(path).startswith(PUBLIC_HEADERS) and (match[1] == "else" or PUBLIC_CONDITION.match(line)):
                    continue
                wrong.append(f"{path}:{number}: {line.strip()}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
