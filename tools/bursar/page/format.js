// Numbers as people read them.

const binary = ["B", "KiB", "MiB", "GiB", "TiB"];
const decimal = ["", " k", " M", " G", " T"];

function scaled(value, base, units, separator) {
  let unit = 0;
  let size = Math.abs(value);
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit += 1;
  }
  // 1023.9 KiB would round to 1024: it is the next unit's 1.
  if (Math.round(size) >= base && unit < units.length - 1) {
    size /= base;
    unit += 1;
  }
  const digits = unit === 0 ? (Number.isInteger(size) || size >= 100 ? 0 : 1) : size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${value < 0 ? "-" : ""}${size.toFixed(digits)}${separator}${units[unit]}`;
}

export function bytes(value) {
  return scaled(value, 1024, binary, " ");
}

/** Exact, for tables. */
export function count(value) {
  return value.toLocaleString("en-US");
}

/** Three digits, for places where the exact number would only flicker. */
export function about(value) {
  return Math.abs(value) < 10000 ? count(Math.round(value * (Math.abs(value) < 10 ? 10 : 1)) / (Math.abs(value) < 10 ? 10 : 1))
    : scaled(value, 1000, decimal, "");
}

export function duration(ns) {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
  if (ns < 60e9) return `${(ns / 1e9).toPrecision(3)} s`;
  const seconds = Math.floor(ns / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
}

export function clock(unixMs) {
  return new Date(unixMs).toLocaleTimeString("en-GB");
}

/** The last part of a path. */
export function baseName(path) {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}
