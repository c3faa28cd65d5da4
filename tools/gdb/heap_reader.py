"""Reads bursar's heap in a process or core file that gdb has open, without calling anything in it.

All knowledge of the heap's layout comes from the library's debug information, but for the sizes of units.h and
size_class.h, which stand here once more (tests/gdb compares them).
"""

import collections
import re
import struct

import gdb

GRANULE_BYTES = 32 * 1024
SEGMENT_BYTES = 2 * 1024 * 1024
SEGMENT_GRANULES = SEGMENT_BYTES // GRANULE_BYTES
PIECE_ENTRIES = 8192
TRACT_BYTES = 1024 * 1024 * 1024
BUMP_FREED = 0

SMALL_CLASS_MAX = 64
MAIL_IS_PARCEL = 1
PAGE_MAP_HEADER_BYTES = 64 * 1024

Chain = collections.namedtuple("Chain", "blocks is_whole")
ThreadView = collections.namedtuple("ThreadView", "label heap chunk is_inside")


class BrokenHeap(gdb.GdbError):
    """Something that must hold in a heap does not; the message says what."""


def block_bytes_of(size_class):
    """As block_bytes_of in size_class.h."""
    if size_class <= SMALL_CLASS_MAX:
        return size_class * 16
    above = size_class - SMALL_CLASS_MAX - 1
    return (above % 8 + 9) << (above // 8 + 7)


def find_symbol(name):
    return gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)


def variable(name):
    """The variable's value; tells what is missing when there is none."""
    symbol = find_symbol("bursar::" + name)
    if symbol is None:
        raise gdb.GdbError(f"no variable bursar::{name}: is libbursar loaded, with debug information?")
    return symbol.value()


def hidden_address(linkage_name):
    """Where a variable lies of which the debug information says nothing but the symbol table does; None if neither."""
    for name in (linkage_name, linkage_name + ".lto_priv.0"):
        try:
            answer = gdb.execute(f"info line {name}", to_string=True)
        except gdb.error:
            continue
        found = re.search(r"address (0x[0-9a-f]+) <" + re.escape(name) + ">", answer)
        if found:
            return int(found[1], 16)
    return None


def type_of(name):
    return gdb.lookup_type("bursar::" + name)


def at(address, type_name):
    """The record of a type at an address."""
    return gdb.Value(address).cast(type_of(type_name).pointer()).dereference()


def read(address, count):
    return gdb.selected_inferior().read_memory(address, count).tobytes()


def words(address, count):
    return struct.unpack(f"<{count}Q", read(address, 8 * count))


def number(value):
    """The integer in a field, through std::atomic and enumerations alike."""
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        data = read(int(value.address), kind.sizeof)
        return int.from_bytes(data, "little", signed=bool(re.search(r"<int>", str(kind))))
    return int(value)


def name_of(value):
    """The name of an enumerator, without its type."""
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        field = value.type.template_argument(0)
        value = gdb.Value(number(value)).cast(field)
    return str(value).rsplit("::", 1)[-1]


def chain(first, blocks_max, last=0):
    """The blocks linked from `first` on, to `last` or to a null; not whole when it breaks off, runs in a circle or exceeds
    `blocks_max`."""
    blocks = []
    seen = set()
    while first != 0:
        if first in seen or len(blocks) == blocks_max:
            return Chain(blocks, False)
        seen.add(first)
        blocks.append(first)
        if first == last:
            return Chain(blocks, True)
        try:
            first, = words(first, 1)
        except gdb.MemoryError:
            return Chain(blocks, False)
    return Chain(blocks, last == 0)


def parcel_blocks(parcel):
    """The blocks of a parcel (thread_heap.h), those that are entered."""
    blocks = parcel["blocks"]
    count = min(number(parcel["count"]), blocks.type.range()[1] + 1)
    return list(words(int(blocks.address), count))


