// The explorer: what is shown, hidden, selected, and where the motion is.

import { paint, parse } from "./colours.js";
import { make, told } from "./elements.js";
import { bounds, Grid } from "./grid.js";
import { Hover } from "./hover.js";
import { Legend } from "./legend.js";
import { Panels } from "./panels.js";
import { coordinates, decode } from "./payload.js";
import { Pointer } from "./pointer.js";
import { Renderer } from "./renderer.js";
import { Toolbar } from "./toolbar.js";

const SECONDS_A_STATE = 1.4;
const MARGIN = 1.1;

/** What a person has set, by the samples looked at; it outlives a change of page or projection. */
const remembered = (window.dtmlExplorer ??= new Map());

export class Explorer {
  constructor(parent) {
    this.panels = new Panels();
    this.renderer = new Renderer(this.panels.canvas);
    this.legend = new Legend(() => this.refresh());
    this.toolbar = new Toolbar({
      colour: (name) => this.recolour(name),
      search: (query) => this.search(query),
      choose: () => this.chooseFound(),
      lasso: () => this.toggleLasso(),
      home: () => this.home(),
      clear: () => this.clear(),
      play: () => this.togglePlay(),
      seek: (frame) => this.seek(frame),
      trails: (on) => this.set({ trails: on }),
    });
    this.hover_ = new Hover();
    this.panels.stage.append(this.hover_.element);
    this.live = make("div", { className: "live", role: "status", "aria-live": "polite" });
    this.root = make("section", { className: "explorer" });
    this.root.append(this.toolbar.element, this.panels.element, this.legend.element, this.live);
    this.root.dataset.explorer = "";
    this.root.explorer = this.readable();
    parent.append(this.root);
    this.pointer = new Pointer(this);
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.panels.stage);
    this.panels.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.panels.canvas.addEventListener("webglcontextrestored", () => this.restore());
    this.stats = { frames: 0, milliseconds: 0 };
  }

  // -- what comes from Python -----------------------------------------------------------------------

  /** Takes a payload; the same one again changes nothing but the theme and what Python selected. */
  update(bytes) {
    const payload = decode(bytes);
    if (payload.header.key !== this.payload?.header.key) this.load(payload);
    const { pushed } = payload.header;
    if (pushed && pushed.stamp !== this.state.stamp) {
      this.state.stamp = pushed.stamp;
      this.select(pushed.rows, false);
    }
    this.theme();
    this.draw();
  }

  load(payload) {
    const { header } = payload;
    const moved = this.payload?.header.places !== header.places;
    this.payload = payload;
    this.index = new Map();
    payload.rows.forEach((row, i) => this.index.set(row, i));
    this.remember(header);
    this.playing = false;
    this.frame = header.view === "side" ? 0 : Math.min(this.state.frames[header.view] ?? header.start, payload.states - 1);
    this.renderer.load(payload, header.trails);
    this.painted = new Set();
    this.grids = new Map();
    this.panels.show(payload);
    this.toolbar.show(header, this.state);
    this.legend.show(payload, this.state.hidden, this.state.colour);
    this.hover_.load(payload);
    this.panels.canvas.setAttribute("aria-label", header.alt);
    this.panels.canvas.title = "";
    this.panels.measure();
    if (moved) {
      this.camera = null;
      this.frameAll();
    }
    this.search(this.state.query);
    this.root.dataset.key = header.key;
    this.root.dataset.view = header.view;
  }

  remember({ samples, colours }) {
    if (!remembered.has(samples)) {
      const state = { selected: new Set(), hidden: new Set(), colour: "class", query: "", trails: false, frames: {} };
      remembered.set(samples, state);
    }
    this.state = remembered.get(samples);
    const chosen = colours.find((each) => each.name === this.state.colour);
    if (!chosen || chosen.reason) this.state.colour = colours[0].name;
  }

  theme() {
    const style = getComputedStyle(this.root);
    const read = (name, otherwise) => parse(style.getPropertyValue(name).trim() || otherwise);
    this.paper = read("--st-background-color", "#ffffff");
    this.ink = read("--st-text-color", "#31333f");
  }

  /** The graphics card forgot everything. */
  restore() {
    this.renderer = new Renderer(this.panels.canvas);
    this.renderer.load(this.payload, this.payload.header.trails);
    this.painted.clear();
    this.flag();
    this.draw();
  }

  // -- what is shown --------------------------------------------------------------------------------

  set(change) {
    Object.assign(this.state, change);
    this.draw();
  }

  recolour(name) {
    this.state.colour = name;
    this.painted.clear();
    this.legend.show(this.payload, this.state.hidden, name);
    this.draw();
  }

  /** After a switch of the legend. */
  refresh() {
    this.grids.clear();
    this.flag();
    this.draw();
  }

  /** Tells the graphics card what is hidden and marked. */
  flag() {
    const { count, labels, domains, rows } = this.payload;
    const { hidden, selected } = this.state;
    const off = new Set([...hidden].filter((key) => key.startsWith("class")).map((key) => Number(key.slice(6))));
    const away = [0, 1].map((domain) => hidden.has(`domain ${domain}`));
    const flags = new Uint8Array(count * 4);
    this.hidden = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      this.hidden[i] = off.has(labels[i]) || away[domains[i]] ? 1 : 0;
      flags[4 * i] = domains[i];
      flags[4 * i + 1] = this.hidden[i];
      flags[4 * i + 2] = this.found ? this.found[i] : selected.has(rows[i]) ? 1 : 0;
    }
    this.renderer.fill("flags", flags);
    const found = this.found ? this.found.reduce((sum, one) => sum + one, 0) : null;
    this.dim = this.found !== null || selected.size > 0;
    this.toolbar.told(selected.size, found);
    const shown = this.hidden.reduce((sum, one) => sum + 1 - one, 0);
    Object.assign(this.root.dataset, { selected: selected.size, shown, found: found ?? "" });
  }

  /** The two states around a frame and the mix between them; slow at both ends. */
  between(frame) {
    const from = Math.min(Math.floor(frame), this.payload.states - 1);
    const to = Math.min(from + 1, this.payload.states - 1);
    const share = frame - from;
    return { from, to, mix: share * share * (3 - 2 * share) };
  }

  frameOf(panel) {
    return this.payload.header.view === "side" ? panel : this.frame;
  }

  // -- drawing --------------------------------------------------------------------------------------

  /** Draws at the next frame of the screen. */
  draw() {
    if (this.asked || !this.payload) return;
    this.asked = requestAnimationFrame((now) => {
      this.asked = 0;
      this.advance(now);
      const begun = performance.now();
      this.paintAll();
      this.stats.frames++;
      this.stats.milliseconds += performance.now() - begun;
      if (this.playing) this.draw();
    });
  }

  paintAll() {
    const { panels, renderer, state, payload } = this;
    if (panels.measure() && !this.moved) this.frameAll();
    renderer.begin([panels.canvas.width, panels.canvas.height], panels.ratio, this.paper, this.ink);
    for (let panel = 0; panel < panels.count; panel++) {
      const between = this.between(this.frameOf(panel));
      const box = panels.box(panel);
      const [before, after] = payload.header.trails;
      const trails = payload.header.view !== "side" && state.trails;
      this.paintStates(trails ? [between.from, between.to, after] : [between.from, between.to]);
      if (trails) renderer.drawTrails(box, this.camera, { from: before, to: after, dim: this.dim });
      renderer.draw(box, this.camera, { ...between, size: this.size(), dim: this.dim });
      panels.moveNames(panel, this.camera, between, state.hidden);
    }
    this.tell();
  }

  paintStates(states) {
    for (const state of states) {
      if (this.painted.has(state)) continue;
      this.renderer.fill(`colour${state}`, paint(this.payload, this.state.colour, state));
      this.painted.add(state);
    }
  }

  /** The size of a point: smaller where there are many, larger when looked at closely. */
  size() {
    const zoom = Math.max(1, Math.min(3, (this.camera.scale / this.base) ** 0.4));
    return Math.max(2.2, Math.min(9, 42 / this.payload.count ** 0.2)) * (this.payload.count > 8000 ? 0.75 : 1) * zoom;
  }

  tell() {
    const { header } = this.payload;
    Object.assign(this.root.dataset, {
      frame: this.frame.toFixed(2),
      playing: this.playing,
      colour: this.state.colour,
      trails: this.state.trails,
      hidden: [...this.state.hidden].join(","),
    });
    if (header.view === "side") return;
    this.state.frames[header.view] = this.frame;
    const { from, to } = this.between(this.frame);
    const nearest = Math.round(this.frame);
    const still = Math.abs(this.frame - nearest) < 0.02;
    const title = still ? header.states[nearest].title : `${header.states[from].title} → ${header.states[to].title}`;
    this.panels.tell(0, title, header.states[nearest].note);
    this.toolbar.moved(this.frame, title);
  }

  // -- moving ---------------------------------------------------------------------------------------

  togglePlay() {
    if (this.payload.header.view === "side") return;
    this.playing = !this.playing;
    if (this.playing && this.frame >= this.payload.states - 1) this.frame = 0;
    this.last = null;
    this.toolbar.playing(this.playing);
    this.root.dataset.playing = this.playing;
    this.draw();
  }

  advance(now) {
    if (!this.playing) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.since = this.last === null ? 0 : (this.since ?? 0) + (now - this.last) / 1000 / SECONDS_A_STATE;
    this.last = now;
    const step = still ? Math.floor(this.since) : this.since;
    this.frame = Math.min(this.payload.states - 1, this.frame + step);
    this.since -= step;
    if (this.frame < this.payload.states - 1) return;
    this.playing = false;
    this.toolbar.playing(false);
  }

  seek(frame) {
    this.playing = false;
    this.toolbar.playing(false);
    this.frame = Math.max(0, Math.min(this.payload.states - 1, frame));
    this.draw();
  }

  /** Shows everything at the same scale in all panels. */
  frameAll() {
    const [left, bottom, right, top] = bounds(this.payload.coordinates);
    const [width, height] = [this.panels.width || 1, this.panels.size[1] || 1];
    const scale = Math.min(width / Math.max(right - left, 1e-6), height / Math.max(top - bottom, 1e-6)) / MARGIN;
    this.camera = { x: (left + right) / 2, y: (bottom + top) / 2, scale };
    this.base = scale;
    this.moved = false;
  }

  home() {
    this.frameAll();
    this.draw();
  }

  /** Moves the picture by so many pixels, in all panels. */
  pan(x, y) {
    this.camera.x -= x / this.camera.scale;
    this.camera.y += y / this.camera.scale;
    this.moved = true;
    this.draw();
  }

  /** Zooms all panels about a place on the canvas, else about the middle. */
  zoom(factor, at = null) {
    const scale = Math.max(this.base * 0.3, Math.min(this.base * 200, this.camera.scale * factor));
    const [, x, y] = at ? this.panels.at(...at) : [0, 0, 0];
    this.camera.x += x / this.camera.scale - x / scale;
    this.camera.y += y / this.camera.scale - y / scale;
    this.camera.scale = scale;
    this.moved = true;
    this.draw();
  }

  // -- finding --------------------------------------------------------------------------------------

  /** The places of all points in a panel as it stands, x and y by turns. */
  places(panel) {
    const { from, to, mix } = this.between(this.frameOf(panel));
    const [a, b] = [coordinates(this.payload, from), coordinates(this.payload, to)];
    return mix === 0 ? a : a.map((value, i) => value + (b[i] - value) * mix);
  }

  grid(panel) {
    const frame = this.frameOf(panel);
    if (!this.grids.has(frame)) {
      if (this.grids.size > 4) this.grids.clear();
      this.grids.set(frame, new Grid(this.places(panel), this.hidden));
    }
    return this.grids.get(frame);
  }

  toData(x, y) {
    return [this.camera.x + x / this.camera.scale, this.camera.y + y / this.camera.scale];
  }

  /** The point nearest to a place on the canvas, and its panel. */
  find(at, radius) {
    const [panel, x, y] = this.panels.at(...at);
    return [this.grid(panel).nearest(...this.toData(x, y), radius / this.camera.scale), panel];
  }

  hover(at) {
    if (this.playing) return;
    const [i, panel] = this.find(at, 8);
    this.panels.canvas.style.cursor = this.pointer.lassoing ? "crosshair" : i < 0 ? "grab" : "pointer";
    this.hovered(i, panel, at);
  }

  hovered(i, panel = 0, at = [0, 0]) {
    if (i < 0) this.hover_.show(-1);
    else this.hover_.show(i, Math.round(this.frameOf(panel)), at, this.panels.size);
    this.root.dataset.hovered = i < 0 ? "" : this.payload.rows[i];
  }

  search(query) {
    const { header, labels, names, count } = this.payload;
    const wanted = query.trim().toLowerCase();
    this.state.query = query;
    this.found = null;
    if (wanted) {
      const classes = new Set(header.classes.flatMap((name, label) => (name.toLowerCase().includes(wanted) ? [label] : [])));
      this.found = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        this.found[i] = classes.has(labels[i]) || names[i].toLowerCase().includes(wanted) ? 1 : 0;
      }
    }
    this.flag();
    this.draw();
  }

  // -- selecting ------------------------------------------------------------------------------------

  toggleLasso() {
    this.pointer.lassoing = !this.pointer.lassoing;
    this.toolbar.lasso.setAttribute("aria-pressed", String(this.pointer.lassoing));
    this.panels.canvas.style.cursor = this.pointer.lassoing ? "crosshair" : "";
  }

  /** Selects what lies inside a line drawn in a panel, given from the panel's middle. */
  choosePolygon(panel, line, add) {
    const polygon = line.map(([x, y]) => this.toData(x, y));
    const frame = this.frameOf(panel);
    this.lassoed = { panel, frame, polygon };
    this.choose(this.grid(panel).within(polygon), add);
  }

  choosePoint(at, radius, add) {
    const [i] = this.find(at, radius);
    if (i >= 0) this.choose([i], add);
    else if (!add) this.clear();
  }

  chooseFound() {
    const found = [];
    this.found?.forEach((one, i) => one && !this.hidden[i] && found.push(i));
    this.toolbar.field.value = "";
    this.search("");
    this.choose(found, false);
  }

  choose(points, add) {
    const rows = points.map((i) => this.payload.rows[i]);
    this.select(add ? [...this.state.selected, ...rows] : rows, true);
  }

  clear() {
    if (this.state.query) {
      this.toolbar.field.value = "";
      this.search("");
    }
    if (this.state.selected.size) this.select([], true);
  }

  /** Makes these rows the selection; only they go to Python. */
  select(rows, send) {
    this.state.selected = new Set(rows.filter((row) => this.index.has(row)));
    this.flag();
    this.draw();
    this.live.textContent = told(this.payload.header.words.selected, { n: this.state.selected.size });
    if (send) this.send("selected", [...this.state.selected].sort((a, b) => a - b));
  }

  // -- for those who look from outside --------------------------------------------------------------

  /** What tests read; nothing can be changed through it. */
  readable() {
    const that = this;
    return Object.freeze({
      get selected() {
        return [...that.state.selected].sort((a, b) => a - b);
      },
      get camera() {
        return { ...that.camera };
      },
      get lasso() {
        return that.lassoed;
      },
      get stats() {
        return { ...that.stats };
      },
      /** The data place of a row in a panel as it stands. */
      place: (row, panel = 0) => [...that.places(panel).subarray(2 * that.index.get(row), 2 * that.index.get(row) + 2)],
      /** The place of a data place in a panel, from the page's upper left. */
      locate(x, y, panel = 0) {
        const { left, top } = that.panels.canvas.getBoundingClientRect();
        const { camera } = that;
        const [px, py] = that.panels.place(panel, (x - camera.x) * camera.scale, (y - camera.y) * camera.scale);
        return [left + px, top + py];
      },
    });
  }

  release() {
    cancelAnimationFrame(this.asked);
    this.watcher.disconnect();
    this.hover_.release();
    this.renderer.release();
    this.root.remove();
  }
}
