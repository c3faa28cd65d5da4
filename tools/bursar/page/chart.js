// One line over time, drawn as SVG.

const svgNamespace = "http://www.w3.org/2000/svg";
const height = 150;
const top = 14;
const bottom = 20;
const marksMax = 4;
const spansMs = [60000, 120000, 300000, 600000];
const gapMsMax = 15000; // beyond, the line is broken: nothing was measured in between
const dotsMax = 40; // with so few points they are drawn, because a lone one is no line

function element(name, attributes, parent) {
  const made = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

/** The distance of the marks: a round number in the unit that the values are told in, as small as marksMax of them reach the value. */
function markStep(value, isBytes) {
  const unit = isBytes ? 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(value, 1)) / 10)) : 1;
  const least = Math.max(value / marksMax / unit, isBytes ? 0.25 : 0.5);
  const scale = 10 ** Math.floor(Math.log10(least));
  return unit * scale * [1, 2, 2.5, 5, 10].find((step) => step * scale >= least);
}

export class Chart {
  /** `figure` becomes the chart; `tell` makes text of a value. */
  constructor(parent, { name, title, tell, isBytes }) {
    this.title = title;
    this.tell = tell;
    this.isBytes = isBytes;
    this.points = [];
    this.chosen = null;
    const figure = document.createElement("figure");
    figure.className = name;
    const caption = document.createElement("figcaption");
    const label = document.createElement("span");
    label.textContent = title;
    this.output = document.createElement("output");
    this.output.setAttribute("aria-live", "off");
    caption.append(label, this.output);
    this.svg = element("svg", { role: "img", tabindex: "0" });
    figure.append(caption, this.svg);
    parent.append(figure);
    this.listen();
  }

  listen() {
    this.svg.addEventListener("pointermove", (event) => this.chooseNear(event.offsetX));
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined || this.points.length === 0) return;
      event.preventDefault();
      const last = this.points.length - 1;
      const from = this.chosen === null ? last : this.points.findIndex((point) => point.ms >= this.chosen);
      this.choose(this.points[Math.min(last, Math.max(0, (from < 0 ? last : from) + step))].ms);
      this.output.setAttribute("aria-live", "polite");
    });
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  /** Points are {ms, value}, ascending; the chart ends at `endMs`, and is no longer than what there is to see. */
  show(points, endMs, spanMsMax) {
    this.points = points.filter((point) => point.ms >= endMs - spanMsMax);
    this.endMs = endMs;
    const needed = this.points.length === 0 ? 0 : endMs - this.points[0].ms;
    this.spanMs = Math.min(spanMsMax, spansMs.find((span) => span >= needed) ?? spanMsMax);
    this.draw();
  }

  choose(ms) {
    this.chosen = ms;
    if (ms === null) this.output.setAttribute("aria-live", "off");
    this.draw();
  }

  chooseNear(x) {
    let nearest = null;
    for (const point of this.points) {
      const distance = Math.abs(this.x(point.ms) - x);
      if (nearest === null || distance < nearest.distance) nearest = { distance, ms: point.ms };
    }
    this.choose(nearest?.ms ?? null);
  }

  x(ms) {
    return this.width - (this.endMs - ms) / this.spanMs * this.width;
  }

  y(value) {
    return height - bottom - value / this.highest * (height - top - bottom);
  }

  draw() {
    this.width = this.svg.clientWidth;
    if (this.width === 0 || this.endMs === undefined) return;
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    const values = this.points.map((point) => point.value);
    const highest = Math.max(0, ...values);
    this.step = markStep(highest, this.isBytes);
    this.highest = this.step * Math.max(1, Math.ceil(highest / this.step));
    this.drawGrid();
    this.drawLine();
    this.drawLabels();
    this.drawChosen();
    const last = values.at(-1);
    this.svg.setAttribute("aria-label", last === undefined ? `${this.title}: nothing measured`
      : `${this.title}: now ${this.tell(last)}, lowest ${this.tell(Math.min(...values))}, highest ${this.tell(Math.max(...values))}`);
  }

  drawGrid() {
    for (let value = 0; value <= this.highest; value += this.step) {
      const y = this.y(value);
      element("line", { class: "grid", x1: 0, x2: this.width, y1: y, y2: y }, this.svg);
    }
  }

  /** Above the line, with a border of the ground's colour, so that they can be read on it. */
  drawLabels() {
    for (let value = this.step; value <= this.highest; value += this.step) {
      element("text", { x: 0, y: this.y(value) - 3 }, this.svg).textContent = this.tell(value);
    }
    const step = this.spanMs / (this.width < 360 ? 2 : this.spanMs === 120000 ? 4 : 5);
    for (let ago = this.spanMs; ago >= 0; ago -= step) {
      const anchor = ago === this.spanMs ? "start" : ago === 0 ? "end" : "middle";
      const text = ago === 0 ? "now" : ago % 60000 ? `\u2212${ago / 1000} s` : `\u2212${ago / 60000} min`;
      element("text", { x: this.x(this.endMs - ago), y: height - 5, "text-anchor": anchor }, this.svg).textContent = text;
    }
  }

  drawLine() {
    if (this.points.length === 0) {
      element("text", { x: this.width / 2, y: height / 2, "text-anchor": "middle" }, this.svg).textContent = "nothing yet";
    }
    const runs = [];
    for (const point of this.points) {
      const run = runs.at(-1);
      if (run && point.ms - run.at(-1).ms <= gapMsMax) run.push(point);
      else runs.push([point]);
    }
    for (const run of runs) {
      const path = run.map((point, i) => `${i ? "L" : "M"}${this.x(point.ms).toFixed(1)} ${this.y(point.value).toFixed(1)}`).join("");
      const ground = this.y(0);
      element("path", { class: "area", d: `${path}L${this.x(run.at(-1).ms).toFixed(1)} ${ground}L${this.x(run[0].ms).toFixed(1)} ${ground}Z` }, this.svg);
      element("path", { class: "line", d: path }, this.svg);
    }
    if (this.points.length > dotsMax) return;
    for (const point of this.points) element("circle", { class: "dot", cx: this.x(point.ms), cy: this.y(point.value), r: 2 }, this.svg);
  }

  drawChosen() {
    const point = this.chosen === null ? undefined : this.points.find((each) => each.ms >= this.chosen);
    const shown = point ?? this.points.at(-1);
    if (point) {
      const x = this.x(point.ms);
      element("line", { class: "cross", x1: x, x2: x, y1: top, y2: height - bottom }, this.svg);
      element("circle", { class: "dot", cx: x, cy: this.y(point.value), r: 3.5 }, this.svg);
    }
    const at = point ? `, ${new Date(point.ms).toLocaleTimeString("en-GB")}` : "";
    this.output.textContent = shown ? this.tell(shown.value) + at : "–";
  }
}
