#!/usr/bin/env python3
"""The journal keeps every sample, and says when it cannot be read."""

import unittest

from bench_case import BenchCase, sample

from errors import BadInput
from journal import FILE_NAME, Journal
from runner import Turn

BURSAR = ("bursar", "b1")
GLIBC = ("glibc", "g1")


class JournalTest(BenchCase):
    def journal(self):
        journal = Journal(self.directory)
        self.addCleanup(journal.close)
        return journal

    def reopened(self, journal):
        journal.close()
        return self.journal()

    def test_what_is_appended_is_there_again(self):
        journal = self.journal()
        journal.append("key", "case", "r.0", BURSAR, Turn(sample(2.5, left=1.0)))
        journal.append("key", "case", "r.0", GLIBC, Turn(None, "SIGSEGV"))
        journal.append("key", "case", "r.1", BURSAR, Turn(sample(3.5)))
        for one in (journal, self.reopened(journal)):
            self.assertEqual(one.rounds("key"), [{BURSAR: Turn(sample(2.5, left=1.0)), GLIBC: Turn(None, "SIGSEGV")},
                                                 {BURSAR: Turn(sample(3.5))}])
            self.assertEqual(one.rounds("another"), [])

    def test_discarded_cases_are_gone_and_others_stay(self):
        journal = self.journal()
        journal.append("old", "case", "r.0", BURSAR, Turn(sample()))
        journal.append("kept", "case", "r.0", BURSAR, Turn(sample()))
        journal.discard(["old"])
        journal.append("old", "case", "r.1", GLIBC, Turn(sample()))
        journal = self.reopened(journal)
        self.assertEqual(journal.rounds("old"), [{GLIBC: Turn(sample())}])
        self.assertEqual(len(journal.rounds("kept")), 1)

    def test_a_last_line_that_was_cut_off_is_dropped(self):
        journal = self.journal()
        journal.append("key", "case", "r.0", BURSAR, Turn(sample()))
        journal.close()
        with open(self.directory / FILE_NAME, "a", encoding="ascii") as file:
            file.write('{"case": "cu')
        journal = self.journal()
        journal.append("key", "case", "r.1", BURSAR, Turn(sample()))
        self.assertEqual(len(self.reopened(journal).rounds("key")), 2)

    def test_a_damaged_line_is_named_and_nothing_is_lost(self):
        journal = self.journal()
        journal.append("key", "case", "r.0", BURSAR, Turn(sample()))
        journal.close()
        path = self.directory / FILE_NAME
        wrong_record = '{"case_key": "k", "round": "r", "allocator": "abc", "failure": ""}\n'
        for damage in ("damaged\n", '{"case": "x"}\n', "[1]\n", wrong_record):
            before = path.read_text().splitlines(keepends=True)[:2]
            content = "".join(before) + damage + before[1]
            path.write_text(content)
            with self.assertRaisesRegex(BadInput, f"{FILE_NAME}:3: not a line of this journal"):
                self.journal()
            self.assertEqual(path.read_text(), content)

    def test_a_file_that_is_no_journal_is_left_alone(self):
        (self.directory / FILE_NAME).write_text("my diary\n")
        with self.assertRaisesRegex(BadInput, f"{FILE_NAME}:1: "):
            self.journal()
        self.assertEqual((self.directory / FILE_NAME).read_text(), "my diary\n")

    def test_two_runs_do_not_share_one(self):
        self.journal()
        with self.assertRaisesRegex(BadInput, "another run is writing"):
            self.journal()

    def test_a_directory_that_cannot_be_made(self):
        (self.directory / "file").write_text("")
        with self.assertRaisesRegex(BadInput, "cannot write .*Not a directory"):
            Journal(self.directory / "file/results")


if __name__ == "__main__":
    unittest.main()
