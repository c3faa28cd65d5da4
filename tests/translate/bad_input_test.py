#!/usr/bin/env python3
"""Sources and arguments that are not as they should be: a clear answer each, the same from every variant, and no crash."""

import os
import unittest

from translator import IS_SANITIZED, VARIANTS, TranslatorCase, arguments_of, run

MIB = 1024 * 1024
LONG_LINE_BYTES = (1 if IS_SANITIZED else 10) * MIB
DEEP = 2000 if IS_SANITIZED else 100_000  # levels


class Refused(TranslatorCase):
    """What cannot be read at all is one line and exit status 2."""

    def assert_refused(self, pattern, *arguments, variants=VARIANTS):
        for variant in variants:
            done = run(*arguments_of(variant), *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), f"{variant} {arguments}")
            said = done.stderr.decode(errors="replace")
            self.assertRegex(said, r"\Atranslate: [^\n]*" + pattern + r"[^\n]*\n\Z")

    def test_a_file_that_is_not_there(self):
        self.assert_refused("/no/such/file.py.*No such file or directory", "/no/such/file.py")

    def test_a_directory(self):
        self.assert_refused(f"{self.directory}.*Is a directory", self.directory)

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_a_file_that_may_not_be_read(self):
        path = self.file(b"x = 1\n")
        path.chmod(0)
        self.assert_refused(f"{path}.*Permission denied", path)

    def test_one_unreadable_file_among_others(self):
        path = self.file(b"x = 1\n")
        self.assert_refused("/no/such/file.py", path, "/no/such/file.py", path)

    def test_one_unreadable_file_with_more_threads_than_files(self):
        path = self.file(b"x = 1\n")
        for variant in VARIANTS:
            done = run(*arguments_of(variant, threads=8), path, "/no/such/file.py")
            self.assertEqual((done.returncode, done.stdout), (2, b""), variant)
            self.assertIn(b"/no/such/file.py", done.stderr)

    def test_a_list_that_is_not_there(self):
        self.assert_refused("/no/such/list.*No such file or directory", "--list=/no/such/list", variants=VARIANTS[:1])

    def test_an_empty_list(self):
        self.assert_refused("no files", f"--list={self.file(b'', 'list')}", variants=VARIANTS[:1])

    def test_no_files(self):
        self.assert_refused("no files", variants=VARIANTS[:1])

    def test_an_output_that_is_a_file(self):
        path = self.file(b"x = 1\n")
        self.assert_refused(str(path), f"--output={path}", path)

    def test_arguments(self):
        path = self.file(b"x = 1\n")
        for wrong, pattern in (("--nonsense", "--nonsense"), ("--threads=0", "--threads"), ("--threads=-1", "--threads"),
                               ("--threads=many", "--threads"), ("--repeat=0", "--repeat"), ("--repeat=1e99", "--repeat")):
            self.assert_refused(pattern, wrong, path, variants=VARIANTS[:1])
        for arguments in (["--memory=other", "--scan=simd"], ["--memory=runtime", "--scan=other"], ["--memory=runtime"],
                          ["--scan=simd"]):
            done = run(*arguments, path)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertRegex(done.stderr.decode(), r"\Atranslate: [^\n]+\n\Z")

    def test_standard_output_that_is_full(self):
        path = self.file(b"x = 1\n")
        with open("/dev/full", "wb") as full:
            done = run(*arguments_of(VARIANTS[0]), path, stdout=full)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)


