#!/usr/bin/env python3
"""The fast path of malloc and free: which instructions it is, and how many a pair takes, also while calls are counted.

The golden files hold the mnemonics from the entry to the first return. After a wanted change, look at the
difference, then run this test with BURSAR_UPDATE_GOLDEN=1.
"""

import os
import platform
import re
import subprocess
import unittest

import house

# 12 of malloc, 19 of free, and what the ways out cost spread over the pairs.
# Clang, whose library is not the one that is shipped, keeps less in addresses and decrements in three instructions.
PAIR_INSTRUCTIONS_MAX = {"gcc": 32, "clang": 38}
# While calls are counted: 58 of malloc, 44 of free and 23 on the way there, and what the ways out cost.
COUNTED_PAIR_INSTRUCTIONS_MAX = {"gcc": 128}
PAIRS_FEW, PAIRS_MANY = 20_000, 120_000

COMPILER = os.environ.get("BURSAR_COMPILER", "")  # such as "gcc 12"
GOLDEN = house.ROOT / "tests/golden" / f"fast_path.{COMPILER.replace(' ', '-')}.txt"
LIBRARY = house.product("BURSAR_LIBRARY")

FUNCTIONS = ("malloc", "free")
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\t(.*)$")


def hot_path(function):
    """The instructions of a function from its entry to its first return, as objdump writes them."""
    symbols = dict(reversed(line.split()[::2]) for line in house.output_of("nm", "-D", "--defined-only", LIBRARY).splitlines())
    listing = house.output_of("objdump", "-d", "--no-show-raw-insn", f"--start-address=0x{symbols[function]}", LIBRARY)
    body = listing.split(">:\n", 1)[1]
    instructions = []
    for line in body.splitlines():
        match = INSTRUCTION.match(line)
        if match is None:
            break
        instructions.append(" ".join(match[1].split("#")[0].split()))
        if instructions[-1].startswith("ret"):
            return instructions
    raise AssertionError(f"{function} has no return")


def instructions_of(pattern, pairs, options):
    """What malloc and free executed, and what they called, in a run of the program with these options of BURSAR."""
    report = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=malloc",
         "--toggle-collect=free", house.product("MALLOC_PAIRS"), pattern, str(pairs)],
        env={"PATH": os.environ["PATH"], "LD_PRELOAD": LIBRARY, "BURSAR": options}, check=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=200).stdout
    return int(re.search(r"Collected : (\d+)", report)[1])


@unittest.skipUnless(platform.machine() == "x86_64", "the table is of x86-64")
class FastPath(unittest.TestCase):
    def test_it_has_the_instructions_of_the_table(self):
        now = "".join(f"{function}\n" + "".join(f"    {instruction.split()[0]}\n" for instruction in hot_path(function))
                      for function in FUNCTIONS)
        if os.environ.get("BURSAR_UPDATE_GOLDEN"):
            GOLDEN.write_text(now)
        if not GOLDEN.exists():
            self.skipTest(f"no table for {COMPILER}")
        self.assertEqual(now, GOLDEN.read_text())

    def test_it_has_no_frame_no_call_and_no_lock(self):
        for function in FUNCTIONS:
            for instruction in hot_path(function):
                self.assertNotRegex(instruction, r"^(push|pop|call|lock|xchg|enter|leave|mfence|rep)\b|\brbp\b|sub.*,%rsp",
                                    f"{function}: {hot_path(function)}")

    def check_pairs(self, options, instructions_max):
        for pattern in ("reuse", "replace"):
            with self.subTest(pattern):
                more = instructions_of(pattern, PAIRS_MANY, options) - instructions_of(pattern, PAIRS_FEW, options)
                instructions = more / (PAIRS_MANY - PAIRS_FEW)
                print(f"# malloc(64) + free, {pattern}, BURSAR={options}: {instructions:.2f} instructions, {COMPILER}")
                # Fewer than a call and a return would take: then something else was counted.
                self.assertGreater(instructions, 8)
                self.assertLessEqual(instructions, instructions_max)

    def test_a_pair_takes_few_instructions(self):
        self.check_pairs("", PAIR_INSTRUCTIONS_MAX[COMPILER.split()[0]])

    def test_a_counted_pair_takes_few_instructions(self):
        instructions_max = COUNTED_PAIR_INSTRUCTIONS_MAX.get(COMPILER.split()[0])
        if instructions_max is None:
            self.skipTest(f"no bound for {COMPILER}")
        self.check_pairs("stats,out=/dev/null", instructions_max)


if __name__ == "__main__":
    unittest.main(verbosity=2)
