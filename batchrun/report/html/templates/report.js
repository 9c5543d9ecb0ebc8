"use strict";
// Hover, sort, filter, and pairs of axes that are not drawn yet. Everything else works without this script. Text is only
// ever set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- cells: [column, row, runs, ended, failed, median seconds, cost], by the numbers of two axes ----

function cellsOf(x, y) {
  const found = new Map();
  if (x === null) return new Map((data.pairs[y] || []).map((cell) => [`0,${cell[0]}`, cell])); // one axis, drawn downwards
  const straight = data.pairs[`${x},${y}`];
  const turned = data.pairs[`${y},${x}`];
  for (const cell of straight || []) found.set(`${cell[0]},${cell[1]}`, cell);
  for (const cell of turned || []) found.set(`${cell[1]},${cell[0]}`, [cell[1], cell[0], ...cell.slice(2)]);
  return found;
}

const valueOf = {
  f: (cell) => (cell[3] ? cell[4] / cell[3] : null),
  d: (cell) => cell[5],
  m: (cell) => cell[6],
};

const fixed = (value, digits) => // halves are rounded up, as the page itself does it
  (Math.floor(value * 10 ** digits + 0.5) / 10 ** digits).toLocaleString("en", { minimumFractionDigits: digits });

function percent(share) {
  if (share <= 0) return "0\u00a0%";
  if (share >= 1) return "100\u00a0%";
  const value = share * 100;
  return value < 1 ? "<1\u00a0%" : value > 99 ? ">99\u00a0%" : `${fixed(value, 0)}\u00a0%`;
}

function span(seconds) {
  for (const [length, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    const value = seconds / length;
    if (value >= 0.995) return `${fixed(value, value < 9.95 ? 1 : 0)} ${unit}`;
  }
  return `${fixed(seconds, seconds < 9.95 ? 1 : 0)} s`;
}

function amount(value) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size * 0.9995) return fixed(value / size, value < size * 99.5 ? 1 : 0) + unit;
  }
  return fixed(value, value >= 99.5 ? 0 : value < 1 ? 2 : 1);
}

const textOf = { f: percent, d: span, m: amount };

