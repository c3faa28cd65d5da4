"""The shell under the library: hundreds of forks and pipelines, each process a start and an end of the heap."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "pipelines.sh")


class Bash(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["bash", "-c", "true"])

    def test_says_the_same(self):
        self.assert_same(["bash", SCRIPT])

    def test_dash_says_the_same(self):
        self.assert_same(["sh", "-c", "i=0; while [ $i -lt 100 ]; do echo line $i | sed s/line/row/; i=$((i+1)); done"])


if __name__ == "__main__":
    preload_case.main()