class Odd(TranslatorCase):
    """What can be read is translated, or the report names the file, the line and the fault; every variant says the same."""

    def translated(self, content):
        """The report that all variants give of a source."""
        path = self.file(content)
        reports = [dict(report) for report in self.reports(path).values()]
        for report in reports:
            for figure in ("read_ns", "translate_ns", "wall_ns", "copies_avoided", "copies_made"):
                report.pop(figure, None)
            self.assertEqual(report, reports[0])
        self.assertEqual((reports[0]["files"], reports[0]["bytes"]), (1, len(content)))
        return reports[0]

    def assert_fault(self, content, line, pattern):
        faults = self.translated(content)["faults"]
        self.assertEqual(len(faults), 1, content[:80])
        self.assertTrue(faults[0]["file"].endswith("source.py"))
        self.assertEqual(faults[0]["line"], line, faults)
        self.assertRegex(faults[0]["fault"], pattern)

    def assert_without_fault(self, content):
        report = self.translated(content)
        self.assertEqual(report["faults"], [], content[:80])
        return report

    def test_an_empty_file(self):
        report = self.assert_without_fault(b"")
        self.assertEqual((report["tokens"], report["statements"]), (2, 0))  # the encoding and the end

    def test_only_blanks_and_comments(self):
        self.assertEqual(self.assert_without_fault(b"\n  \n\t\n# comment\n\x0c\n")["statements"], 0)

    def test_no_final_newline(self):
        with_newline, without = self.assert_without_fault(b"x = 1\n"), self.assert_without_fault(b"x = 1")
        self.assertEqual(with_newline["output_hash"], without["output_hash"])
        self.assertEqual(with_newline["statements"], without["statements"])

    def test_line_ends_of_other_systems(self):
        unix, dos = (self.assert_without_fault(source) for source in (b"if x:\n    y = 1\nz\n", b"if x:\r\n    y = 1\r\nz\r\n"))
        self.assertEqual(unix["statements"], dos["statements"])
        self.assertEqual(unix["output_hash"], dos["output_hash"])

    def test_tabs_indent_to_the_next_multiple_of_eight(self):
        tabs, blanks = self.assert_without_fault(b"if x:\n\ty\n        z\n"), self.assert_without_fault(b"if x:\n        y\n        z\n")
        self.assertEqual(tabs["output_hash"], blanks["output_hash"])

    def test_nul_bytes(self):
        for content in (b"\0", b"x = 1\0\ny = 2\n", b"x = 'a\0b'\n", b"# a\0b\nx\n", b"x = 1\n" + b"\0" * 5000):
            self.translated(content)

    def test_invalid_utf_8(self):
        for content in (b"\xff\xfe", b"x = '\xe4'\n", b"\xc3\x28 = 1\n", b"# \x80\x80\n", b"x\xf0\x9f = 1\n", b"x = 1\xc0"):
            self.translated(content)

    def test_names_beyond_ascii(self):
        self.assert_without_fault("größe = 1\nпример = größe\n変数 = [größe, пример]\n".encode())

    def test_a_byte_order_mark(self):
        with_mark = run(*arguments_of(VARIANTS[0]), "--json", self.file(b"\xef\xbb\xbfx = 1\n"))
        self.assertEqual(with_mark.returncode, 0)
        self.assertNotIn(b'"fault"', with_mark.stdout)

    def test_strings_that_do_not_end(self):
        self.assert_fault(b"x = 1\ny = '''abc\ndef\n", 2, "string")
        self.assert_fault(b'x = """', 1, "string")
        self.assert_fault(b"x = (1,\n  '''a\nb\n", 2, "string")
        for content in (b"x = 'abc\ny = 1\n", b"x = 'abc", b"x = f'{", b"x = '\\", b"x = b'abc\\\n"):
            self.translated(content)

    def test_statements_that_do_not_end(self):
        for content, line in ((b"x = (1,\n", 1), (b"f(\n\n", 2), (b"x = [", 1), (b"y\nx = {'a':", 2), (b"x = \\\n", 1)):
            self.assert_fault(content, line, "statement")

    def test_a_dedent_to_no_level(self):
        self.assert_fault(b"if x:\n    y\n  z\n", 3, "indent")

    def test_brackets_that_do_not_match(self):
        for content in (b"x = )\n", b"x = (]\n", b"]]]]\n", b"x = (1, 2]\ny = 3\n", b"}" * 1000 + b"\n"):
            self.translated(content)

    def test_bytes_that_begin_no_token(self):
        for content in (b"$x\n", b"x = 1 ? 2\n", b"`x`\n", b"!\n", b"x !\n", b"\\\n", b"x = \\ 1\n", b"\\"):
            self.translated(content)

    def test_statements_of_another_language(self):
        for content in (b"int main(void) { return 0; }\n", b"print 'x'\n", b"exec 'x' in y\n", b"def\n", b"def f(\n", b"class :\n    x\n",
                        b"if\n", b"else:\n  x\n", b"import\n", b"from . import\n", b"return return\n", b"lambda\n", b"x = = y\n",
                        b"for in in in:\n  x\n", b"try:\nexcept:\n", b"@\n", b"del\n", b"with:\n", b"async\n", b"x = *\n", b"**\n",
                        b"f(**)\n", b"x[::::]\n", b"not\n", b"x if y\n", b"match x:\n  case\n", b"global\n", b":=\n", b"x.\n", b".x\n"):
            self.translated(content)


