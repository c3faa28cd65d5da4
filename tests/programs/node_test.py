"""node under the library: native buffers, worker threads, the thread pool of libuv, child processes."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "work.js")


class Node(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["node", "--version"])

    def test_says_the_same(self):
        self.assert_same(["node", SCRIPT])


if __name__ == "__main__":
    preload_case.main()
