#!/usr/bin/env python3
"""`bursar serve`: what it answers, whom, and how it ends."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

import serving
import tool

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


class Metrics(serving.ServingTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()

    def test_a_scrape_is_up_to_date(self):
        guest = self.guest()
        for tasks in range(1, 6):
            guest.run_task("GET /search", 10, 100)
            text = self.server.text("/metrics")
            process = {"process": guest.process_id, "kind": "GET /search"}
            self.assertEqual(serving.samples_of(text, "bursar_tasks_ended_total", **process), [tasks])
            self.assertEqual(serving.samples_of(text, "bursar_task_allocations_total", **process), [10 * tasks])

    def test_histograms_have_the_tasks_where_they_belong(self):
        guest = self.guest()
        for allocations in (1, 7, 8, 100):
            guest.run_task("work", allocations, 4096)
        text = self.server.text("/metrics")

        def bucket(family, bound):
            return serving.samples_of(text, family + "_bucket", process=guest.process_id, kind="work", le=bound)

        name = "bursar_allocations_per_task"
        self.assertEqual([bucket(name, bound) for bound in ("0.0", "1.0", "7.0", "15.0", "127.0", "+Inf")],
                         [[0], [1], [2], [3], [4], [4]])
        self.assertEqual(serving.samples_of(text, name + "_sum", process=guest.process_id, kind="work"), [116])
        name = "bursar_peak_per_task_bytes"
        self.assertEqual([bucket(name, bound) for bound in ("4095.0", "8191.0", "32767.0", "65535.0", "524287.0", "+Inf")],
                         [[0], [1], [2], [3], [4], [4]])

    def test_live_bytes_are_those_of_the_kind(self):
        guest = self.guest()
        guest.run_task("keeper", 10, 1000, kept=4)
        text = self.server.text("/metrics")
        live, = serving.samples_of(text, "bursar_task_live_bytes", process=guest.process_id, kind="keeper")
        retained, = serving.samples_of(text, "bursar_task_retained_bytes", process=guest.process_id, kind="keeper")
        self.assertEqual(live, retained)
        self.assertGreaterEqual(live, 4000)
        self.assertLess(live, 4400)
        rss, = serving.samples_of(text, "bursar_rss_bytes", process=guest.process_id)
        self.assertGreater(rss, 100_000)

    def test_the_format_is_the_one_asked_for(self):
        status, headers, body = self.server.ask("/metrics", Accept=OPENMETRICS)
        self.assertEqual((status, headers["content-type"]),
                         (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        self.assertTrue(body.endswith(b"# EOF\n"))
        status, headers, body = self.server.ask("/metrics")
        self.assertEqual((status, headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        self.assertNotIn(b"# EOF", body)

    def test_promtool_finds_no_fault(self):
        guest = self.guest()
        guest.run_task('odd "kind" \\ <script>', 10, 100)
        done = subprocess.run(["promtool", "check", "metrics"], input=self.server.text("/metrics"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=tool.SECONDS_MAX)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_kinds_beyond_the_most_are_one(self):
        server = self.serve("--kinds-max", "3")
        guest = self.guest()
        for number in range(20):
            guest.run_task(f"kind {number}", 2, 100)
        text = self.wait_for("the guest", lambda: (text := server.text("/metrics"))
                             and serving.samples_of(text, "bursar_tasks_ended_total", process=guest.process_id) and text)
        ended = serving.samples_of(text, "bursar_tasks_ended_total", process=guest.process_id)
        self.assertLessEqual(len(ended), 4)
        self.assertEqual(sum(ended), 20)

    def test_a_broken_ledger_is_counted_and_harms_nobody(self):
        guest = self.guest()
        guest.run_task("fine", 3, 100)
        broken = self.runtime_directory / "bursar-4194000"
        broken.write_bytes(b"BURSAR\n\x1a" + b"\xff" * 5000)
        text = self.server.text("/metrics")
        self.assertGreaterEqual(serving.samples_of(text.replace("unreadable_ledgers ", "unreadable_ledgers{} "),
                                                   "bursar_unreadable_ledgers")[0], 1)
        self.assertEqual(serving.samples_of(text, "bursar_tasks_ended_total", process=guest.process_id, kind="fine"), [1])
        faults = [each for each in self.server.json("/api/ledgers")["unreadable"] if each["path"] == str(broken)]
        self.assertEqual(len(faults), 1)
        self.assertIn("bursar-4194000: ", faults[0]["fault"])

    def test_an_ended_process_keeps_its_last_counts(self):
        guest = self.guest()
        guest.run_task("last", 5, 100)
        guest.process.stdin.close()
        guest.process.wait(timeout=tool.SECONDS_MAX)
        text = self.server.text("/metrics")
        self.assertEqual(serving.samples_of(text, "bursar_process_running", process=guest.process_id), [0])
        self.assertEqual(serving.samples_of(text, "bursar_task_allocations_total", process=guest.process_id, kind="last"), [5])


class Api(serving.ServingTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()

    def test_a_ledger_has_its_tables(self):
        guest = self.guest()
        guest.run_task("GET /a", 6, 100, label="q=1")
        ledger = self.wait_for("the task", lambda: (told := self.ledger_of(self.server, guest))["tasks_ended"] and told)
        kind = next(row for row in ledger["kinds"]["rows"] if row["name"] == "GET /a")
        self.assertEqual((kind["tasks_ended"], kind["allocations"], kind["allocations_per_task"]["highest"]), (1, 6, 6))
        worst = ledger["worst_by_peak"]["rows"][0]
        self.assertEqual((worst["kind"], worst["label"], worst["allocations"]), ("GET /a", "q=1", 6))
        self.assertEqual(ledger["program"], tool.product("TASKS_ON_DEMAND"))
        self.assertEqual((ledger["state"], ledger["task_source"]), ("running", "api"))
        self.assertTrue(ledger["size_classes"]["rows"])
        self.assertTrue(ledger["thread_kinds"]["rows"])

    def test_history_grows_and_is_told_from_a_moment_on(self):
        guest = self.guest()
        guest.run_task("a", 6, 100)
        history = self.wait_for("three samples", lambda: len(
            (told := self.ledger_of(self.server, guest)["history"])["unix_ms"]) >= 3 and told)
        self.assertEqual({len(column) for column in history.values()}, {len(history["unix_ms"])})
        self.assertEqual(history["unix_ms"], sorted(history["unix_ms"]))
        self.assertEqual(history["tasks_ended"][-1], 1)
        self.assertEqual(history["task_allocations"][-1], 6)
        later = self.ledger_of(self.server, guest, since=history["unix_ms"][-2])["history"]
        self.assertEqual(later["unix_ms"][0], history["unix_ms"][-1])

    def test_only_ledgers_that_were_found_can_be_asked_for(self):
        secret = self.directory / "secret"
        secret.write_text("secret")
        for asked in (secret, "/etc/passwd", "../secret", "", "0" * 16, "%00"):
            status, _, body = self.server.ask(f"/api/ledger?id={asked}")
            self.assertEqual((status, body), (404, b"no such ledger\n"))
        self.assertEqual(self.server.ask("/api/ledger")[0], 404)

    def test_a_hostile_name_is_a_string_of_the_json(self):
        guest = self.guest()
        name = '</script><script>alert("x")</script>'
        guest.run_task(name, 1, 16, label="<img src=x>")
        names = self.wait_for("the kind", lambda: [row["name"] for row in self.ledger_of(self.server, guest)["kinds"]["rows"]
                                                   if row["name"] == name])
        self.assertEqual(names, [name])
        _, headers, _ = self.server.ask("/api/ledgers")
        self.assertEqual((headers["content-type"], headers["x-content-type-options"]), ("application/json", "nosniff"))


class Http(serving.ServingTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()

    def test_health(self):
        self.assertEqual(self.server.text("/healthz"), "ok\n")

    def test_other_paths_are_told_in_a_line(self):
        for path in ("/nothing", "/../etc/passwd", "/metrics/", "//", "/page.js%00", "/index.html"):
            status, _, body = self.server.ask(path)
            self.assertEqual((status, body), (404, b"no such page; there are / and /metrics\n"), path)

    def test_head_has_the_length_and_no_body(self):
        for path in ("/", "/healthz", "/page.js"):
            length = len(self.server.text(path))
            status, headers, body = self.server.ask(path, method="HEAD")
            self.assertEqual((status, body), (200, b""))
            self.assertGreaterEqual(int(headers["content-length"]), length)

    def test_other_methods_are_not_taken(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            status, headers, body = self.server.ask("/metrics", method=method)
            self.assertEqual((status, headers.get("allow"), body), (405, "GET, HEAD", b"Method Not Allowed\n"), method)

    def test_every_answer_keeps_the_page_to_itself(self):
        for path in ("/", "/page.js", "/page.css", "/metrics", "/api/ledgers", "/nothing"):
            _, headers, _ = self.server.ask(path)
            self.assertEqual(headers["cache-control"], "no-store")
            policy = headers["content-security-policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("http", policy)

    def test_the_page_asks_nobody_else(self):
        for path in ("/", "/page.js", "/page.css", "/page.svg", "/chart.js", "/table.js", "/tables.js", "/history.js", "/format.js"):
            text = self.server.text(path).replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, r"https?://|@import|innerHTML|eval\(", path)

    def test_foreign_names_are_not_answered(self):
        """A page of another site reaches a server on loopback by a name of its own that leads there."""
        for host in ("evil.example", f"evil.example:{self.server.port}", "localhost.evil.example"):
            for path in ("/", "/metrics", "/api/ledgers"):
                status, _, body = self.server.ask(path, Host=host)
                self.assertEqual((status, body), (421, b"this server answers only to the names of its own host\n"))
        for host in ("localhost", f"127.0.0.1:{self.server.port}", "[::1]:1"):
            self.assertEqual(self.server.ask("/healthz", Host=host)[0], 200)

    def test_broken_requests_are_refused(self):
        for request, status in ((b"nonsense\r\n\r\n", 400), (b"GET / HTTP/9.9\r\n\r\n", 400),
                                (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
                                (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", 400),
                                (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 413),
                                (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
                                (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000 + b"\r\n", 431)):
            said = self.server.said(request)
            self.assertRegex(said[:20].decode(), f"HTTP/1.1 {status} ", request[:60])
        self.assertEqual(self.server.text("/healthz"), "ok\n")

    def test_a_request_of_http_1_0_is_answered(self):
        said = self.server.said(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertTrue(said.startswith(b"HTTP/1.0 200 "), said)
        self.assertTrue(said.endswith(b"\r\n\r\nok\n"), said)

    def test_a_connection_serves_several_requests(self):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        self.assertEqual(self.server.said(request * 3).count(b"HTTP/1.1 200 OK"), 3)

    def test_clients_that_only_hold_connections_shut_nobody_out(self):
        held = []
        self.addCleanup(lambda: [each.close() for each in held])
        for _ in range(200):
            connection = socket.create_connection((self.server.host, self.server.port), timeout=tool.SECONDS_MAX)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
            held.append(connection)
        self.assertEqual(self.server.text("/healthz"), "ok\n")
        open_files = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        self.assertLess(open_files, 100)

    def test_a_request_that_drips_in_is_cut_off(self):
        with socket.create_connection((self.server.host, self.server.port), timeout=tool.SECONDS_MAX) as connection:
            connection.settimeout(0.5)
            start = time.monotonic()
            connection.sendall(b"GET / HTTP/1.1\r\n")
            is_open = True
            while is_open and time.monotonic() - start < tool.SECONDS_MAX:
                try:
                    connection.sendall(b"X: y\r\n")
                    is_open = connection.recv(1) != b""
                except socket.timeout:
                    continue
                except OSError:
                    is_open = False
            self.assertFalse(is_open)


class Life(serving.ServingTest):
    def test_signals_end_it_cleanly(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.serve()
            with socket.create_connection((server.host, server.port), timeout=tool.SECONDS_MAX):
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(timeout=tool.SECONDS_MAX), 0)
            self.assertEqual(server.process.stderr.read(), "")

    def test_it_listens_on_loopback_and_says_where(self):
        server = self.serve()
        self.assertEqual(server.first_lines, [f"bursar: serve: http://127.0.0.1:{server.port}/ (for Prometheus: /metrics); Ctrl-C ends it\n"])

    def test_beyond_loopback_it_warns(self):
        server = self.serve(listen="0.0.0.0:0")
        self.assertEqual(server.first_lines[0], f"bursar: serve: warning: whoever reaches 0.0.0.0:{server.port} can read the "
                         "names and figures of this host's programs\n")

    def test_a_port_in_use_is_one_line(self):
        server = self.serve()
        self.assert_fault(self.bursar("serve", "--listen", f"127.0.0.1:{server.port}"), 2,
                          f"serve: cannot listen on 127.0.0.1:{server.port}: another program listens there: name another port "
                          "with --listen")

    def test_a_bad_address_is_one_line(self):
        way_out = "it takes an address and a port, as in 127.0.0.1:9477 or [::1]:9477"
        for listen, fault in (("example.org:80", "it names no IPv4 or IPv6 address"), ("127.0.0.1", "it names no port"),
                              ("127.0.0.1:99999", "a port is at most 65535")):
            self.assert_fault(self.bursar("serve", "--listen", listen), 2,
                              f"serve: cannot listen on '{listen}': {fault}; {way_out}")
        self.assert_fault(self.bursar("serve", "--listen", "203.0.113.7:9477"), 2,
                          "serve: cannot listen on 203.0.113.7:9477: this host has no such address")

    def test_wrong_use_is_one_line(self):
        done = self.bursar("serve", "--kinds-max", "many")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done)
        self.assertTrue(done.stderr.endswith("; see bursar serve --help\n"), done.stderr)

    def test_a_port_that_is_not_permitted_is_one_line(self):
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                               "--bounding-set=-all", self.command, "serve", "--listen", "127.0.0.1:81"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=tool.SECONDS_MAX,
                              env=self.environment())
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as limit:
            if os.geteuid() != 0 or int(limit.read()) <= 81 or "setpriv" in done.stderr or "Permission" in done.stderr:
                self.skipTest("needs root and a host that keeps low ports for it")
        self.assert_fault(done, 2, "serve: cannot listen on 127.0.0.1:81: not permitted: ports below 1024 are for root")


class Documents(serving.ServingTest):
    def setUp(self):
        super().setUp()
        documents = pathlib.Path(os.environ["BURSAR_SOURCE_ROOT"]) / "docs"
        self.page = (documents / "serve.md").read_text()
        self.manual = (documents / "man" / "bursar.1").read_text().replace("\\-", "-")

    def test_every_option_is_told(self):
        options = re.findall(r"^  (?:-\w,)?(--[\w-]+)", self.bursar("serve", "--help").stdout, re.MULTILINE)
        self.assertIn("--listen", options)
        for option in options:
            self.assertRegex(self.manual, re.escape(option) + r"\b", option)
        for option in set(options) - {"--help", "--version"}:
            self.assertIn(f"`{option} ", self.page)

    def test_every_metric_is_on_the_page(self):
        # A program that uses the runtime: of others, nothing of it is told.
        guest = self.start(tool.product("RUNTIME_FIGURES"), "wait", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"),
                                                BURSAR=f"ledger={self.runtime_directory}/bursar-%p"))
        self.assertTrue(guest.stdout.readline())
        told = re.findall(r"^# TYPE (\S+)", self.serve().text("/metrics"), re.MULTILINE)
        self.assertGreater(len(told), 30)
        self.assertEqual([name for name in told if f"`{name}`" not in self.page], [])
        named = re.findall(r"`(bursar_\w+)`", self.page)
        self.assertEqual(sorted(set(named) - set(told)), [])


if __name__ == "__main__":
    unittest.main()