class Large(TranslatorCase):
    """Sizes and depths that nobody writes by hand."""

    def assert_survived(self, content):
        path = self.file(content)
        reports = self.reports(path)
        self.assertEqual(len({report["output_hash"] for report in reports.values()}), 1, content[:80])
        self.assertEqual({report["bytes"] for report in reports.values()}, {len(content)})
        return next(iter(reports.values()))

    def test_a_name_of_many_bytes(self):
        self.assertEqual(self.assert_survived(b"x" * LONG_LINE_BYTES + b" = 1\n")["faults"], [])

    def test_a_line_of_many_tokens(self):
        self.assertGreater(self.assert_survived(b"x = [" + b"1, " * (LONG_LINE_BYTES // 3) + b"]\n")["tokens"], LONG_LINE_BYTES // 2)

    def test_a_string_of_many_bytes(self):
        self.assertEqual(self.assert_survived(b"x = '" + b"a" * LONG_LINE_BYTES + b"'\n")["faults"], [])
        self.assertEqual(self.assert_survived(b'x = """' + b"a\n" * (LONG_LINE_BYTES // 2) + b'"""\n')["faults"], [])

    def test_a_comment_of_many_bytes(self):
        self.assertEqual(self.assert_survived(b"# " + b"a" * LONG_LINE_BYTES)["faults"], [])

    def test_very_many_names_in_one_scope(self):
        self.assertEqual(self.assert_survived(b"".join(b"name_%d = %d\n" % (i, i) for i in range(50_000)))["faults"], [])

    def test_deep_brackets(self):
        for opening, closing in ((b"(", b")"), (b"[", b"]"), (b"{1:", b"}"), (b"f(", b")")):
            self.assert_survived(b"x = " + opening * DEEP + b"1" + closing * DEEP + b"\n")
            self.assert_survived(b"x = " + opening * DEEP)

    def test_deep_operators(self):
        for part in (b"-", b"not ", b"~", b"lambda: ", b"1 ** ", b"await ", b"1 if 1 else ", b"x = ", b"a.", b"x and ", b"1 + ", b"*"):
            self.assert_survived(b"x = " + part * DEEP + b"1\n")

    def test_chains_of_calls_and_subscripts(self):
        for part in (b"(1)", b"[1]", b".x"):
            self.assert_survived(b"x = y" + part * DEEP + b"\n")

    def test_chains_of_branches(self):
        self.assert_survived(b"if x:\n  y\n" + b"elif x:\n  y\n" * DEEP)

    def test_deep_blocks(self):
        depth = 300 if IS_SANITIZED else 2000
        for head in (b"if x:", b"def f():", b"class C:", b"while x:", b"with x:", b"for x in y:", b"try:"):
            lines = [b" " * level + head + b"\n" for level in range(depth)]
            self.assert_survived(b"".join(lines) + b" " * depth + b"pass\n")

    def test_deep_comprehensions(self):
        self.assert_survived(b"x = " + b"[y for y in " * DEEP + b"z" + b"]" * DEEP + b"\n")
        self.assert_survived(b"x = [y" + b" for y in z" * DEEP + b"]\n")

    def test_deep_decorators_and_parameters(self):
        self.assert_survived(b"@d\n" * DEEP + b"def f():\n  pass\n")
        self.assert_survived(b"def f(" + b"".join(b"a%d, " % i for i in range(20_000)) + b"):\n  pass\n")


if __name__ == "__main__":
    unittest.main()