def mail(first, items_max):
    """The blocks that wait for a heap to take them in: `first` and what it links to are blocks and parcels of blocks."""
    blocks = []
    seen = set()
    while first != 0:
        if first in seen or len(seen) == items_max:
            return Chain(blocks, False)
        seen.add(first)
        try:
            if first & MAIL_IS_PARCEL:
                parcel = at(first - MAIL_IS_PARCEL, "Parcel")
                blocks += parcel_blocks(parcel)
                first = number(parcel["next"])
            else:
                blocks.append(first)
                first, = words(first, 1)
        except gdb.MemoryError:
            return Chain(blocks, False)
    return Chain(blocks, True)


class SlabView:
    """A slab's counts and lists (slab.h)."""

    def __init__(self, record):
        self.start = number(record["start"])
        self.granules = number(record["granules"])
        self.size_class = number(record["size_class"])
        self.block_bytes = block_bytes_of(self.size_class)
        self.capacity = number(record["capacity"])
        self.carved = number(record["carved"])
        self.out = number(record["countdown"]) + number(record["bias"])
        self.stage = name_of(record["stage"])
        self.heap = number(record["heap"])
        self.returned_count = number(record["returned_count"])
        self._record = record

    @property
    def freed_count(self):
        return self.carved - self.out

    def queue(self):
        """The freed blocks. The last one's link means nothing: the queue ends where `freed_last` says."""
        last = int(self._record["freed_last"])
        if last == int(self._record["freed"].address):
            return Chain([], self.freed_count == 0)
        found = chain(int(self._record["freed"]["next"]), self.capacity, last)
        return Chain(found.blocks, found.is_whole and len(found.blocks) == self.freed_count)

    def returned(self):
        """Blocks that others freed and put by."""
        return chain(int(self._record["returned"]), self.returned_count)


