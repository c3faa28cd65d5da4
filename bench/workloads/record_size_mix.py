#!/usr/bin/env python3
"""Records the sizes and lifetimes that real programs ask for, and prints them as size_mix.h.

record_size_mix.py BUILD | clang-format > bench/workloads/size_mix.h
Each program runs on build/libbursar.so with a ledger, which is read again and again while it runs: how often each size
class was allocated is in the last account, how many blocks of it live at a time in the mean of all. Every program counts
as much as any other. Needs g++, git, lua5.4, perl, redis-server, redis-tools and sqlite3.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SAMPLE_EVERY_S = 0.02
ROWS_SHARE_MIN = 0.0002  # rarer sizes are left to their neighbours

PYTHON = """
import json, re
words = re.findall("[a-z]+", open(json.__file__).read() * 40)
table = {}
for number, word in enumerate(words):
    table.setdefault(word, []).append({"at": number, "word": word})
text = json.dumps(table)
print(len(json.loads(text)))
"""
LUA = """
local words = {}
for i = 1, 400000 do words[#words + 1] = {key = "word" .. i % 5000, count = i} end
local sums = {}
for _, word in ipairs(words) do sums[word.key] = (sums[word.key] or "") == "" and "x" or sums[word.key] .. "y" end
"""
PERL = """
my %seen; for my $i (1 .. 300000) { push @{$seen{"word" . $i % 20000}}, "line $i"; }
my $n = 0; for my $k (sort keys %seen) { $n += length join ",", @{$seen{$k}}; } print "$n\\n";
"""
SQL = """
create table t(id integer primary key, name text, body text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
insert into t select i, 'name ' || (i * 7919 % 150000), hex(randomblob(i % 90)) from n;
create index by_name on t(name);
select count(*), sum(length(a.body)) from t a join t b on a.name = b.name group by a.id % 1000;
"""
CPP = """
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
int main() {
  std::map<std::string, std::vector<int>> map;
  std::unordered_map<std::string, std::regex> regexes;
  for (int i = 0; i < 100; ++i) map[std::to_string(i)].push_back(i);
  regexes.emplace("a", std::regex("[a-z]+"));
  std::cout << map.size() << regexes.size() << std::endl;
}
"""


def commands(directory):
    """Yields (program, command, input, environment): what the mix is made of. Redis, a server, comes beside them."""
    source = directory / "source.cpp"
    source.write_text(CPP)
    cc1plus = subprocess.run(["g++", "-print-prog-name=cc1plus"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    yield "python3 without its own allocator", ["/usr/bin/python3", "-c", PYTHON], "", {"PYTHONMALLOC": "malloc"}
    yield "cc1plus", [cc1plus, "-quiet", "-O2", "-D_GNU_SOURCE", "-imultiarch", "x86_64-linux-gnu", str(source), "-o",
                      os.devnull], "", {}
    yield "sqlite3", ["sqlite3", ":memory:"], SQL, {}
    yield "lua5.4", ["lua5.4", "-e", LUA], "", {}
    yield "perl", ["perl", "-e", PERL], "", {}
    yield "git", ["git", "-C", str(pathlib.Path(__file__).parent), "log", "--stat", "-p", "--format=%H"], "", {}


def account_of(build, ledger):
    done = subprocess.run([build / "bursar", "report", "--json", ledger], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


class Recording:
    """A program on bursar: its last account, and the accounts taken while it ran."""

    def __init__(self, build, command, text="", environment=()):
        self.accounts = []
        with tempfile.TemporaryDirectory() as directory:
            environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
                           "LD_PRELOAD": str(build / "libbursar.so"), "BURSAR": f"ledger={directory}/%p", **dict(environment)}
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, text=True)
            ledger = pathlib.Path(directory) / str(process.pid)
            feeder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=process.stdin, text=True)
            process.stdin.close()
            feeder.stdin.write(text)
            feeder.stdin.close()
            self._watch(build, process, ledger)
            feeder.wait()

    def _watch(self, build, process, ledger):
        while True:
            ended = process.poll() is not None
            account = account_of(build, ledger) if ledger.exists() else None
            if account is not None:
                self.accounts.append(account)
            if ended:
                return
            time.sleep(SAMPLE_EVERY_S)

    def classes(self):
        """Yields (block bytes, share of all allocations, blocks of it that live at a time); large blocks are 0."""
        last = self.accounts[-1]
        live = collections.Counter()
        for account in self.accounts[:-1] or self.accounts:
            for row in account["size_classes"]:
                live[row["block_bytes"]] += row["allocations"] - row["frees"]
        for row in last["size_classes"]:
            block_bytes = row["block_bytes"]
            yield (block_bytes, row["allocations"] / last["allocations"],
                   max(live[block_bytes], 0) / max(len(self.accounts) - 1, 1))


def redis_recording(build):
    port = "16379"
    client = ("for i in $(seq 50); do redis-cli -p PORT ping >/dev/null 2>&1 && break; sleep 0.1; done;"
              "redis-benchmark -p PORT -q -n 100000 -r 60000 -d 100 -t set,get,lpush,lpop,sadd,hset;"
              "redis-cli -p PORT shutdown nosave").replace("PORT", port)
    subprocess.Popen(["sh", "-c", client], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Recording(build, ["redis-server", "--port", port, "--save", "", "--appendonly", "no"])


def range_of(block_bytes):
    """The sizes that are served from blocks of this size, those that can be sealed."""
    if block_bytes <= 1024:
        return max(block_bytes - 15, 9), block_bytes
    step = 1 << (block_bytes - 1).bit_length() - 3
    return block_bytes - step + 1, block_bytes


LARGE_RANGE = (32 * 1024 + 1, 256 * 1024)

HEADER = """\
// The sizes that real programs ask for, and how many blocks of each live at a time.
//
// A mix of {programs}.
// Recorded with bursar's own account by `python3 bench/workloads/record_size_mix.py build`; each program counts the same.
#pragma once

#include <stdint.h>

typedef struct {{
  uint32_t bytes_min;
  uint32_t bytes_max;
  uint32_t allocations;  // of a million
  uint32_t live_blocks;  // at a time, on average
}} SizeMix;

static const SizeMix size_mix[] = {{
"""


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as directory:
        recordings = {name: Recording(build, *how) for name, *how in commands(pathlib.Path(directory))}
    recordings["redis"] = redis_recording(build)
    share, live = collections.Counter(), collections.Counter()
    for name, recording in recordings.items():
        print(f"{name}: {recording.accounts[-1]['allocations']} allocations, {len(recording.accounts)} accounts", file=sys.stderr)
        for block_bytes, class_share, class_live in recording.classes():
            share[block_bytes] += class_share / len(recordings)
            live[block_bytes] += class_live / len(recordings)
    print(HEADER.format(programs=", ".join(recordings)), end="")
    for block_bytes in sorted(share, key=lambda known: known or LARGE_RANGE[1]):
        if share[block_bytes] >= ROWS_SHARE_MIN:
            bytes_min, bytes_max = range_of(block_bytes) if block_bytes else LARGE_RANGE
            print(f"    {{{bytes_min}, {bytes_max}, {round(share[block_bytes] * 1e6)}, {max(round(live[block_bytes]), 1)}}},")
    print("};")


if __name__ == "__main__":
    main()
