#!/usr/bin/env python3
"""`bursar top` on a terminal, and without one."""

import os
import re
import shutil
import signal
import subprocess
import unittest

import terminal
import tool
import views


class Once(views.ViewTest):
    def test_every_process_has_a_row(self):
        first = self.start("GET:100:7:1000", "turn:GET:7:1000")
        second = self.start("PUT:1:1:100", "wait")
        done = self.bursar("top", "--once", "--interval", "0.3")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        columns = lines[1].split()
        self.assertEqual(columns, ["pid", "name", "live", "peak", "rss", "alloc/s", "free/s", "bytes/s", "threads", "running",
                                   "tasks/s", "state"])
        rows = {line.split()[0]: line.split() for line in lines[2:]}
        self.assertEqual(rows[str(first.pid)][1], "shown_tasks")
        self.assertGreater(float(rows[str(first.pid)][-2].replace(",", "")), 0)  # tasks a second
        self.assertEqual(rows[str(second.pid)][-2:], ["0", "running"])

    def test_one_process_has_every_pane_with_its_figures(self):
        process = self.start("GET:100:7:1000", "PUT:10:30:64", "open:GET:/held:5000", "wait")
        for name in (process.pid, self.runtime_directory / f"bursar-{process.pid}"):
            text = self.bursar("top", "--once", "--interval", "0.1", name).stdout
            for pane in ("task kinds", "size classes", "threads", "running tasks", "worst tasks"):
                self.assertRegex(text, f"(?m)^{pane}$")
            get, = re.findall(r"(?m)^GET .*0 .*$", text.split("size classes")[0])
            self.assertEqual(get.split()[1:6], ["0", "100", "1", "7", "7"], get)
            put, = re.findall(r"(?m)^PUT .*$", text.split("size classes")[0])
            self.assertEqual(put.split()[2:6], ["10", "0", "30", "30"], put)
            self.assertRegex(text.split("running tasks")[1], r"(?m)^GET +/held ")

    def test_a_ledger_of_the_past_is_shown_too(self):
        path = self.ledger_of("past", "GET:5:3:100")
        done = self.bursar("top", "--once", "--interval", "0.1", path)
        self.assertIn("exited", done.stdout.splitlines()[0])
        self.assertRegex(done.stdout, r"(?m)^GET +0 +5 +0 +3 ")

    def test_ledgers_of_other_users_are_counted(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to be another user")
        for directory in (self.directory, self.runtime_directory):
            directory.chmod(0o755)
        for number in (77, 78):
            path = self.runtime_directory / f"bursar-{number}"
            path.touch(mode=0o600)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", self.command,
                               "top", "--once", "--interval", "0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=tool.SECONDS_MAX, env=self.environment())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # Other ledgers of this host may be hidden from that user as well.
        count, = re.findall(r"^bursar top  .*  \((\d+) that belong to others cannot be read\)$", done.stdout.splitlines()[0])
        self.assertGreaterEqual(int(count), 2)

    def test_a_ledger_that_is_damaged_has_a_row_with_the_fault(self):
        (self.runtime_directory / "bursar-77").write_bytes(b"no ledger")
        process = self.start("wait")
        text = self.bursar("top", "--once", "--interval", "0.1").stdout
        self.assertIn("\nbursar-77: is no ledger of bursar: it begins with other bytes\n", text)
        self.assertIn(f"{process.pid}  shown_tasks", text)

    def test_faults_are_one_line(self):
        for words, line in (
                (("top",), "top: no terminal to show it on; bursar report tells of one ledger, bursar top --once of all"),
                (("top", "--once", "none"), "none: cannot be opened: No such file or directory"),
                (("top", "--once", "--interval", "0"),
                 "--interval: 0 is no number of seconds from 0.1 to 3600; see bursar top --help")):
            with self.subTest(words=words):
                self.assert_fault(self.bursar(*words), 2, line)

    def test_no_place_for_the_text_is_told(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([self.command, "top", "--once", "--interval", "0.1"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=tool.SECONDS_MAX, env=self.environment())
        self.assertEqual((done.returncode, done.stderr),
                         (2, "bursar: cannot write to standard output: No space left on device\n"))


class Live(views.ViewTest):
    def open(self, *words, columns=120, lines=24, **changes):
        changes = {"TERM": "linux", "LC_ALL": "C.UTF-8", **changes}
        shown = terminal.Terminal([self.command, "top", "--interval", "0.2", *map(str, words)],
                                  self.environment(**changes), columns, lines)
        self.addCleanup(shown.close)
        return shown

    def only(self, shown, *processes):
        """Other processes of this host may keep ledgers meanwhile."""
        shown.press("/", *(processes or ("shown_tasks",)), "enter")
        shown.wait_for('filter "')

    def quit(self, shown):
        shown.press("q")
        self.assertEqual(shown.end(), 0)
        self.assertTrue(shown.has_settings_of_before())

    def test_a_process_is_opened_its_panes_turned_and_left(self):
        process = self.start("PUT:10:30:64", "open:GET:/held:5000", "turn:GET:7:1000")
        shown = self.open()
        shown.wait_for(f"{process.pid}  shown_tasks", "q quit", "? keys")
        self.only(shown, str(process.pid))
        shown.wait_until(lambda text: re.search(r"shown_tasks.* [1-9][\d,.]* +running$", text, re.MULTILINE), "tasks a second")
        shown.press("enter")
        shown.wait_for(f"shown_tasks (process {process.pid})  running", "[task kinds]", "PUT", "GET", "Esc back")
        shown.press("tab")
        shown.wait_for("[size classes]", "1,008 B")
        shown.press("tab")
        shown.wait_for("[threads]", "shown_tasks")
        shown.press("tab")
        shown.wait_for("[running tasks]", "/held")
        shown.press("tab")
        shown.wait_for("[worst tasks]")
        shown.press("tab")
        shown.wait_for("[runtime]", "has told nothing")
        shown.press("back_tab")
        shown.press("back_tab")
        shown.wait_for("[running tasks]")
        shown.press("escape")
        shown.wait_for("bursar top  ", "pid")
        shown.press("right")
        shown.wait_for("[running tasks]")
        shown.press("left")
        shown.wait_for("bursar top  ")
        self.quit(shown)

    def test_keys_sort_reverse_filter_and_pause(self):
        big = self.start("open:A:a:1000000", "wait")
        small = self.start("open:A:a:10", "wait")
        shown = self.open()

        def stands_before(first, second):
            return lambda text: -1 < text.find(f"{first.pid}  shown") < text.find(f"{second.pid}  shown")

        shown.wait_until(stands_before(big, small), "the biggest first")
        shown.press("r")
        shown.wait_until(stands_before(small, big), "the smallest first")
        later, earlier = sorted((big, small), key=lambda process: -process.pid)
        shown.press("P")
        shown.wait_until(stands_before(later, earlier), "the highest id first")
        shown.press("/", str(big.pid), "enter")
        shown.wait_until(lambda text: f"{small.pid}  shown" not in text and f"{big.pid}  shown" in text, "one row")
        shown.press("escape")
        shown.wait_for(f"{small.pid}  shown", f"{big.pid}  shown")
        shown.press("p")
        shown.wait_for("[paused]")
        self.end(small)
        shown.press("p")
        shown.wait_until(lambda text: f"{small.pid}  shown" not in text and "[paused]" not in text, "the ended one to go")
        shown.press("a")
        shown.wait_for(f"{small.pid}  shown", "exited")
        self.quit(shown)

    def test_processes_come_go_and_break(self):
        shown = self.open()
        shown.wait_for("bursar top  ")
        process = self.start("wait")
        self.only(shown, str(process.pid))
        shown.wait_for(f"{process.pid}  shown_tasks")
        shown.press("enter")
        shown.wait_for("[task kinds]")
        path = self.runtime_directory / f"bursar-{process.pid}"
        hidden = self.runtime_directory / "hidden"
        path.rename(hidden)
        shown.wait_for("its ledger is gone", "[task kinds]")
        path.write_bytes(b"no ledger")
        shown.wait_for("is no ledger of bursar", "[task kinds]")
        shown.press("escape")
        self.only(shown, str(process.pid))
        shown.wait_for(f"bursar-{process.pid}: is no ledger of bursar: it begins with other bytes")
        hidden.rename(path)
        shown.wait_for(f"{process.pid}  shown_tasks")
        self.quit(shown)

    def test_the_keys_are_explained_on_a_page(self):
        shown = self.open()
        shown.press("?")
        shown.wait_for("Keys of bursar top", "sort by live", "reverse the order")
        shown.press("x")
        shown.wait_for("q quit")
        self.quit(shown)

    def test_follows_the_size_of_the_terminal_down_to_twenty_by_five(self):
        process = self.start("GET:3:7:1000", "wait")
        shown = self.open(columns=100, lines=30)
        shown.wait_for("tasks/s", "/ filter")
        self.only(shown, str(process.pid))
        shown.resize(20, 5)
        shown.wait_until(lambda text: text.endswith("\nq quit  ? keys") and str(process.pid) in text, "a small screen")
        shown.press("enter")
        shown.wait_for("shown_task", "GET")
        shown.resize(160, 40)
        shown.wait_for("allocs/task", "refused", "/ filter")
        shown.resize(1, 1)
        shown.resize(2, 3)
        shown.resize(80, 24)
        shown.wait_for("[task kinds]", "GET")
        self.quit(shown)

    def test_names_in_utf8_are_shown_and_filtered_by(self):
        program = self.directory / "größe-漢字"
        shutil.copy(tool.product("SHOWN_TASKS"), program)
        self.start("wait", program=program)
        shown = self.open()
        shown.wait_for("größe-")
        shown.press("/", "ß", "enter")
        shown.wait_for("größe", 'filter "ß"')
        shown.press("escape", "/", "ü", "enter")
        shown.wait_until(lambda text: "größe" not in text, "no row")
        self.quit(shown)
        ascii_only = self.open(LC_ALL="C")
        ascii_only.wait_for("gr??e-????")
        self.quit(ascii_only)

    def test_a_terminal_without_colours_or_much_else_does(self):
        process = self.start("wait")
        for kind in ("vt100", "ansi", "xterm-256color"):
            with self.subTest(kind=kind):
                shown = self.open(TERM=kind)
                shown.wait_for(f"{process.pid}  shown_tasks")
                self.quit(shown)

    def test_a_terminal_that_is_unknown_or_no_screen_is_told(self):
        for name in ("no-such-terminal", "", "dumb"):
            with self.subTest(name=name):
                shown = self.open(TERM=name)
                self.assertEqual(shown.end(), 2)
                self.assertEqual(shown.written.decode().replace("\r", "").lstrip("\n"),
                                 f"bursar: top: TERM={name} is no terminal that ncurses can draw on; set TERM, or use bursar top "
                                 "--once\n")
                self.assertTrue(shown.has_settings_of_before())

    def test_signals_give_the_terminal_back(self):
        for number, status in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)):
            with self.subTest(number=number):
                shown = self.open()
                shown.wait_for("q quit")
                os.kill(shown.process.pid, number)
                self.assertEqual(shown.end(), status)
                self.assertTrue(shown.has_settings_of_before())

    def test_control_c_quits(self):
        shown = self.open()
        shown.wait_for("q quit")
        shown.press("\x03")
        self.assertEqual(shown.end(), 0)

    def test_ends_when_its_terminal_goes(self):
        shown = self.open()
        shown.wait_for("q quit")
        os.close(shown.slave)
        os.close(shown.master)
        status = shown.process.wait(tool.SECONDS_MAX)
        shown.master, shown.slave = os.pipe()  # for close()
        self.assertIn(status, (0, -signal.SIGHUP))

    def test_the_file_is_only_read(self):
        path = self.ledger_of("past", "GET:5:3:100")
        before = (path.read_bytes(), path.stat().st_mtime_ns)
        path.chmod(0o400)
        shown = self.open(path)
        shown.wait_for("exited", "GET")
        shown.press("q")
        self.assertEqual(shown.end(), 0)
        self.assertEqual((path.read_bytes(), path.stat().st_mtime_ns), before)


if __name__ == "__main__":
    unittest.main()
