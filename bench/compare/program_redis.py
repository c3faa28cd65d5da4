"""A redis server under redis-benchmark."""

import dataclasses
import subprocess
from pathlib import Path

from launcher import RunFailed, plain_environment
from program import amount, installed
from program_server import Server, client

SOCKET = "redis.sock"  # in the server's directory: the path of a socket must be short
CLIENTS = 20
SERVER = ("--port", "0", "--unixsocket", SOCKET, "--save", "", "--appendonly", "no", "--loglevel", "warning")

# Requests of a full run, options, command. A random number stands for each __rand_int__; lists are without, so that
# their length is known.
LISTS = (
    (300000, ("-P", "16"), "lpush list:long " + "element" * 15),
    (30000, ("-P", "4"), "lrange list:long 0 199"),
    (200000, ("-P", "16", "-r", "400"), "rpush list:__rand_int__ short"),
    (100000, ("-P", "16"), "rpop list:long"),
    (10000, ("-P", "2"), "lrange list:long 5000 5499"),
)
KEYS = (
    (250000, ("-P", "16", "-r", "60000"), "set key:__rand_int__ " + "value" * 20),
    (150000, ("-P", "16", "-r", "60000"), "append key:__rand_int__ " + "more" * 10),
    (200000, ("-P", "16", "-r", "3000"), "hset user:__rand_int__ field:__rand_int__ " + "text" * 8),
    (150000, ("-P", "16", "-r", "2000"), "sadd set:__rand_int__ element:__rand_int__"),
    (100000, ("-P", "16", "-r", "2000"), "zadd sorted:__rand_int__ __rand_int__ element:__rand_int__"),
    (150000, ("-P", "16", "-r", "60000"), "del key:__rand_int__"),
    (20000, ("-P", "4", "-r", "3000"), "hgetall user:__rand_int__"),
    (150000, ("-P", "16", "-r", "60000"), "setrange key:__rand_int__ 300 end"),
    (200000, ("-r", "60000", "-P", "32"), "get key:__rand_int__"),
    (20000, ("-r", "60000"), "getdel key:__rand_int__"),
)


@dataclasses.dataclass(frozen=True)
class Redis(Server):
    """One server, nothing written to files."""
    load: tuple[tuple[int, tuple[str, ...], str], ...] = ()

    def server(self, directory: Path) -> list:
        return [installed("redis-server"), *SERVER]

    def process_id(self, directory: Path) -> int:
        asked = subprocess.run([installed("redis-cli"), "-s", SOCKET, "info", "server"], cwd=directory,
                               env=plain_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        fields = dict(line.split(":", 1) for line in asked.stdout.splitlines() if ":" in line)
        return int(fields.get("process_id", 0))

    def work(self, directory: Path, scale: float) -> None:
        for requests, options, command in self.load:
            said = client(directory, [installed("redis-benchmark"), "-s", SOCKET, "-q", "-c", CLIENTS,
                                      "-n", amount(requests, scale), *options, *command.split()])
            if "requests per second" not in said:
                raise RunFailed(f"redis-benchmark {command[:40]}: {said[-200:]}")

    def answer(self, directory: Path) -> str:
        counted = ("info errorstats", "llen list:long", "lindex list:long -1", "get nothing")
        return client(directory, [installed("redis-cli"), "-s", SOCKET], stdin="\n".join(counted))


PACKAGES = ("redis-server", "redis-tools")
CASES = (
    Redis("redis-lists", question="Redis: lists pushed, cut, read in ranges?", packages=PACKAGES, load=LISTS),
    Redis("redis-keys", question="Redis: strings, hashes, sets that come and go?", packages=PACKAGES, load=KEYS),
)
