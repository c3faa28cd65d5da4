#!/usr/bin/env python3
"""What a terminal is told of the way a run takes, and what a file is."""

import io
import unittest

import bench_case  # noqa: F401 (finds what follows)
from progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


class ProgressTest(unittest.TestCase):
    def test_durations(self):
        self.assertEqual([duration(seconds) for seconds in (0, 59.9, 60, 3725)], ["0:00", "0:59", "1:00", "62:05"])

    def test_a_file_gets_a_line_for_each_case(self):
        stream = io.StringIO()
        progress = Progress(2, None, stream)
        for name in ("first", "second"):
            progress.begin(name)
            progress.step("run 1 of 3")
            progress.clear()
        self.assertEqual(stream.getvalue(), "case 1 of 2: first (0:00 so far)\n"
                         "case 2 of 2: second (0:00 so far, about 0:00 to go)\n")

    def test_a_terminal_gets_one_line_that_changes(self):
        stream = Terminal()
        progress = Progress(2, None, stream)
        progress.begin("first")
        progress.step("run 1 of 3, bursar")
        progress.clear()
        self.assertEqual(stream.getvalue(), "\r\x1b[Kcase 1 of 2: first, run 1 of 3, bursar (0:00 so far)\r\x1b[K")

    def test_a_limit_bounds_what_is_left(self):
        stream = io.StringIO()
        progress = Progress(9, -1.0, stream)
        progress.begin("first")
        progress._start -= 100
        progress.begin("second")
        self.assertIn("(1:40 so far, about 0:00 to go)", stream.getvalue())


if __name__ == "__main__":
    unittest.main()
