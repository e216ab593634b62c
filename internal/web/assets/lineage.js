// Draws the graph of a lineage from the rows of its table, which stay beside it for who has no script or does not see. Each dataset is a link.
import { Graph, layout } from "./vendor/dagre.js";

const SVG = "http://www.w3.org/2000/svg";
const figure = document.getElementById("graph");
const rows = [...document.querySelectorAll("#nodes tbody tr")].slice(0, Number(figure.dataset.drawn));
const narrow = matchMedia("(max-width: 52rem)");
const letters = 28;

function make(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The end of a long name says more than its beginning: schema.table, or a file. */
function short(name) {
  return name.length <= letters ? name : "…" + name.slice(1 - letters);
}

function nodeOf(row) {
  const d = row.dataset;
  const job = d.kind === "job";
  const label = short(d.name);
  const focus = "focus" in d;
  return {
    number: d.number, name: d.name, label, job, mark: d.mark, quality: d.quality, link: d.link, focus, suspect: "suspect" in d,
    to: d.to ? d.to.split(" ") : [], bad: new Set(d.bad ? d.bad.split(" ") : []), width: Math.max(label.length * (focus ? 8.2 : 7.4) + (job ? 26 : 46), 60), height: job ? 26 : 36,
  };
}

function drawNode(n) {
  const left = n.x - n.width / 2, top = n.y - n.height / 2;
  const box = make("rect", { x: left, y: top, width: n.width, height: n.height, rx: n.job ? 13 : 8 });
  const text = make("text", { x: left + (n.job ? 13 : 34), y: n.y + 4.5 }, n.label);
  const title = make("title", {}, n.name);
  const group = make("g", { class: `node ${n.job ? "job" : "data " + n.mark}${n.focus ? " focus" : ""}${n.suspect ? " suspect" : ""}` }, title, box, text);
  if (n.job) return group;
  group.append(make("use", { href: "#m-" + n.mark, x: left + 10, y: n.y - 8, width: 16, height: 16 }));
  const says = `${n.label === n.name ? n.name : n.label + ", " + n.name}, ${n.quality}${n.suspect && n.mark !== "failed" && n.mark !== "warned" ? ", fed by bad data" : ""}`;
  return make("a", { href: n.link, "aria-label": says, "aria-current": n.focus ? "true" : undefined }, group);
}

function drawEdge(points, bad) {
  // A smooth line through the middles of the segments.
  let path = `M${points[0].x} ${points[0].y}`;
  for (let i = 1; i < points.length - 1; i++) {
    const end = i === points.length - 2 ? points[i + 1] : { x: (points[i].x + points[i + 1].x) / 2, y: (points[i].y + points[i + 1].y) / 2 };
    path += `Q${points[i].x} ${points[i].y} ${end.x} ${end.y}`;
  }
  return make("path", { class: bad ? "edge bad" : "edge", d: path, "marker-end": bad ? "url(#tip-bad)" : "url(#tip)" });
}

function tip(id, bad) {
  return make("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: bad ? 5 : 7, markerHeight: bad ? 5 : 7, orient: "auto-start-reverse" },
    make("path", { class: bad ? "tip bad" : "tip", d: "M0 0L10 5L0 10z" }));
}

/** Lays the graph out: the data go down, or to the right. */
function laid(down) {
  const nodes = new Map(rows.map(nodeOf).map((n) => [n.number, n]));
  const graph = new Graph();
  graph.setGraph({ rankdir: down ? "TB" : "LR", nodesep: down ? 18 : 14, ranksep: down ? 34 : 46, marginx: 6, marginy: 6 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const n of nodes.values()) graph.setNode(n.number, n);
  for (const n of nodes.values()) for (const to of n.to) if (nodes.has(to)) graph.setEdge(n.number, to);
  layout(graph);
  return { nodes, graph, down, ...graph.graph() };
}

function draw() {
  figure.hidden = false;
  let best = laid(narrow.matches);
  if (best.width * 0.85 > figure.clientWidth && !best.down) {
    const other = laid(true);
    if (other.width < figure.clientWidth) best = other;
  }
  const { nodes, graph, down, width, height } = best;
  // A little smaller is better than cut off; much smaller could not be read.
  const scale = Math.min(1, Math.max(0.7, (figure.clientWidth - 1) / width));
  const svg = make("svg", { width: Math.floor(width * scale), height: Math.ceil(height * scale), viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, role: "group", "aria-label": "the graph; the table below says the same" },
    make("defs", {}, tip("tip", false), tip("tip-bad", true)));
  // Bad ways lie above the others, nodes above all, in the order in which data go: so the Tab key walks.
  const edges = graph.edges().map((e) => [graph.edge(e), nodes.get(e.v).bad.has(e.w)]).sort((a, b) => a[1] - b[1]);
  for (const [edge, bad] of edges) svg.append(drawEdge(edge.points, bad));
  const along = down ? "y" : "x", across = down ? "x" : "y";
  for (const n of [...nodes.values()].sort((a, b) => a[along] - b[along] || a[across] - b[across])) svg.append(drawNode(n));
  figure.replaceChildren(svg);
  const focus = [...nodes.values()].find((n) => n.focus);
  if (focus) figure.scrollTo(focus.x * scale - figure.clientWidth / 2, focus.y * scale - figure.clientHeight / 2);
  figure.tabIndex = figure.scrollWidth > figure.clientWidth || figure.scrollHeight > figure.clientHeight ? 0 : -1;
}

draw();
narrow.addEventListener("change", draw);
