// One WebGL context for all panels: buffers are filled once, a panel is one draw call.

import { coordinates } from "./payload.js";
import { POINT_FRAGMENT, POINT_VERTEX, TRAIL_FRAGMENT, TRAIL_VERTEX } from "./shaders.js";

const BUNDLE = 0.75;
const PIECES = 16;

export class Renderer {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, premultipliedAlpha: true });
    if (!gl) throw new Error("no WebGL");
    this.gl = gl;
    this.points = program(gl, POINT_VERTEX, POINT_FRAGMENT);
    this.trails = program(gl, TRAIL_VERTEX, TRAIL_FRAGMENT);
    this.buffers = new Map();
    this.fill("along", Float32Array.from({ length: PIECES + 1 }, (_unused, i) => i / PIECES));
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** Fills a buffer; what it held before is gone. */
  fill(name, array) {
    const gl = this.gl;
    if (!this.buffers.has(name)) this.buffers.set(name, gl.createBuffer());
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.get(name));
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
  }

  /** Takes the coordinates of all states, and of each class and domain the mean path from one state to another. */
  load(payload, [before, after]) {
    for (const [name, buffer] of this.buffers) {
      if (name === "along") continue;
      this.gl.deleteBuffer(buffer);
      this.buffers.delete(name);
    }
    this.count = payload.count;
    for (let state = 0; state < payload.states; state++) this.fill(`place${state}`, coordinates(payload, state));
    this.fill("means", meanPaths(payload, before, after));
  }

  /** Clears everything. `size` and all boxes are in device pixels. */
  begin([width, height], ratio, paper, ink) {
    const gl = this.gl;
    Object.assign(this, { ratio, paper: paper.map((v) => v / 255), ink: ink.map((v) => v / 255) });
    gl.disable(gl.SCISSOR_TEST);
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
  }

  /** Draws the points of one panel between two states. */
  draw(box, camera, { from, to, mix, size, dim }) {
    const gl = this.gl;
    const locate = this.use(this.points, box, camera, dim);
    this.attribute(this.points, "a_from", `place${from}`, 2);
    this.attribute(this.points, "a_to", `place${to}`, 2);
    this.attribute(this.points, "a_colour_from", `colour${from}`, 4, gl.UNSIGNED_BYTE, true);
    this.attribute(this.points, "a_colour_to", `colour${to}`, 4, gl.UNSIGNED_BYTE, true);
    this.attribute(this.points, "a_flags", "flags", 4, gl.UNSIGNED_BYTE);
    gl.uniform1f(locate("u_mix"), mix);
    gl.uniform1f(locate("u_size"), size * this.ratio);
    gl.uniform1f(locate("u_ratio"), this.ratio);
    gl.uniform3fv(locate("u_paper"), this.paper);
    gl.uniform3fv(locate("u_ink"), this.ink);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  /** Draws a curve for every sample from its place in one state to its place in another. */
  drawTrails(box, camera, { from, to, dim }) {
    const gl = this.gl;
    const locate = this.use(this.trails, box, camera, dim);
    this.attribute(this.trails, "a_along", "along", 1);
    this.attribute(this.trails, "a_from", `place${from}`, 2, gl.FLOAT, false, 1);
    this.attribute(this.trails, "a_to", `place${to}`, 2, gl.FLOAT, false, 1);
    this.attribute(this.trails, "a_means", "means", 4, gl.FLOAT, false, 1);
    this.attribute(this.trails, "a_colour_to", `colour${to}`, 4, gl.UNSIGNED_BYTE, true, 1);
    this.attribute(this.trails, "a_flags", "flags", 4, gl.UNSIGNED_BYTE, false, 1);
    gl.uniform1f(locate("u_bundle"), BUNDLE);
    gl.uniform1f(locate("u_strength"), Math.max(0.04, Math.min(0.5, 14 / Math.sqrt(this.count))));
    gl.drawArraysInstanced(gl.LINE_STRIP, 0, PIECES + 1, this.count);
  }

  use(which, [x, y, width, height], camera, dim) {
    const gl = this.gl;
    const locate = (name) => (which.places[name] ??= gl.getUniformLocation(which.made, name));
    gl.viewport(x, y, width, height);
    gl.scissor(x, y, width, height);
    gl.useProgram(which.made);
    gl.uniform2f(locate("u_centre"), camera.x, camera.y);
    const scale = 2 * camera.scale * this.ratio;
    gl.uniform2f(locate("u_zoom"), scale / width, scale / height);
    gl.uniform1f(locate("u_dim"), dim ? 1 : 0);
    return locate;
  }

  attribute(which, name, buffer, size, kind = this.gl.FLOAT, normalised = false, divisor = 0) {
    const gl = this.gl;
    const at = which.slots[name];
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.get(buffer));
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, kind, normalised, 0, 0);
    gl.vertexAttribDivisor(at, divisor);
  }

  /** Gives the context back to the browser, which has few of them. */
  release() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

const SLOTS = ["a_from", "a_to", "a_colour_from", "a_colour_to", "a_flags", "a_means", "a_along"];

function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getProgramInfoLog(made) || "shaders do not link");
  }
  const slots = {};
  for (const name of SLOTS) slots[name] = gl.getAttribLocation(made, name);
  return { made, slots, places: {} };
}

/** For each point the mean place of its class and domain in two states (x, y, x, y). */
function meanPaths(payload, before, after) {
  const { count, labels, domains, predicted, header } = payload;
  const sums = new Float64Array((header.classes.length + 1) * 2 * 5);
  const group = new Int32Array(count);
  const [a, b] = [coordinates(payload, before), coordinates(payload, after)];
  for (let i = 0; i < count; i++) {
    const label = labels[i] >= 0 ? labels[i] : predicted[after * count + i];
    const at = (group[i] = (label * 2 + domains[i]) * 5);
    sums[at]++;
    for (let k = 0; k < 2; k++) {
      sums[at + 1 + k] += a[2 * i + k];
      sums[at + 3 + k] += b[2 * i + k];
    }
  }
  const means = new Float32Array(count * 4);
  for (let i = 0; i < count; i++) for (let k = 0; k < 4; k++) means[4 * i + k] = sums[group[i] + 1 + k] / sums[group[i]];
  return means;
}
