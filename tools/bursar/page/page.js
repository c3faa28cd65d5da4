// The live page: asks for the ledgers each second and shows the chosen one.

import { Chart } from "./chart.js";
import { about, baseName, bytes, count, duration } from "./format.js";
import { History } from "./history.js";
import { Tables } from "./tables.js";

const intervalMs = 1000;
const byId = (id) => document.getElementById(id);

const charts = [
  { name: "live", title: "Live heap", tell: bytes, isBytes: true, points: (history) => history.plain("live_bytes") },
  { name: "rss", title: "Resident memory (RSS)", tell: bytes, isBytes: true, points: (history) => history.plain("rss_bytes") },
  { name: "rate", title: "Allocations per second", tell: about, points: (history) => history.rate("allocations") },
  { name: "per-task", title: "Allocations per ended task", tell: about, points: (history) => history.ratio("task_allocations", "tasks_ended") },
].map((options) => ({ ...options, chart: new Chart(byId("charts"), options) }));
const tables = new Tables(byId("tables"));

let histories = new Map();
let chosen = location.hash.slice(1);
let shown = null;
let isPaused = false;

async function ask(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function textElement(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Links stay the same elements, so that the focus is not lost each second. */
function showProcesses({ ledgers, unreadable, of_others: ofOthers, left_out: leftOut }) {
  const links = new Map([...document.querySelectorAll("nav ul a")].map((link) => [link.hash.slice(1), link]));
  const itemOf = (ledger) => {
    const item = links.get(ledger.id)?.parentElement ?? makeProcessItem(ledger.id);
    fillProcessItem(item.firstElementChild, ledger);
    return item;
  };
  const running = ledgers.filter((ledger) => ledger.is_alive);
  const ended = ledgers.filter((ledger) => !ledger.is_alive);
  fillList(byId("running-processes"), running.map(itemOf));
  fillList(byId("ended-processes"), ended.map(itemOf));
  byId("none-running").hidden = running.length > 0;
  byId("ended").hidden = ended.length === 0;
  byId("ended").querySelector("summary").textContent = `Exited or gone (${count(ended.length)})`;
  byId("left-out").hidden = leftOut === 0;
  byId("left-out").textContent = `${count(leftOut)} older ones are left out.`;
  byId("of-others").hidden = ofOthers === 0;
  byId("of-others").textContent = `${count(ofOthers)} that belong${ofOthers === 1 ? "s" : ""} to other users cannot be read.`;
  const details = byId("unreadable");
  details.hidden = unreadable.length === 0;
  details.querySelector("summary").textContent = `${count(unreadable.length)} could not be read`;
  details.querySelector("ul").replaceChildren(...unreadable.map(({ fault }) => textElement("li", "", fault)));
}

function fillList(list, items) {
  const isSame = items.length === list.children.length && items.every((item, i) => item === list.children[i]);
  if (!isSame) list.replaceChildren(...items);
}

function makeProcessItem(id) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `#${id}`;
  for (const part of ["state", "name", "bytes", "more"]) link.append(textElement("span", part, ""));
  item.append(link);
  return item;
}

function fillProcessItem(link, ledger) {
  const [state, name, size, more] = link.children;
  state.className = `state ${ledger.state}`;
  name.textContent = baseName(ledger.program);
  size.textContent = bytes(ledger.live_bytes);
  more.textContent = `${states[ledger.state] ?? ledger.state}, process ${ledger.process_id}`;
  link.title = ledger.program;
  if (ledger.id === chosen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

function showTiles(ledger, history) {
  const ratePoint = history.rate("allocations").at(-1);
  const perTask = history.total("task_allocations", "tasks_ended");
  const tiles = [
    ["Live heap", bytes(ledger.live_bytes), `${count(ledger.live_blocks)} block${ledger.live_blocks === 1 ? "" : "s"}`],
    ["Peak heap", bytes(ledger.peak_live_bytes), ledger.peak_live_ns === null ? "" : `after ${duration(ledger.peak_live_ns)}`],
    ["Resident (RSS)", ledger.is_alive ? bytes(ledger.rss_bytes) : "–", `highest ${bytes(ledger.peak_rss_bytes)}`],
    ["Allocations", about(ledger.allocations), ratePoint && ledger.is_alive ? `${about(ratePoint.value)} a second` : ""],
    ["Tasks ended", about(ledger.tasks_ended), perTask === null ? "" : `${about(perTask)} allocations each`],
    ["Threads", count(ledger.threads), ledger.refused_allocations ? `${count(ledger.refused_allocations)} allocations refused` : ""],
  ];
  const list = byId("tiles");
  if (list.children.length !== tiles.length) {
    list.replaceChildren(...tiles.map(() => {
      const tile = document.createElement("div");
      const value = document.createElement("dd");
      value.append(document.createElement("span"), document.createElement("small"));
      tile.append(document.createElement("dt"), value);
      return tile;
    }));
  }
  tiles.forEach(([name, value, more], i) => {
    const [term, definition] = list.children[i].children;
    term.textContent = name;
    definition.children[0].textContent = value;
    definition.children[1].textContent = more;
  });
}

const states = { replaced: "replaced by exec", dropped: "account dropped" };
const sources = { api: "tasks that the program declares", thread: "a task for each thread", process: "the process is one task", loop: "a task for each turn of an event loop" };

function showLedger(ledger) {
  const history = histories.get(ledger.id);
  const name = baseName(ledger.program);
  document.title = `${name} (${ledger.process_id}) – bursar`;
  byId("title").textContent = name;
  const time = ledger.wall_ns === 0 ? "" : ledger.is_alive ? ` for ${duration(ledger.wall_ns)}` : ` after ${duration(ledger.wall_ns)}`;
  byId("facts").textContent = `Process ${ledger.process_id}, ${states[ledger.state] ?? ledger.state}${time}; ${sources[ledger.task_source]}; ${ledger.program}`;
  showTiles(ledger, history);
  const spanMs = Number(byId("span").value) * 1000;
  const endMs = ledger.is_alive ? ledger.unix_ms : history.endMs() ?? ledger.unix_ms;
  for (const { chart, points } of charts) chart.show(points(history), endMs, spanMs);
  tables.show(ledger);
}

async function refresh() {
  const all = await ask("/api/ledgers");
  if (!all.ledgers.some((ledger) => ledger.id === chosen)) chosen = all.ledgers[0]?.id ?? "";
  histories = new Map([...histories].filter(([id]) => all.ledgers.some((ledger) => ledger.id === id)));
  showProcesses(all);
  byId("empty").hidden = chosen !== "";
  byId("process").hidden = chosen === "";
  if (chosen === "") return;
  if (!histories.has(chosen)) histories.set(chosen, new History());
  const history = histories.get(chosen);
  const ledger = await ask(`/api/ledger?id=${encodeURIComponent(chosen)}&since=${history.endMs() ?? 0}`);
  history.add(ledger.history);
  shown = ledger;
  if (ledger.id === chosen) showLedger(ledger);
}

let isRefreshing = false;

async function tick() {
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    await refresh();
    byId("lost").hidden = true;
  } catch (error) {
    const lost = byId("lost");
    if (lost.hidden) lost.textContent = "The server does not answer; trying again.";
    lost.hidden = false;
    console.warn(error);
  } finally {
    isRefreshing = false;
  }
}

byId("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) tick();
});
byId("span").addEventListener("change", () => shown && showLedger(shown));
addEventListener("hashchange", () => {
  if (location.hash === "#figures") return;
  chosen = location.hash.slice(1);
  tick();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && !isPaused) tick(); });
setInterval(() => { if (!isPaused && !document.hidden) tick(); }, intervalMs);
tick();
