"""Perl under the library: hashes, patterns, strings that grow, forked children and interpreter threads."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "work.pl")


class Perl(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["perl", "-MPOSIX", "-e", "1"])

    def test_says_the_same(self):
        self.assert_same(["perl", SCRIPT], PERL_HASH_SEED="0")


if __name__ == "__main__":
    preload_case.main()