function scaleOf(measure, values) {
  if (measure === "f") {
    return { level: (share) => (share <= 0 ? 0 : Math.min(9, 1 + Math.floor(share * 9))), low: 0, high: 1 };
  }
  const low = values.length ? Math.min(...values) : 0;
  const high = values.length ? Math.max(...values, low * 1.5) : 1;
  const logarithmic = low > 0 && high / low > 8;
  const share = (value) => (high <= low ? 0 : logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  return { level: (value) => Math.min(9, Math.floor(share(value) * 10)), low, high };
}

// ---- drawing a pair as the page's own pictures are drawn ----

const CELL = 26, GAP = 8, LABEL = 150, NARROWEST = 7.68;
const advance = (one) => (one >= "\u2e80" || "mwMW@%".includes(one) ? 12 : one !== one.toLowerCase() ? 8.64 : NARROWEST);
const widthOf = (text) => Array.from(text).reduce((sum, one) => sum + advance(one), 0);

function clipped(all, limit) {
  if (all.length <= limit) return all.join("");
  const head = Math.floor(((limit - 1) * 2) / 3);
  return all.slice(0, head).join("") + "…" + all.slice(all.length - (limit - 1 - head)).join("");
}

function fitted(text, width) {
  const all = Array.from(text);
  let limit = Math.min(all.length, Math.max(3, Math.floor(width / NARROWEST)));
  while (limit > 3 && widthOf(clipped(all, limit)) > width) limit -= 1;
  return clipped(all, limit);
}

function draw(x, y, measure) {
  const columns = data.axes[x].bins, rows = data.axes[y].bins, cells = cellsOf(x, y);
  const left = Math.min(LABEL, Math.max(...rows.map(widthOf), widthOf(data.axes[y].name))) + GAP;
  const longest = Math.max(...columns.map(widthOf));
  const slanted = longest + GAP > 96;
  const cell = slanted ? 52 : Math.max(longest + GAP, 52);
  const label = Math.min(longest, LABEL);
  const top = 12 + GAP + (slanted ? label * 0.643 + 12 : 12) + GAP;
  const values = [...cells.values()].map(valueOf[measure]).filter((value) => value !== null);
  const scale = scaleOf(measure, values);
  const ends = [scale.low, scale.high].map(textOf[measure]);
  const overhang = slanted ? label * 0.766 - cell / 2 + 12 : 0;
  const width = left + Math.max(cell * columns.length + overhang, 196 + widthOf(ends[0]) + widthOf(ends[1]), LABEL);
  const height = top + CELL * rows.length + 34;
  const name = `${data.measures.find(([key]) => key === measure)[1]} by ${data.axes[x].name} and ${data.axes[y].name}`;
  const made = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-label": name, "data-grid": `${left} ${top} ${cell} ${CELL}` });
  made.append(svg("title", {}, name));
  made.append(svg("text", { x: left, y: 12, class: "axis" }, data.axes[x].name));
  made.append(svg("text", { x: left - GAP, y: top - GAP, class: "axis end" }, fitted(data.axes[y].name, left - GAP)));
  columns.forEach((text, i) => {
    const middle = left + cell * (i + 0.5);
    const place = slanted ? { transform: `translate(${middle} ${top - GAP}) rotate(-40)` } : { x: middle, y: top - GAP, class: "mid" };
    made.append(svg("text", place, fitted(text, slanted ? LABEL : cell)));
  });
  rows.forEach((text, i) => made.append(svg("text", { x: left - GAP, y: top + CELL * (i + 0.5), class: "end low" }, fitted(text, LABEL))));
  const grid = svg("g", { class: `cells ${measure}` });
  rows.forEach((_, row) => columns.forEach((_, column) => {
    const found = cells.get(`${column},${row}`), value = found ? valueOf[measure](found) : null;
    const px = left + cell * column, py = top + CELL * row;
    const level = value === null ? "n" : scale.level(value);
    grid.append(svg("path", { d: `M${px} ${py}h${cell}v${CELL}h-${cell}z`, class: `l${level}` }));
    if (found) grid.append(svg("text", { x: px + cell / 2, y: py + CELL / 2 }, value === null ? "–" : textOf[measure](value)));
  }));
  const at = left + widthOf(ends[0]) + GAP, middle = height - 17;
  const legend = svg("g", { class: `legend ${measure}` });
  for (let i = 0; i < 10; i++) legend.append(svg("path", { d: `M${at + 18 * i} ${middle - 6}h18v12h-18z`, class: `l${i}` }));
  made.append(grid, svg("text", { x: left, y: middle, class: "low" }, ends[0]), legend);
  made.append(svg("text", { x: at + 180 + GAP, y: middle, class: "low" }, ends[1]));
  return made;
}

// ---- looking at a cell: by pointer, or with the arrow keys ----

const tip = document.createElement("div");
tip.className = "tip";
tip.setAttribute("role", "status");
tip.hidden = true;
document.body.append(tip);

function describe(axes, cell) {
  const bins = axes[0] === null ? [null, cell[0]] : cell;
  const lines = axes.flatMap((axis, i) => (axis === null ? [] : [`${data.axes[axis].name} = ${data.axes[axis].bins[bins[i]]}`]));
  lines.push(`${cell[4].toLocaleString("en")} of ${cell[3].toLocaleString("en")} failed` + (cell[2] > cell[3] ? `, ${(cell[2] - cell[3]).toLocaleString("en")} not ended` : ""));
  if (cell[5] !== null) lines.push(`median run time ${span(cell[5])}`);
  if (cell[6] !== null) lines.push(`${data.measures.find(([key]) => key === "m")[1]} ${amount(cell[6])}`);
  return lines.join("\n");
}

function watch(picture, axes) {
  const [left, top, width, height] = picture.getAttribute("data-grid").split(" ").map(Number);
  const cells = cellsOf(...axes);
  const [columns, rows] = axes.map((axis) => (axis === null ? 1 : data.axes[axis].bins.length));
  const ring = svg("rect", { class: "ring", width, height, visibility: "hidden" });
  let here = null;
  picture.append(ring);
  picture.setAttribute("tabindex", "0");
  picture.setAttribute("role", "application");
  picture.setAttribute("aria-roledescription", "heat map; arrow keys move, Enter filters the table");

  function show(column, row, x, y) {
    here = [column, row];
    const cell = cells.get(`${column},${row}`);
    for (const [name, value] of [["x", left + width * column], ["y", top + height * row], ["visibility", "visible"]]) ring.setAttribute(name, value);
    tip.textContent = cell ? describe(axes, cell) : "no runs";
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18}px`;
  }
  function hide() {
    tip.hidden = true;
    ring.setAttribute("visibility", "hidden");
  }
  function choose() {
    if (here && cells.has(here.join())) filterBy({ bins: axes.map((axis, i) => [axis, here[i]]).filter(([axis]) => axis !== null) });
  }
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect(), zoom = picture.viewBox.baseVal.width / box.width;
    const column = Math.floor(((event.clientX - box.left) * zoom - left) / width);
    const row = Math.floor(((event.clientY - box.top) * zoom - top) / height);
    if (column >= 0 && row >= 0 && column < columns && row < rows) show(column, row, event.clientX, event.clientY);
    else hide();
  });
  picture.addEventListener("pointerleave", hide);
  picture.addEventListener("blur", hide);
  picture.addEventListener("click", (event) => event.target.closest(".cells") && choose());
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!step && event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault(); // also of Enter: the button that gets the focus would be pressed by it
    if (event.key === "Enter") choose();
    if (!step) return hide();
    const [column, row] = here ? [here[0] + step[0], here[1] + step[1]] : [0, 0];
    const at = [Math.max(0, Math.min(columns - 1, column)), Math.max(0, Math.min(rows - 1, row))];
    const box = picture.getBoundingClientRect(), zoom = box.width / picture.viewBox.baseVal.width;
    show(...at, box.left + (left + width * (at[0] + 1)) * zoom, box.top + (top + height * at[1]) * zoom);
  });
}

for (const figure of document.querySelectorAll("figure[data-axes]")) {
  const axes = figure.getAttribute("data-axes").split(",").map(Number);
  for (const picture of figure.querySelectorAll("svg[data-grid]")) {
    picture.parentElement.removeAttribute("tabindex"); // the picture itself takes the focus
    watch(picture, axes.length > 1 ? axes : [null, axes[0]]);
  }
}

if (byId("chooser")) {
  const [pickX, pickY, pickM] = [byId("pick-x"), byId("pick-y"), byId("pick-m")];
  const option = (text, value) => new Option(text, value);
  data.axes.forEach((axis, i) => (pickX.add(option(axis.name, i)), pickY.add(option(axis.name, i))));
  for (const [key, name] of data.measures) pickM.add(option(name, key));
  const pairs = Object.keys(data.pairs).map((key) => key.split(","));
  [pickX.value, pickY.value] = pairs[Math.min(3, pairs.length - 1)];
  const redraw = () => {
    const [x, y] = [Number(pickX.value), Number(pickY.value)];
    const known = x !== y && cellsOf(x, y).size > 0;
    const picture = known ? draw(x, y, pickM.value) : document.createTextNode("No heat map for this pair; choose another axis.");
    byId("chosen").replaceChildren(picture);
    if (known) watch(picture, [x, y]);
  };
  for (const pick of [pickX, pickY, pickM]) pick.addEventListener("change", redraw);
  byId("chooser").hidden = false;
  redraw();
}

// ---- the table ----

const table = byId("table");
const lines = table ? Array.from(table.tBodies[0].rows) : [];
const keysOf = lines.map((line) => line.getAttribute("data-k").split(","));
let texts = null; // made at the first search
let wanted = { reason: null, bins: [] };

function apply() {
  texts ??= lines.map((line) => line.textContent.toLowerCase());
  const search = byId("search").value.trim().toLowerCase(), status = byId("status").value;
  let shown = 0;
  lines.forEach((line, i) => {
    const fits =
      (wanted.reason === null || keysOf[i][0] === wanted.reason) &&
      wanted.bins.every(([axis, bin]) => keysOf[i][axis + 1] === String(bin)) &&
      (!status || line.cells[1].textContent === status) &&
      (!search || texts[i].includes(search));
    line.hidden = !fits;
    shown += fits;
  });
  byId("shown").textContent = `${shown.toLocaleString("en")} of ${lines.length.toLocaleString("en")} rows`;
  const chips = wanted.bins.map(([axis, bin]) => `${data.axes[axis].name} = ${data.axes[axis].bins[bin]}`);
  if (wanted.reason !== null) chips.push(`reason ${Number(wanted.reason) + 1}`);
  byId("chips").textContent = chips.join(", ");
  byId("clear").hidden = !(chips.length || search || status);
}

function filterBy(change) {
  wanted = { reason: null, bins: [], ...change };
  byId("search").value = byId("status").value = "";
  apply();
  byId("runs").scrollIntoView();
  byId("clear").focus({ preventScroll: true });
}

const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
const readers = { text: (text) => text, number: (text) => Number(text.replaceAll(",", "")), time: seconds };
const collator = new Intl.Collator("en", { numeric: true });

function sort(header, column) {
  const falling = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const kind = header.getAttribute("data-kind"), read = readers[kind];
  const keyed = Array.from(table.tBodies[0].rows, (line) => [line.cells[column].textContent, line]).map(([text, line]) => [text === "" ? null : read(text), line]);
  const compare = kind === "text" ? collator.compare : (one, other) => one - other;
  keyed.sort(([one], [other]) => (one === null) - (other === null) || (one === null ? 0 : (falling ? -1 : 1) * compare(one, other)));
  table.tBodies[0].append(...keyed.map(([, line]) => line));
}

if (table) {
  byId("filters").hidden = false;
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(header, column));
  });
  byId("search").addEventListener("input", apply);
  byId("status").addEventListener("change", apply);
  byId("clear").addEventListener("click", () => filterBy({}));
  byId("shown").textContent = `${lines.length.toLocaleString("en")} rows`;
  for (const button of document.querySelectorAll("button[data-reason]")) {
    button.hidden = false;
    button.addEventListener("click", () => filterBy({ reason: button.getAttribute("data-reason") }));
  }
}
