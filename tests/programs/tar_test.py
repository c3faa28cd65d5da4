"""tar, xz with threads, gzip and sort under the library: big buffers, and processes that feed one another."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "archive.sh")


class Tar(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["tar", "--version"])
        self.assert_serves_malloc(["xz", "--version"])

    def test_says_the_same(self):
        self.assert_same(["bash", SCRIPT])


if __name__ == "__main__":
    preload_case.main()
