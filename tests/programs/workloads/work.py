"""What a busy Python program does to malloc; prints only what every run must print alike."""

import array
import bz2
import collections
import ctypes
import gc
import hashlib
import json
import lzma
import multiprocessing
import os
import pickle
import queue
import re
import sqlite3
import subprocess
import sys
import threading
import zlib

ROUNDS = 1 if "short" in sys.argv else 4


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def documents():
    tree = {f"key{i}": {"values": list(range(i % 50)), "text": "x" * (i % 700), "half": i / 2} for i in range(2000)}
    for _ in range(ROUNDS):
        tree = json.loads(json.dumps(tree))
        tree = pickle.loads(pickle.dumps(tree))
    words = re.findall(r"[a-z]+|\d+", json.dumps(tree))
    return digest(sorted(collections.Counter(words).items()))


def growing_buffers():
    growing, numbers = bytearray(), array.array("q")
    for i in range(60000 * ROUNDS):
        growing += b"%d," % i
        numbers.append(i * i)
    del growing[: len(growing) // 2]
    return digest((bytes(growing), numbers[::97]))


def compressors():
    data = b"".join(b"line %d of the text\n" % (i * i % 977) for i in range(20000))
    packed = [zlib.compress(data, 9), bz2.compress(data), lzma.compress(data, preset=1)]
    assert zlib.decompress(packed[0]) == bz2.decompress(packed[1]) == lzma.decompress(packed[2]) == data
    return digest([len(one) for one in packed])


def database(path):
    connection = sqlite3.connect(path)
    connection.execute("create table item (id integer primary key, name text, weight real)")
    connection.executemany("insert into item (name, weight) values (?, ?)",
                           ((f"name{i * 7919 % 10007}", i / 3) for i in range(5000 * ROUNDS)))
    connection.execute("create index by_name on item (name)")
    connection.commit()
    rows = connection.execute("select name, count(*), sum(weight) from item group by name order by 3 desc").fetchall()
    connection.execute("delete from item where id % 3 = 0")
    connection.commit()
    connection.execute("vacuum")
    check = connection.execute("pragma integrity_check").fetchone()
    connection.close()
    return digest(rows), check


def producer_and_consumers():
    """Blocks made by one thread and dropped by four others."""
    work, totals = queue.Queue(maxsize=64), [0] * 4

    def consume(slot):
        while (item := work.get()) is not None:
            totals[slot] += sum(len(text) for text in item)

    threads = [threading.Thread(target=consume, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    for i in range(1000 * ROUNDS):
        work.put(["y" * (i * j % 3000) for j in range(20)])
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    return sum(totals)


def short_lived_threads():
    threading.stack_size(64 * 1024)
    kept = []
    for i in range(100 * ROUNDS):
        thread = threading.Thread(target=lambda i=i: kept.append(bytes(i * 37 % 9000)))
        thread.start()
        thread.join()
    threading.stack_size(0)
    return sum(map(len, kept))


def square_sum(number):
    return sum(len(str(i * number)) for i in range(2000))


def processes():
    results = []
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(3) as pool:
            results.append(sum(pool.map(square_sum, range(40))))
    return results


def fork_beside_allocating_threads():
    """The child of a fork in the middle of other threads' mallocs must still be able to allocate."""
    stop = threading.Event()

    def allocate():
        while not stop.is_set():
            bytearray(100000)
            [str(i) for i in range(300)]

    threads = [threading.Thread(target=allocate) for _ in range(3)]
    for thread in threads:
        thread.start()
    statuses = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(7 if sum(len(str(i)) for i in range(5000)) == 18890 else 1)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stop.set()
    for thread in threads:
        thread.join()
    return statuses


def blocks_of_the_c_library():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.realloc.restype = libc.strdup.restype = ctypes.c_void_p
    block = ctypes.c_void_p(libc.strdup(b"from strdup"))
    block = ctypes.c_void_p(libc.realloc(block, ctypes.c_size_t(1 << 20)))
    text = ctypes.string_at(block).decode()
    libc.free(block)
    return text


def main():
    print("documents", documents())
    print("growing buffers", growing_buffers())
    print("compressors", compressors())
    print("database in memory", database(":memory:"))
    print("database in a file", database(os.path.join(os.environ["WORK"], "items.db")))
    print("producer and consumers", producer_and_consumers())
    print("short-lived threads", short_lived_threads())
    print("processes", processes())
    print("fork beside threads", fork_beside_allocating_threads())
    print("C library", blocks_of_the_c_library())
    print("child", subprocess.run([sys.executable, "-c", "print(sum(range(1000)))"], capture_output=True, text=True))
    gc.collect()


if __name__ == "__main__":
    main()