class Window:
    """One window of the page map (page_map.h)."""

    def __init__(self, record):
        self.base = number(record["base"])
        self.bytes = number(record["units"]) * 16
        self.header = number(record["header"])
        committed = record["committed"]
        first, last = committed.type.range()
        bits = words(int(committed.address), last - first + 1)
        self.pieces = [64 * i + bit for i, word in enumerate(bits) for bit in range(64) if word >> bit & 1]

    def entries(self, piece):
        """The records of a piece's granules, 0 where there is none."""
        return self._records(piece * PIECE_ENTRIES, PIECE_ENTRIES)

    def _records(self, granule, count):
        found = words(self.header + PAGE_MAP_HEADER_BYTES + 8 * granule, count)
        return [word and self.header + word & 0xFFFFFFFFFFFFFFFF for word in found]

    def holds(self, address):
        return 0 <= address - self.base < self.bytes

    def run_of(self, address):
        granule = (address - self.base) // GRANULE_BYTES
        if granule // PIECE_ENTRIES not in self.pieces:
            return 0
        return self._records(granule, 1)[0]

    def run_below(self, address):
        """The record of the nearest run that starts at or below the address; 0 when there is none."""
        granule = (address - self.base) // GRANULE_BYTES
        for piece in reversed([piece for piece in self.pieces if piece <= granule // PIECE_ENTRIES]):
            entries = self.entries(piece)
            if piece == granule // PIECE_ENTRIES:
                entries = entries[:granule % PIECE_ENTRIES + 1]
            for run in reversed(entries):
                if run != 0:
                    return run
        return 0


class Heap:
    """The heap of the process, as one command sees it."""

    def __init__(self):
        page_map = variable("page_map")
        count = number(page_map["window_count_"])
        if count == 0:
            raise gdb.GdbError("the heap has not been used yet")
        self.windows = [Window(page_map["windows_"][i]) for i in range(count)]
        self.heaps = self._registered_heaps()
        self.threads = self._threads()

    def run_of(self, address):
        """The record of the run that holds the address; 0 when none does."""
        for window in self.windows:
            if window.holds(address):
                return window.run_of(address) or self._mapping_around(window, address)
        return 0

    def runs(self):
        """The records of all runs, each once."""
        for window in self.windows:
            last = 0
            for piece in window.pieces:
                for run in window.entries(piece):
                    if run not in (0, last):
                        last = run
                        yield run

    def segments(self):
        """All segments of the depot."""
        shelves = variable("depot")["shelves_"]
        first, last = shelves.type.range()
        for shelf in range(first, last + 1):
            segment = shelves[shelf]
            while int(segment) != 0:
                yield segment.dereference()
                segment = segment["next"]

    def thread_of(self, heap):
        """Which living thread owns the heap, in gdb's words; None when none is known to."""
        for view in self.threads:
            if view.heap == heap:
                return view.label
        return None

    def gathered(self, target):
        """Blocks on their way to the heap `target`, with the heap that gathered each."""
        for heap in self.heaps:
            batches = at(heap, "ThreadHeap")["gathered_"]
            first, last = batches.type.range()
            for i in range(first, last + 1):
                if int(batches[i]["target"]) == target:
                    for block in self._blocks_of(batches[i]):
                        yield block, heap

    @staticmethod
    def _blocks_of(batch):
        if int(batch["parcel"]) != 0:
            return parcel_blocks(batch["parcel"].dereference())
        return chain(int(batch["chain"]["first"]), number(batch["chain"]["count"])).blocks

    @staticmethod
    def at_hand(heap, size_class):
        """What a heap serves next of a class, its own blocks and those of other heaps: (where, chain) of each list."""
        record = at(heap, "ThreadHeap")
        firsts = {"bin": record["bins_"][size_class]["head"], "rest": record["rest_"][size_class],
                  "strays": record["strays_"][size_class]["first"]}
        return [(where, chain(int(first), 1 << 16)) for where, first in firsts.items()]

    def kept_mappings(self):
        """(start, bytes) of freed mappings kept for reuse; None when that cannot be told."""
        address = hidden_address("_ZN6bursar5large12_GLOBAL__N_15cacheE")
        if address is None:
            return None
        entries = at(address, "MappingCache")["entries_"]
        first, last = entries.type.range()
        pairs = [entries[i]["mapping"] for i in range(first, last + 1)]
        return [(number(pair["start"]), number(pair["bytes"])) for pair in pairs if number(pair["start"]) != 0]

    def tracts(self):
        """All tracts of large blocks; None when that cannot be told."""
        address = hidden_address("_ZN6bursar5large12_GLOBAL__N_16tractsE")
        if address is None:
            return None
        found = []
        tract = at(address, "Tracts")["tracts_"]
        while int(tract) != 0:
            found.append(tract.dereference())
            tract = tract["next"]
        return found

    @staticmethod
    def dirty_rows(tract):
        """(start, bytes) of neighbouring free granules that were not purged."""
        words = tract["dirty"]["words_"]
        committed = number(tract["committed"])
        rows = []
        begin = None
        for granule in range(committed + 1):
            is_dirty = granule < committed and int(words[granule // 64]) >> granule % 64 & 1
            if is_dirty and begin is None:
                begin = granule
            elif not is_dirty and begin is not None:
                start = number(tract["start"]) + begin * GRANULE_BYTES
                rows.append((start, (granule - begin) * GRANULE_BYTES))
                begin = None
        return rows

    def _mapping_around(self, window, address):
        """A mapping is entered in the page map with its first granule only (large.cpp)."""
        run = window.run_below(address)
        if run == 0 or name_of(at(run, "Run")["kind"]) != "mapping":
            return 0
        record = at(run, "LargeRun")
        return run if address - number(record["start"]) < number(record["bytes"]) else 0

    def _registered_heaps(self):
        heaps = []
        heap = number(variable("heap_registry")["all_"])
        while heap != 0 and heap not in heaps:
            heaps.append(heap)
            heap = int(at(heap, "ThreadHeap")["next_registered"])
        return heaps

    @staticmethod
    def _threads():
        """What each thread's few words of thread-local storage say; nothing where gdb cannot find them."""
        views = []
        selected = gdb.selected_thread()
        if selected is None:
            return views
        try:
            for thread in gdb.selected_inferior().threads():
                thread.switch()
                try:
                    words_of_thread = variable("thread")
                    words_of_thread.fetch_lazy()
                except gdb.error:
                    continue
                label = f"thread {thread.num}"
                if thread.name:
                    label += f" ({thread.name})"
                views.append(ThreadView(label, int(words_of_thread["heap"]), int(words_of_thread["chunk"]),
                                        bool(words_of_thread["is_inside"])))
        finally:
            selected.switch()
        return views
