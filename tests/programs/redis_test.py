"""redis under the library: a server with background threads, a snapshot through fork, a reload, a load generator."""

import re
import subprocess
import time

import preload_case

SERVER_OPTIONS = ["--port", "0", "--save", "", "--enable-debug-command", "yes", "--io-threads", "2",
                  "--lazyfree-lazy-user-del", "yes", "--loglevel", "warning"]
COMMANDS = (preload_case.WORKLOADS / "commands.redis").read_text()
BENCHMARK = ["-n", "8000", "-c", "20", "-P", "8", "-d", "300", "-r", "5000", "-q",
             "-t", "set,get,incr,lpush,rpush,lpop,sadd,hset,spop,zadd,lrange_100,mset"]
START_SECONDS_MAX = 30


class Redis(preload_case.PreloadCase):
    def setUp(self):
        super().setUp()
        self.directory = self.root / "server"
        self.directory.mkdir()
        self.socket = str(self.directory / "redis.sock")

    def environment_of(self, preload):
        return self.environment(self.directory, self.with_library() if preload else {})

    def client(self, arguments, *, program="redis-cli", preload=False, stdin=""):
        result = subprocess.run([preload_case.find(program), "-s", self.socket, *arguments], input=stdin, text=True,
                                env=self.environment_of(preload), capture_output=True, timeout=60)
        self.assertEqual((result.returncode, result.stderr), (0, ""), f"{program} {arguments}: {result.stdout[-500:]}")
        return result.stdout

    def start(self, preload):
        log = open(self.directory / "log", "ab")
        self.addCleanup(log.close)
        server = subprocess.Popen([preload_case.find("redis-server"), *SERVER_OPTIONS, "--dir", str(self.directory),
                                   "--unixsocket", self.socket], env=self.environment_of(preload),
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(lambda: (server.poll() is None and server.kill(), server.wait()))
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and server.poll() is None:
            ping = subprocess.run([preload_case.find("redis-cli"), "-s", self.socket, "ping"], capture_output=True)
            if ping.stdout == b"PONG\n":
                return server
            time.sleep(0.02)
        self.fail(f"redis-server does not answer, status {server.poll()}:\n{(self.directory / 'log').read_text()}")

    def stop(self, server):
        self.client(["shutdown", "nosave"])
        self.assertEqual(server.wait(timeout=30), 0, (self.directory / "log").read_text())

    def answers(self, preload):
        """What the server says to the commands, before and after its data went through a file and a new server."""
        server = self.start(preload)
        said = self.client([], preload=preload, stdin=COMMANDS)
        digest = self.client(["debug", "digest"])
        self.client(["debug", "reload"])
        self.assertEqual(self.client(["debug", "digest"]), digest)
        self.stop(server)
        server = self.start(preload)
        self.assertEqual(self.client(["debug", "digest"]), digest)
        self.stop(server)
        (self.directory / "dump.rdb").unlink()
        return said + digest

    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["redis-server", "--version"])
        self.assert_serves_malloc(["redis-cli", "--version"])

    def test_answers_the_same_and_keeps_its_data(self):
        plain = self.answers(preload=False)
        self.assertNotIn("ERR", plain)
        self.assertEqual(self.answers(preload=True), plain)

    def test_serves_a_load_and_forks_a_snapshot_meanwhile(self):
        server = self.start(preload=True)
        self.client(["bgsave"])
        shown = self.client(BENCHMARK, program="redis-benchmark", preload=True)
        self.assertGreaterEqual(len(re.findall(r"requests per second", shown)), 12, shown)
        self.client(["bgsave"])
        deadline = time.monotonic() + START_SECONDS_MAX
        while "rdb_bgsave_in_progress:1" in self.client(["info", "persistence"]) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIn("rdb_last_bgsave_status:ok", self.client(["info", "persistence"]))
        self.client(["flushall", "async"])
        self.assertEqual(self.client(["dbsize"]), "0\n")
        self.stop(server)
        self.assert_reports_are_whole()


if __name__ == "__main__":
    preload_case.main()
