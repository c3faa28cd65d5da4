// Tables that can be sorted, and that change in place: a selection or the focus survives new figures.

export class Table {
  /** `columns` are {name, group, title, value, text, isNumber, hasBar}; the first one heads its row. Neighbours of one group have a
   * common heading. Without `sort` rows stay as they come. */
  constructor(parent, { id, heading, note, nothing, columns, sort }) {
    this.columns = columns;
    this.sort = sort ?? null;
    this.rows = [];
    const section = document.createElement("section");
    section.id = id;
    const line = document.createElement("div");
    line.className = "heading";
    const title = document.createElement("h3");
    title.id = `${id}-heading`;
    title.textContent = heading;
    this.note = document.createElement("p");
    this.note.className = "quiet";
    this.noteText = note ?? "";
    line.append(title, this.note);
    this.frame = document.createElement("div");
    this.frame.className = "table";
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "region");
    this.frame.setAttribute("aria-labelledby", title.id);
    this.nothing = document.createElement("p");
    this.nothing.className = "nothing quiet";
    this.nothing.textContent = nothing;
    this.table = document.createElement("table");
    this.table.setAttribute("aria-labelledby", title.id);
    this.body = document.createElement("tbody");
    this.table.append(this.makeHead(), this.body);
    this.frame.append(this.nothing, this.table);
    section.append(line, this.frame);
    parent.append(section);
    this.draw();
  }

  makeHead() {
    const head = document.createElement("thead");
    if (this.columns.some((column) => column.group)) this.addGroups(head.insertRow());
    const row = head.insertRow();
    this.heads = this.columns.map((column, index) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      if (column.isNumber) cell.className = "number";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = column.name;
      if (column.title) button.title = column.title;
      if (column.group) button.setAttribute("aria-label", `${column.group}, ${column.name}`);
      cell.classList.toggle("first", Boolean(column.group) && column.group !== this.columns[index - 1]?.group);
      button.addEventListener("click", () => this.sortBy(index));
      cell.append(button);
      row.append(cell);
      return cell;
    });
    return head;
  }

  addGroups(row) {
    row.className = "groups";
    let last = null;
    for (const { group = "" } of this.columns) {
      if (last && last.textContent === group) {
        last.colSpan += 1;
        continue;
      }
      last = document.createElement(group ? "th" : "td");
      if (group) last.scope = "colgroup";
      last.textContent = group;
      row.append(last);
    }
  }

  /** Numbers go down first, names up. */
  sortBy(index) {
    const isSame = this.sort?.index === index;
    this.sort = { index, isDescending: isSame ? !this.sort.isDescending : Boolean(this.columns[index].isNumber) };
    this.draw();
  }

  /** `count` tells how many rows there are where not all were sent. */
  show({ rows, count }) {
    this.rows = rows;
    this.note.textContent = count > rows.length ? `${rows.length} of ${count.toLocaleString("en-US")}` : this.noteText;
    this.draw();
  }

  sorted() {
    if (!this.sort) return this.rows;
    const { value } = this.columns[this.sort.index];
    const sign = this.sort.isDescending ? -1 : 1;
    const compare = (left, right) => typeof left === "string" ? left.localeCompare(right) : left - right;
    return [...this.rows].sort((left, right) => sign * compare(value(left), value(right)));
  }

  draw() {
    this.heads.forEach((head, index) => {
      if (this.sort?.index === index) head.setAttribute("aria-sort", this.sort.isDescending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const rows = this.sorted();
    this.nothing.hidden = rows.length > 0;
    this.table.hidden = rows.length === 0;
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1);
    while (this.body.rows.length < rows.length) this.addRow();
    const highest = this.columns.map((column) => column.hasBar ? Math.max(1, ...rows.map(column.value)) : 0);
    rows.forEach((row, number) => {
      const { cells } = this.body.rows[number];
      this.columns.forEach((column, index) => this.fill(cells[index], column, row, highest[index]));
    });
  }

  addRow() {
    const row = this.body.insertRow();
    this.columns.forEach((column, index) => {
      const cell = document.createElement(index === 0 ? "th" : "td");
      if (index === 0) cell.scope = "row";
      cell.classList.toggle("number", Boolean(column.isNumber));
      cell.classList.toggle("bar", Boolean(column.hasBar));
      cell.classList.toggle("first", Boolean(column.group) && column.group !== this.columns[index - 1]?.group);
      row.append(cell);
    });
  }

  /** Names come from other programs: they are text, never markup. */
  fill(cell, column, row, highest) {
    const text = (column.text ?? column.value)(row);
    if (cell.textContent !== text) cell.textContent = text;
    if (!column.isNumber) cell.title = text;
    if (column.hasBar) cell.style.setProperty("--share", (column.value(row) / highest).toFixed(4));
  }
}
