// Which tables there are, and what stands in them.

import { bytes, count, duration } from "./format.js";
import { Table } from "./table.js";

const number = (name, value, text, more = {}) => ({ name, value, text: (row) => text(value(row)), isNumber: true, ...more });

/** Nothing is told of tasks where none has ended. */
const ofEnded = (text) => (value) => value === null ? "–" : text(value);

const perTask = (group, key, text) => [["median", "median", "half of the tasks had at most so much"],
  ["p99", "p99", "99 of 100 tasks had at most so much"], ["highest", "highest", "the most of a single task"]].map(([name, part, meaning]) =>
  number(name, (row) => row.tasks_ended === 0 ? null : row[key][part], ofEnded(text), { group, title: `${group}: ${meaning}` }));

const kindColumns = [
  { name: "Kind", value: (row) => row.name },
  number("ended", (row) => row.tasks_ended, count, { group: "Tasks" }),
  number("running", (row) => row.tasks_running, count, { group: "Tasks" }),
  number("live", (row) => row.live_bytes, bytes, { group: "Heap", title: "Bytes that are not freed", hasBar: true }),
  number("retained", (row) => row.retained_bytes, ofEnded(bytes), { group: "Heap", title: "Bytes still live of tasks that have ended" }),
  number("handed out", (row) => row.allocated_bytes, bytes, { group: "Heap", title: "Bytes handed out so far", hasBar: true }),
  ...perTask("Allocations per task", "allocations_per_task", count),
  ...perTask("Peak per task", "peak_live_bytes_per_task", bytes),
  ...perTask("Time per task", "wall_ns_per_task", duration),
  number("refused", (row) => row.refused_allocations, count, { group: "Budget", title: "Allocations that a budget did not allow" }),
];

const taskColumns = [
  { name: "Task", value: (row) => row.label ? `${row.kind}: ${row.label}` : row.kind },
  { name: "State", value: (row) => row.is_running ? "running" : "ended" },
  number("Peak", (row) => row.peak_live_bytes, bytes, { hasBar: true }),
  number("Allocations", (row) => row.allocations, count, { hasBar: true }),
  number("Handed out", (row) => row.allocated_bytes, bytes),
  number("Live", (row) => row.live_bytes, bytes, { title: "Of an ended task: at its end" }),
  number("Time", (row) => row.wall_ns, duration),
  number("Begun after", (row) => row.begun_ns, duration, { title: "Since the start of the process" }),
  number("Budget", (row) => row.budget_bytes, (value) => value === 0 ? "–" : bytes(value)),
  number("Thread", (row) => row.thread_id, String),
];

const classColumns = [
  { name: "Blocks of", value: (row) => row.block_bytes, text: (row) => row.block_bytes === 0 ? "large" : `${count(row.block_bytes)} B`, isNumber: true },
  number("Allocations", (row) => row.allocations, count, { hasBar: true }),
  number("Requested", (row) => row.requested_bytes, bytes),
  number("Handed out", (row) => row.allocated_bytes, bytes),
  number("Waste", (row) => row.allocated_bytes === 0 ? 0 : 1 - row.requested_bytes / row.allocated_bytes,
    (value) => `${(Math.max(0, value) * 100).toFixed(1)} %`, { title: "Handed out, but not asked for" }),
  number("Live blocks", (row) => row.live_blocks, count),
  number("Live", (row) => row.live_bytes, bytes, { hasBar: true }),
];

const threadColumns = [
  { name: "Thread", value: (row) => row.name || "(unnamed)" },
  number("Alive", (row) => row.alive, count),
  number("Ever", (row) => row.threads, count),
  number("Allocations", (row) => row.allocations, count, { hasBar: true }),
  number("Frees", (row) => row.frees, count),
  number("Handed out", (row) => row.allocated_bytes, bytes),
  number("Freed", (row) => row.freed_bytes, bytes, { title: "By these threads, whoever allocated it" }),
];

export class Tables {
  constructor(parent) {
    this.tables = {
      kinds: new Table(parent, { id: "kinds", heading: "Task kinds", nothing: "No task has begun yet.",
        columns: kindColumns }),
      worst_by_peak: new Table(parent, { id: "worst-by-peak", heading: "Tasks with the highest peaks", nothing: "No task has ended yet.", columns: taskColumns }),
      worst_by_allocations: new Table(parent, { id: "worst-by-allocations", heading: "Tasks with the most allocations", nothing: "No task has ended yet.", columns: taskColumns }),
      running: new Table(parent, { id: "running", heading: "Running tasks", nothing: "No task runs at the moment.", columns: taskColumns }),
      size_classes: new Table(parent, { id: "size-classes", heading: "Size classes", nothing: "Nothing was allocated yet.", columns: classColumns, sort: { index: 1, isDescending: true } }),
      thread_kinds: new Table(parent, { id: "threads", heading: "Threads", note: "names that differ in digits alone are one", nothing: "No thread has allocated yet.", columns: threadColumns }),
    };
  }

  show(ledger) {
    for (const [name, table] of Object.entries(this.tables)) table.show(ledger[name]);
  }
}
