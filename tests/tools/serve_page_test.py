#!/usr/bin/env python3
"""The live page of `bursar serve` in a browser."""

import struct
import tempfile
import unittest
import zlib

import browser
import serving

HOSTILE = "<img src=x onerror=document.title='taken'>"
WIDTHS = (360, 768, 1280)


class Page(serving.ServingTest):
    @classmethod
    def setUpClass(cls):
        program = browser.find()
        if not program:
            raise unittest.SkipTest("chromium cannot be run here")
        profile = tempfile.TemporaryDirectory()
        cls.addClassCleanup(profile.cleanup)
        cls.browser = browser.Browser(program, profile.name)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.guest_program = self.guest()
        for count in (3, 5, 400):
            self.guest_program.run_task("GET /search", count, 1000, kept=1, label=f"q={count}")
        self.guest_program.run_task(HOSTILE, 2, 100, label=HOSTILE)
        # The page of the test before has lost its server.
        self.browser.open("about:blank")
        self.browser.value_of("1")
        self.browser.faults.clear()
        self.browser.show(1280)
        self.browser.open(f"http://127.0.0.1:{self.server.port}/#{self.summary_of(self.server, self.guest_program)['id']}")
        self.wait_for("the table of kinds", lambda: "GET /search" in self.names_in("kinds"))

    def names_in(self, table):
        return self.browser.value_of(f"[...document.querySelectorAll('#{table} tbody th')].map(cell => cell.textContent)")

    def row_of(self, table, name):
        """The texts of a row's cells, by the names of their columns."""
        return self.browser.value_of(f"""(() => {{
            const table = document.querySelector('#{table} table');
            const row = [...table.tBodies[0].rows].find(each => each.cells[0].textContent === {name!r});
            const heads = [...table.querySelectorAll('thead button')].map(each => each.getAttribute('aria-label') ?? each.textContent);
            return row && Object.fromEntries([...row.cells].map((cell, i) => [heads[i], cell.textContent]));
        }})()""")

    def assert_no_fault(self):
        self.browser.value_of("1")  # takes in what was told until now
        self.assertEqual(self.browser.faults, [])

    def test_it_shows_the_program_and_its_kinds(self):
        self.assertEqual(self.browser.value_of("document.getElementById('title').textContent"), "tasks_on_demand")
        facts = self.browser.value_of("document.getElementById('facts').textContent")
        self.assertIn(f"Process {self.guest_program.process_id}, running", facts)
        row = self.row_of("kinds", "GET /search")
        self.assertEqual((row["Tasks, ended"], row["Allocations per task, highest"]), ("3", "400"))
        self.assertEqual(self.row_of("worst-by-peak", "GET /search: q=400")["Allocations"], "400")
        self.assertTrue(self.names_in("threads"))
        self.assertTrue(self.names_in("size-classes"))
        self.assert_no_fault()

    def pixels(self, name):
        """The bytes of a picture of the page, row by row, each behind the number of its filter."""
        path = self.directory / name
        self.browser.screenshot(path)
        picture = path.read_bytes()
        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
        data, at = b"", 8
        while at < len(picture):
            length, kind = struct.unpack_from(">I4s", picture, at)
            if kind == b"IHDR":
                self.assertEqual(struct.unpack_from(">II", picture, at + 8), (1280, 1000))
            elif kind == b"IDAT":
                data += picture[at + 8:at + 8 + length]
            at += length + 12
        return zlib.decompress(data)

    def test_a_picture_of_it_is_not_blank(self):
        shown = self.pixels("page.png")
        self.browser.open("about:blank")
        self.browser.value_of("1")
        blank = self.pixels("blank.png")
        # Filters leave nothing of an area of one colour but zeros.
        self.assertLess(len(blank) - blank.count(0), len(blank) // 1000)
        self.assertGreater(len(shown) - shown.count(0), 10 * (len(blank) - blank.count(0)) + len(shown) // 100)

    def test_new_figures_come_by_themselves(self):
        self.guest_program.run_task("GET /search", 1000, 100)
        self.wait_for("the new task", lambda: self.row_of("kinds", "GET /search")["Tasks, ended"] == "4")
        self.wait_for("points in the chart", lambda: self.browser.value_of(
            "document.querySelectorAll('figure.live path.line').length") >= 1)
        label = self.browser.value_of("document.querySelector('figure.live svg').getAttribute('aria-label')")
        self.assertRegex(label, r"^Live heap: now [\d.]+ \w+, lowest ")
        self.assert_no_fault()

    def test_names_of_programs_stay_text(self):
        self.assertIn(HOSTILE, self.names_in("kinds"))
        self.assertIn(f"{HOSTILE}: {HOSTILE}", self.names_in("worst-by-peak"))
        self.assertEqual(self.browser.value_of("document.querySelectorAll('main img').length"), 0)
        self.assertNotIn("taken", self.browser.value_of("document.title"))
        self.assert_no_fault()

    def test_tables_are_sorted_by_their_heads(self):
        press = "document.querySelector('#kinds button[aria-label=\"{}\"]').click()"
        self.browser.value_of(press.format("Allocations per task, highest"))
        self.assertEqual(self.names_in("kinds")[0], "GET /search")
        self.browser.value_of(press.format("Allocations per task, highest"))
        self.assertEqual(self.names_in("kinds")[-1], "GET /search")
        self.assertEqual(self.browser.value_of("document.querySelector('#kinds th[aria-sort]').getAttribute('aria-sort')"), "ascending")

    def test_a_chart_is_read_with_the_keyboard(self):
        self.wait_for("two points", lambda: self.browser.value_of("document.querySelectorAll('figure.live circle').length") >= 2)
        self.browser.value_of("document.querySelector('figure.live svg').focus()")
        self.browser.press("ArrowLeft")
        self.assertRegex(self.browser.value_of("document.querySelector('figure.live output').textContent"),
                         r"^[\d.]+ \w+, \d\d:\d\d:\d\d$")

    def test_a_paused_page_stays_as_it_is(self):
        self.browser.value_of("document.getElementById('pause').click()")
        self.guest_program.run_task("GET /search", 1, 100)
        self.wait_for("the server to know", lambda: self.summary_of(self.server, self.guest_program)["tasks_ended"] == 5)
        self.browser.value_of("new Promise(done => setTimeout(done, 1500))")
        self.assertEqual(self.row_of("kinds", "GET /search")["Tasks, ended"], "3")
        self.browser.value_of("document.getElementById('pause').click()")
        self.wait_for("the new task", lambda: self.row_of("kinds", "GET /search")["Tasks, ended"] == "4")

    def test_it_is_never_wider_than_the_window(self):
        for width in WIDTHS:
            self.browser.show(width)
            self.assertEqual(self.browser.value_of("[document.documentElement.scrollWidth, innerWidth]"), [width, width])

    def test_what_can_be_used_has_a_name(self):
        nodes = self.browser.accessible_nodes()
        used = [(role, name) for role, name in nodes
                if role in ("button", "link", "combobox", "image", "img", "region", "table", "navigation", "heading", "article")]
        self.assertGreater(len(used), 30)
        self.assertEqual([role for role, name in used if not name.strip()], [])
        levels = self.browser.value_of("[...document.querySelectorAll('h1, h2, h3')].filter(each => each.checkVisibility())"
                                       ".map(each => Number(each.tagName[1]))")
        self.assertEqual(levels[0], 1)
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels)

    def test_light_and_dark_can_be_read(self):
        for scheme in ("light", "dark"):
            self.browser.show(1280, scheme=scheme)
            contrasts = self.browser.value_of("""(() => {
                const style = getComputedStyle(document.documentElement);
                const light = (name) => {
                  const hex = style.getPropertyValue(name).trim().slice(1);
                  const [r, g, b] = [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
                    .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
                  return .2126 * r + .7152 * g + .0722 * b;
                };
                const pairs = [['--ink', '--sheet'], ['--ink', '--ground'], ['--ink', '--chosen'], ['--ink', '--bar'], ['--quiet', '--sheet'],
                  ['--quiet', '--ground'], ['--quiet', '--chosen'], ['--accent', '--ground'], ['--bad', '--sheet']];
                return Object.fromEntries(pairs.map(([a, b]) => {
                  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
                  return [`${a} on ${b}`, (high + .05) / (low + .05)];
                }));
            })()""")
            self.assertEqual({pair: ratio for pair, ratio in contrasts.items() if ratio < 4.5}, {}, scheme)

    def test_a_server_that_is_gone_is_told(self):
        self.server.process.terminate()
        self.wait_for("the alert", lambda: self.browser.value_of("!document.getElementById('lost').hidden"))
        self.assertIn("does not answer", self.browser.value_of("document.getElementById('lost').textContent"))


if __name__ == "__main__":
    unittest.main()
