"""What a Python program full of objects does: parse, build, index, serialize. work.py ROUNDS

Prints a checksum, which is the same on every allocator (PYTHONHASHSEED=0).
"""

import ast
import collections
import json
import os
import re
import sys
import zlib

MODULES = ("argparse.py", "ast.py", "asyncio/base_events.py", "collections/__init__.py", "dataclasses.py",
           "datetime.py", "decimal.py", "difflib.py", "email/message.py", "enum.py", "inspect.py", "json/decoder.py",
           "subprocess.py", "tarfile.py", "typing.py", "unittest/mock.py")
PARSED_EVERY = 10  # rounds; parsing is heavier than the rest


class Account:
    """An object with attributes of several kinds."""

    def __init__(self, number, owner):
        self.number = number
        self.owner = owner
        self.entries = []
        self.tags = {owner, f"branch-{number % 31}"}

    def book(self, text, amount):
        self.entries.append((text, amount))

    def as_dict(self):
        return {"number": self.number, "owner": self.owner, "entries": [list(entry) for entry in self.entries],
                "tags": sorted(self.tags), "balance": sum(amount for _, amount in self.entries)}


def parse_modules(round_number):
    """The syntax tree of a module of the standard library, walked, printed and compiled."""
    path = os.path.join(os.path.dirname(os.__file__), MODULES[round_number // PARSED_EVERY % len(MODULES)])
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    kinds = collections.Counter(type(node).__name__ for node in ast.walk(tree))
    code = compile(tree, path, "exec")
    return sum(kinds.values()) + len(ast.unparse(tree)) + len(code.co_names)


def keep_accounts(round_number):
    """Objects that are filled, serialized, read back and thrown away."""
    accounts = [Account(number, f"owner-{number * 7919 % 500}") for number in range(400)]
    for number, account in enumerate(accounts):
        for entry in range(number % 9):
            account.book(f"entry {entry} of round {round_number}", number * entry % 101 - 50)
    text = json.dumps([account.as_dict() for account in accounts], indent=1)
    by_owner = collections.defaultdict(list)
    for account in json.loads(text):
        by_owner[account["owner"]].append(account["balance"])
    return len(text) + sum(sum(balances) for balances in by_owner.values())


def count_words(round_number, kept):
    """Strings cut, joined and counted; some live on for many rounds."""
    text = " ".join(f"word{number * number % 977} {'x' * (number % 40)}" for number in range(1500))
    words = collections.Counter(re.findall(r"[a-z]+\d*", text))
    kept[round_number % 40] = {word: [word.upper()] * 3 for word in words}
    return sum(words.values()) + sum(len(index) for index in kept.values())


def main():
    rounds = int(sys.argv[1])
    kept = {}
    checksum = 0
    for round_number in range(rounds):
        results = [keep_accounts(round_number), count_words(round_number, kept)]
        if round_number % PARSED_EVERY == 0:
            results.append(parse_modules(round_number))
        checksum = zlib.crc32(repr(results).encode(), checksum)
    print(f"{rounds} rounds, checksum {checksum:08x}")


if __name__ == "__main__":
    main()
