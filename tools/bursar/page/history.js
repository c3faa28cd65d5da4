// The samples of one ledger over the last minutes, column by column.

const samplesMax = 600;

export class History {
  constructor() {
    this.columns = { unix_ms: [], live_bytes: [], rss_bytes: [], allocations: [], tasks_ended: [], task_allocations: [] };
  }

  add(columns) {
    for (const [name, values] of Object.entries(this.columns)) {
      values.push(...columns[name]);
      values.splice(0, values.length - samplesMax);
    }
  }

  /** When the last sample was taken; undefined where there is none. */
  endMs() {
    return this.columns.unix_ms.at(-1);
  }

  plain(name) {
    return this.columns[name].map((value, i) => ({ ms: this.columns.unix_ms[i], value }));
  }

  /** How much a counter grew a second, from each sample to the next. */
  rate(name) {
    const { unix_ms: ms } = this.columns;
    return this.columns[name].flatMap((value, i, all) =>
      i === 0 || ms[i] <= ms[i - 1] ? [] : [{ ms: ms[i], value: Math.max(0, value - all[i - 1]) * 1000 / (ms[i] - ms[i - 1]) }]);
  }

  /** By how much one counter grew for each step of another; nothing where that did not move. */
  ratio(above, below) {
    const { unix_ms: ms, [above]: parts, [below]: wholes } = this.columns;
    return wholes.flatMap((whole, i) =>
      i === 0 || whole <= wholes[i - 1] ? [] : [{ ms: ms[i], value: (parts[i] - parts[i - 1]) / (whole - wholes[i - 1]) }]);
  }

  /** The same since the start of the process; null where there is none. */
  total(above, below) {
    const whole = this.columns[below].at(-1);
    return whole ? this.columns[above].at(-1) / whole : null;
  }
}
