"""What the tests of `bursar serve` share: a server on a free port, programs to look at, and asking over HTTP."""

import http.client
import json
import os
import re
import select
import socket
import subprocess
import time

import tool

START_SECONDS_MAX = 20
WAIT_SECONDS_MAX = 20


class Server:
    def __init__(self, process, host, port, first_lines):
        self.process = process
        self.host = host
        self.port = port
        self.first_lines = first_lines

    def ask(self, path, method="GET", **headers):
        """Status, headers in lower case, body."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=tool.SECONDS_MAX)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def text(self, path, **headers):
        status, _, body = self.ask(path, **headers)
        if status != 200:
            raise AssertionError(f"{path}: {status} {body!r}")
        return body.decode()

    def json(self, path):
        return json.loads(self.text(path))

    def said(self, data, seconds=tool.SECONDS_MAX):
        """All that comes back for these bytes until the server closes the connection."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)


class Guest:
    """A program that runs tasks when it is told to."""

    def __init__(self, process):
        self.process = process
        self.process_id = process.pid

    def run_task(self, kind, allocations, bytes_each, kept=0, label="-"):
        self.process.stdin.write(f"{kind}\t{label}\t{allocations}\t{bytes_each}\t{kept}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer != "done\n":
            raise AssertionError(f"the guest answers {answer!r}, status {self.process.poll()}")


class ServingTest(tool.ToolTest):
    """The ledgers of other processes of the host may be seen too: tests look for theirs by process id."""

    def start(self, *words, env=None, **options):
        process = subprocess.Popen([str(word) for word in words], env=env or self.environment(), cwd=self.directory,
                                   stdin=options.pop("stdin", subprocess.DEVNULL), text=True, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait(timeout=tool.SECONDS_MAX)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def serve(self, *options, listen="127.0.0.1:0"):
        process = self.start(self.command, "serve", "--listen", listen, *options, stderr=subprocess.PIPE)
        said = ""
        while True:
            # Not by lines: the second of two that come together would wait in a buffer, where select does not see it.
            if not select.select([process.stderr], [], [], START_SECONDS_MAX)[0]:
                self.fail(f"the server says nothing; before: {said}")
            part = os.read(process.stderr.fileno(), 65536).decode()
            self.assertTrue(part, f"the server ended: {said}")
            said += part
            if found := re.search(r"serve: http://(.+):(\d+)/ .*\n", said):
                return Server(process, found[1].strip("[]"), int(found[2]), said.splitlines(keepends=True))

    def guest(self):
        environment = self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"),
                                       BURSAR=f"ledger={self.runtime_directory}/bursar-%p")
        return Guest(self.start(tool.product("TASKS_ON_DEMAND"), env=environment, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE))

    def wait_for(self, what, found):
        """What `found` returns once that is true."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            if answer := found():
                return answer
            time.sleep(0.05)
        self.fail(f"waited {WAIT_SECONDS_MAX} s for {what}")

    def summary_of(self, server, guest):
        """What /api/ledgers tells of the guest, once it does."""
        def found():
            return next((ledger for ledger in server.json("/api/ledgers")["ledgers"]
                         if ledger["process_id"] == guest.process_id), None)
        return self.wait_for("the guest's ledger", found)

    def ledger_of(self, server, guest, since=0):
        return server.json(f"/api/ledger?id={self.summary_of(server, guest)['id']}&since={since}")


def samples_of(text, family, **labels):
    """The values of the samples of this name whose labels are these, among others."""
    values = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition("{")
        told, _, value = rest.rpartition("} ")
        if name == family and all(f'{label}="{wanted}"' in told for label, wanted in labels.items()):
            values.append(float(value))
    return values
