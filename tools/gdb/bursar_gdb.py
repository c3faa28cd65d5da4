"""gdb commands that read bursar's heap: `source bursar_gdb.py`, then `bursar whose ADDRESS` or `bursar heap`.

They work on a running process and on a core file, and call nothing in the program. The library needs its debug
information.
"""

import collections
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import heap_reader  # pylint: disable=wrong-import-position
from heap_reader import Heap, SlabView, at, mail, name_of, number, words  # pylint: disable=wrong-import-position


def human(count):
    """Bytes for people: 96 bytes, 64 KiB, 4.0 MiB."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024 * 1024:
        return f"{count / 1024:.4g} KiB"
    return f"{count / 1024 / 1024:.1f} MiB"


def counted(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class Owner:
    """Words for a heap: its address, its stage, its thread."""

    def __init__(self, heap, address):
        self.address = address
        self.stage = name_of(at(address, "ThreadHeap")["stage"])
        self.thread = heap.thread_of(address)

    def __str__(self):
        words_of_stage = {
            "owned": self.thread or "a thread gdb cannot name",
            "orphaned": "of a thread that ended",
            "shared": "for threads past their end",
            "lost": "of a thread that a fork left behind",
        }
        return f"heap {self.address:#x}, {words_of_stage.get(self.stage, self.stage)}"


class Answer:
    """What `bursar whose` says: a headline, and lines with a name each."""

    def __init__(self, headline):
        self.lines = [headline]

    def add(self, name, text):
        self.lines.append(f"  {name:<8} {text}")
        return self

    def __str__(self):
        return "\n".join(self.lines)


def headline(address, block, what):
    if address == block:
        return f"{address:#x}: {what}"
    return f"{address:#x}: {address - block} bytes into {what} at {block:#x}"


# ---- whose: blocks in slabs ----


WORDS_OF_PLACE = {
    "bin": "free, in the bin of {}",
    "rest": "free, behind the bin of {}, which gives out a few at a time",
    "strays": "free, kept by {} for its own next allocation",
}


def state_in_slab(heap, slab, block, index):
    """Whether the block is free and where, as far as the lists tell. A list that a stray write broke is said to be so."""
    if index >= slab.carved:
        return "never handed out"
    broken = []

    def is_in(name, found):
        if not found.is_whole:
            broken.append(name)
        return block in found.blocks

    for by_heap in sorted(heap.heaps, key=lambda address: address != slab.heap):
        for where, found in heap.at_hand(by_heap, slab.size_class):
            if is_in(f"the {where} of heap {by_heap:#x}", found):
                by_whom = "its heap" if by_heap == slab.heap else heap.thread_of(by_heap) or f"heap {by_heap:#x}"
                is_next = where == "bin" and block == found.blocks[0]
                return WORDS_OF_PLACE[where].format(by_whom) + (", the next to be handed out" if is_next else "")
    if is_in("the slab's queue", slab.queue()):
        return "free, in the queue of its slab"
    if is_in("the slab's returned blocks", slab.returned()):
        return "free, by another thread, which put it by for its heap to take in"
    remote = number(at(slab.heap, "ThreadHeap")["remote_"])
    if is_in("the list of remote frees", mail(remote, 1 << 20)):
        return "free, by another thread; its heap has yet to take it in"
    for gathered, by_heap in heap.gathered(slab.heap):
        if gathered == block:
            return f"free, by {heap.thread_of(by_heap) or 'another thread'}, which has yet to send it home"
    if broken:
        return f"in use, or free on a list that is broken: {', '.join(broken)}"
    return "in use"


def describe_slab(heap, address, run):
    slab = SlabView(at(run, "Slab"))
    index = (address - slab.start) // slab.block_bytes
    block = slab.start + index * slab.block_bytes
    slab_text = (f"{slab.start:#x}, {counted(slab.granules, 'granule')}, {slab.capacity} blocks: {slab.carved} carved, "
                 f"{slab.freed_count} of them free in it; {slab.stage}")
    owner = Owner(heap, slab.heap)
    if index >= slab.capacity:
        answer = Answer(f"{address:#x}: in no block, behind the last one of a slab")
    else:
        answer = Answer(headline(address, block, f"a block of {slab.block_bytes} bytes (class {slab.size_class})"))
        answer.add("state", state_in_slab(heap, slab, block, index))
    return answer.add("slab", slab_text).add("owner", owner)


# ---- whose: all other kinds ----


def describe_large(heap, address, run):
    record = at(run, "LargeRun")
    start, count = number(record["start"]), number(record["bytes"])
    if name_of(record["kind"]) == "mapping":
        answer = Answer(headline(address, start, f"a large block of {human(count)}"))
        place = "a tract" if int(record["tract"]) != 0 else "a mapping of its own"
        return answer.add("state", "in use").add("place", place)
    segment = int(record["segment"])
    answer = Answer(headline(address, start, f"a large block of {human(count)}"))
    place = f"{counted(number(record['granules']), 'granule')} of the segment at {segment_start(segment):#x}"
    del heap
    return answer.add("state", "in use").add("place", place)


def segment_start(segment):
    return number(at(segment, "Segment")["start"])


def bump_blocks(chunk):
    """(start, bytes, task) of each block cut from the chunk."""
    block = number(chunk["start"]) + 16
    end = number(chunk["next"])
    while block < end:
        header, = words(block - 8, 1)
        count, task = header & 0xFFFFFFFF, header >> 32
        if count == 0 or block + count > number(chunk["end"]):
            return
        yield block, count, task
        block += count + 8


def describe_bump(heap, address, run):
    chunk = at(run, "BumpChunk")
    start = number(chunk["start"])
    owner = next((view.label for view in heap.threads if view.chunk == run), None)
    blocks = list(bump_blocks(chunk))
    found = [entry for entry in blocks if entry[0] <= address < entry[0] + entry[1]]
    if found:
        block, count, task = found[0]
        answer = Answer(headline(address, block, f"a block of {count} bytes in a task's arena"))
        answer.add("state", "free" if task == heap_reader.BUMP_FREED else f"in use, by task {task}")
    else:
        answer = Answer(f"{address:#x}: in no block, within a chunk of a task's arena")
    free = sum(1 for entry in blocks if entry[2] == heap_reader.BUMP_FREED)
    answer.add("chunk", f"{start:#x}, {counted(len(blocks), 'block')} cut, {free} of them free")
    return answer.add("owner", f"{owner}, which cuts blocks from it" if owner else
                      "no thread cuts blocks from it any more")


def describe_emergency(heap, address, run):
    del heap
    return Answer(f"{address:#x}: in a chunk for signal handlers that interrupted the heap").add(
        "state", "such blocks are never reused").add("chunk", f"{number(at(run, 'Run')['start']):#x}")


def describe_free_granule(address, segment):
    start = number(segment["start"])
    granule = (address - start) // heap_reader.GRANULE_BYTES
    if granule >= number(segment["committed"]):
        state = "never used"
    elif number(segment["dirty"]) >> granule & 1:
        state = "freed, to be given back to the system when the purge delay is over"
    else:
        state = "freed and given back to the system, or not used yet"
    return Answer(f"{address:#x}: in no block, within the segment at {start:#x}").add("state", state)


def describe_free_place(heap, address, tract):
    start = number(tract["start"])
    granule = (address - start) // heap_reader.GRANULE_BYTES
    if any(0 <= address - first < count for first, count in heap.dirty_rows(tract)):
        state = "freed, kept for the next one until the purge delay is over"
    elif granule >= number(tract["committed"]):
        state = "never used"
    else:
        state = "freed and given back to the system, or not used yet"
    return Answer(f"{address:#x}: in no block, within the tract at {start:#x}").add("state", state)


def describe_no_run(heap, address):
    for segment in heap.segments():
        if 0 <= address - number(segment["start"]) < heap_reader.SEGMENT_BYTES:
            return describe_free_granule(address, segment)
    for tract in heap.tracts() or ():
        if 0 <= address - number(tract["start"]) < heap_reader.TRACT_BYTES:
            return describe_free_place(heap, address, tract)
    for start, count in heap.kept_mappings() or ():
        if 0 <= address - start < count:
            what = f"a large block of {human(count)}"
            return Answer(headline(address, start, what)).add("state", "free, its mapping kept for the next one")
    for owner in heap.heaps:
        if 0 <= address - owner < heap_reader.type_of("ThreadHeap").sizeof:
            return Answer(f"{address:#x}: in no block, within the record of a heap").add("owner", Owner(heap, owner))
    return Answer(f"{address:#x}: foreign, no block of this heap")


DESCRIBE = {
    "slab": describe_slab,
    "pages": describe_large,
    "mapping": describe_large,
    "bump": describe_bump,
    "emergency": describe_emergency,
}


def whose(address):
    heap = Heap()
    run = heap.run_of(address)
    describe = DESCRIBE.get(name_of(at(run, "Run")["kind"])) if run != 0 else None
    return describe(heap, address, run) if describe else describe_no_run(heap, address)


# ---- heap ----


class ClassTotals:
    """The slabs of one size class."""

    def __init__(self):
        self.slabs = self.capacity = self.carved = self.free = self.waiting = 0

    @property
    def in_use(self):
        return self.carved - self.free - self.waiting


class Summary:
    """The whole heap, counted in one pass over the page map."""

    def __init__(self):
        self.heap = Heap()
        self.classes = collections.defaultdict(ClassTotals)
        self.bytes_in_use = collections.Counter()  # by heap
        self.runs = collections.Counter()          # by kind
        self.bytes = collections.Counter()         # by kind
        self.is_exact = True
        self._slabs = {}  # by granule: the heap and the size class
        for run in self.heap.runs():
            self._count_run(run)
        for owner in self.heap.heaps:
            self._count_free(owner)

    def _count_run(self, run):
        record = at(run, "Run")
        kind = name_of(record["kind"])
        if kind == "mapping" and int(at(run, "LargeRun")["tract"]) != 0:
            kind = "tract"
        self.runs[kind] += 1
        if kind in ("pages", "tract", "mapping"):
            self.bytes[kind] += number(at(run, "LargeRun")["bytes"])
        if kind != "slab":
            return
        slab = SlabView(at(run, "Slab"))
        totals = self.classes[slab.size_class]
        totals.slabs += 1
        totals.capacity += slab.capacity
        totals.carved += slab.carved
        totals.free += slab.freed_count
        self.bytes_in_use[slab.heap] += slab.out * slab.block_bytes
        first = slab.start // heap_reader.GRANULE_BYTES
        for granule in range(first, first + slab.granules):
            self._slabs[granule] = slab.heap, slab.size_class
        self._take(slab.heap, slab.size_class, slab.returned_count)

    def _count_free(self, owner):
        """Takes from the blocks that are out of their slabs those that a heap has at hand or that are on their way home."""
        record = at(owner, "ThreadHeap")
        first, last = record["bins_"].type.range()
        lists = [found for size_class in range(first, last + 1) for _, found in self.heap.at_hand(owner, size_class)]
        lists.append(mail(number(record["remote_"]), 1 << 20))
        self.is_exact = self.is_exact and all(found.is_whole for found in lists)
        for block in [block for found in lists for block in found.blocks] + [block for block, _ in self.heap.gathered(owner)]:
            # Whoever has it at hand, it counts where its slab is.
            if block // heap_reader.GRANULE_BYTES in self._slabs:
                self._take(*self._slabs[block // heap_reader.GRANULE_BYTES], 1)
            else:
                self.is_exact = False

    def _take(self, owner, size_class, blocks):
        if blocks == 0:
            return
        self.classes[size_class].waiting += blocks
        self.bytes_in_use[owner] -= blocks * heap_reader.block_bytes_of(size_class)

    def print(self):
        self._print_segments()
        self._print_large()
        self._print_classes()
        self._print_heaps()
        if not self.is_exact:
            print("some lists of free blocks are broken or were being changed: the counts of blocks in use are too high")

    def _print_segments(self):
        segments = list(self.heap.segments())
        committed = sum(number(segment["committed"]) for segment in segments) * heap_reader.GRANULE_BYTES
        free = dirty = 0
        for segment in segments:
            usable = (1 << number(segment["committed"])) - 1
            free += bin(number(segment["free_granules"]) & usable).count("1")
            dirty += bin(number(segment["dirty"])).count("1")
        print(f"segments   {len(segments)} of {human(heap_reader.SEGMENT_BYTES)}, {human(committed)} committed; "
              f"{counted(free, 'granule')} of those free ({human(free * heap_reader.GRANULE_BYTES)}), {dirty} not purged")

    def _print_large(self):
        print(f"large      {self.runs['pages']} in segments, {human(self.bytes['pages'])}; "
              f"{self.runs['tract']} in tracts, {human(self.bytes['tract'])}; "
              f"{self.runs['mapping']} with mappings of their own, {human(self.bytes['mapping'])}")
        kept = self.heap.kept_mappings()
        if kept is not None:
            kept += [row for tract in self.heap.tracts() or () for row in self.heap.dirty_rows(tract)]
        kept_text = "not to be told" if kept is None else f"{len(kept)}, {human(sum(count for _, count in kept))}"
        print(f"kept       places of freed blocks: {kept_text}")
        print(f"chunks     {self.runs['bump']} of task arenas, {self.runs['emergency']} for signal handlers")

    def _print_classes(self):
        if not self.classes:
            return
        print(f"\n{'class':>5} {'bytes':>6} {'slabs':>6} {'blocks':>8} {'in use':>8} {'free':>8} {'cached':>8}")
        for size_class, totals in sorted(self.classes.items()):
            print(f"{size_class:>5} {heap_reader.block_bytes_of(size_class):>6} {totals.slabs:>6} {totals.capacity:>8} "
                  f"{totals.in_use:>8} {totals.free:>8} {totals.waiting:>8}")

    def _print_heaps(self):
        print(f"\n{'heap':<18} {'stage':<9} {'in use':>11}  thread")
        for owner in reversed(self.heap.heaps):
            words_of_owner = Owner(self.heap, owner)
            print(f"{owner:<#18x} {words_of_owner.stage:<9} {human(self.bytes_in_use[owner]):>11}  "
                  f"{words_of_owner.thread or '-'}")


# ---- commands ----


class BursarCommand(gdb.Command):
    """Reads bursar's heap in this process or core file."""

    def __init__(self):
        super().__init__("bursar", gdb.COMMAND_DATA, prefix=True)


class WhoseCommand(gdb.Command):
    """bursar whose ADDRESS: which block an address lies in, whether it is free, and whose it is.

ADDRESS is any expression."""

    def __init__(self):
        super().__init__("bursar whose", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        del from_tty
        if not argument:
            raise gdb.GdbError("bursar whose ADDRESS: which address?")
        address = int(gdb.parse_and_eval(argument).cast(gdb.lookup_type("unsigned long")))
        print(whose(address))


class HeapCommand(gdb.Command):
    """bursar heap: segments, large blocks, slabs by size class, and the heaps of all threads."""

    def __init__(self):
        super().__init__("bursar heap", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        del argument, from_tty
        Summary().print()


BursarCommand()
WhoseCommand()
HeapCommand()
