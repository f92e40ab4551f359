// The panels over the canvas: titles, frames, class names, the lasso's line.

import { coordinates } from "./payload.js";
import { make } from "./elements.js";

const GAP = 10;
const SPACE = "http://www.w3.org/2000/svg";

export class Panels {
  constructor() {
    this.canvas = make("canvas", { tabIndex: 0, role: "application" });
    this.frames = make("div", { className: "frames", "aria-hidden": "true" });
    this.titles = make("div", { className: "titles" });
    this.stage = make("div", { className: "stage" }, this.canvas, this.frames);
    this.notes = make("div", { className: "notes" });
    this.element = make("div", { className: "panels" }, this.titles, this.stage, this.notes);
  }

  /** Lays out one panel a state side by side, or a single one. */
  show(payload) {
    const { header } = payload;
    this.count = header.view === "side" ? payload.states : 1;
    this.stage.style.height = `${header.height}px`;
    for (const row of [this.titles, this.frames, this.notes]) {
      row.style.gridTemplateColumns = `repeat(${this.count}, 1fr)`;
      row.style.columnGap = `${GAP}px`;
      row.replaceChildren(...Array.from({ length: this.count }, () => make("div")));
    }
    this.middles = Array.from({ length: payload.states }, (_unused, state) => middles(payload, state));
    this.labels = [...this.frames.children].map((frame) => {
      const names = this.middles[0].map(([label]) => make("span", { className: "name", textContent: header.classes[label] }));
      frame.replaceChildren(...names);
      return names;
    });
    for (let panel = 0; panel < this.count; panel++) this.tell(panel, header.states[panel].title, header.states[panel].note);
  }

  /** Title and numbers of a panel. */
  tell(panel, title, note) {
    const [heading, below] = [this.titles.children[panel], this.notes.children[panel]];
    if (heading.textContent !== title) heading.textContent = title;
    if (below.textContent !== note) below.textContent = note;
  }

  /** Fits the canvas to the space there is, in device pixels; returns whether anything changed. */
  measure() {
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    const wanted = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    this.size = [width, height];
    this.width = (width - GAP * (this.count - 1)) / this.count;
    if (this.canvas.width === wanted[0] && this.canvas.height === wanted[1]) return false;
    [this.canvas.width, this.canvas.height] = wanted;
    return true;
  }

  /** A panel's box on the canvas in device pixels, from the lower left. */
  box(panel) {
    const left = Math.round(panel * (this.width + GAP) * this.ratio);
    return [left, 0, Math.round(this.width * this.ratio), this.canvas.height];
  }

  /** The panel at a place on the canvas, and the place from the panel's middle: x to the right, y upwards. */
  at(x, y) {
    const panel = Math.max(0, Math.min(this.count - 1, Math.floor(x / (this.width + GAP))));
    return [panel, ...this.fromMiddle(panel, x, y)];
  }

  fromMiddle(panel, x, y) {
    return [x - panel * (this.width + GAP) - this.width / 2, this.size[1] / 2 - y];
  }

  /** The place on the canvas of a place from a panel's middle. */
  place(panel, x, y) {
    return [panel * (this.width + GAP) + this.width / 2 + x, this.size[1] / 2 - y];
  }

  /** Moves the class names of a panel to where their classes are between two states. */
  moveNames(panel, camera, { from, to, mix }, hidden) {
    const names = this.labels[panel];
    this.middles[from].forEach(([label, x, y], i) => {
      const [, x1, y1] = this.middles[to][i];
      const left = this.width / 2 + (x + (x1 - x) * mix - camera.x) * camera.scale;
      const top = this.size[1] / 2 - (y + (y1 - y) * mix - camera.y) * camera.scale;
      names[i].style.transform = `translate(-50%, -50%) translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
      names[i].hidden = hidden.has(`class ${label}`) || hidden.has("domain 0");
    });
  }

  /** Draws the lasso's line; `closing` where its end is back at its start. */
  drawLasso(panel, line, closing) {
    this.eraseLasso();
    const picture = document.createElementNS(SPACE, "svg");
    picture.setAttribute("class", closing ? "line closing" : "line");
    const corners = line.map(([x, y]) => [x + this.width / 2, this.size[1] / 2 - y]);
    const area = document.createElementNS(SPACE, "polygon");
    area.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
    const path = document.createElementNS(SPACE, "polyline");
    path.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
    const start = document.createElementNS(SPACE, "circle");
    start.setAttribute("cx", corners[0][0]);
    start.setAttribute("cy", corners[0][1]);
    start.setAttribute("r", closing ? 7 : 4);
    picture.append(area, path, start);
    this.frames.children[panel].append(picture);
  }

  eraseLasso() {
    this.frames.querySelectorAll("svg.line").forEach((line) => line.remove());
  }
}

/** For each class with source samples: label, and the median x and y of these samples in a state. */
function middles(payload, state) {
  const { labels, domains, count } = payload;
  const places = coordinates(payload, state);
  const members = new Map();
  for (let i = 0; i < count; i++) {
    if (domains[i] !== 0 || labels[i] < 0) continue;
    if (!members.has(labels[i])) members.set(labels[i], []);
    members.get(labels[i]).push(i);
  }
  const median = (indices, k) => {
    const values = Float32Array.from(indices, (i) => places[2 * i + k]).sort();
    return (values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2;
  };
  return [...members].sort(([a], [b]) => a - b).map(([label, own]) => [label, median(own, 0), median(own, 1)]);
}
