// Pointer and keys on the canvas: pan, zoom, hover, click, lasso.

const NEAR = 9;
const CLOSE = 14;
const STILL = 4;
const STEP = 40;

export class Pointer {
  /** `explorer` owns the camera, the panels and the selection. */
  constructor(explorer) {
    this.explorer = explorer;
    this.canvas = explorer.panels.canvas;
    this.lassoing = false;
    this.drag = null;
    const on = (name, act) => this.canvas.addEventListener(name, act.bind(this), { passive: false });
    on("pointerdown", this.down);
    on("pointermove", this.move);
    on("pointerup", this.up);
    on("pointercancel", this.cancel);
    on("pointerleave", () => explorer.hovered(-1));
    on("wheel", this.wheel);
    on("dblclick", () => explorer.home());
    on("keydown", this.key);
  }

  where(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const start = this.where(event);
    const [panel, x, y] = this.explorer.panels.at(...start);
    const lasso = this.lassoing || event.shiftKey;
    this.drag = { start, last: start, panel, lasso, moved: false, line: [[x, y]], add: event.ctrlKey || event.metaKey };
    this.explorer.hovered(-1);
  }

  move(event) {
    const at = this.where(event);
    if (!this.drag) {
      this.explorer.hover(at);
      return;
    }
    const { start, last, lasso } = this.drag;
    this.drag.moved ||= Math.hypot(at[0] - start[0], at[1] - start[1]) > STILL;
    if (!this.drag.moved) return;
    if (lasso) this.draw(at);
    else this.explorer.pan(at[0] - last[0], at[1] - last[1]);
    this.drag.last = at;
  }

  draw(at) {
    const { panel, line } = this.drag;
    line.push(this.explorer.panels.fromMiddle(panel, ...at));
    this.explorer.panels.drawLasso(panel, line, this.closing());
  }

  /** Whether the lasso's end is back at its start. */
  closing() {
    const { line } = this.drag;
    const [[x0, y0], [x, y]] = [line[0], line[line.length - 1]];
    return line.length > 8 && Math.hypot(x - x0, y - y0) < CLOSE;
  }

  up(event) {
    if (!this.drag) return;
    const { panel, lasso, moved, line, add } = this.drag;
    this.drag = null;
    this.explorer.panels.eraseLasso();
    if (lasso && moved && line.length > 2) this.explorer.choosePolygon(panel, line, add);
    else if (!moved && !lasso) this.explorer.choosePoint(this.where(event), NEAR, add);
  }

  cancel() {
    this.drag = null;
    this.explorer.panels.eraseLasso();
  }

  /** The wheel zooms once the picture has the focus; before, it scrolls the page. */
  wheel(event) {
    const focused = this.canvas.getRootNode().activeElement === this.canvas;
    if (!focused && !event.ctrlKey) return;
    event.preventDefault();
    this.explorer.zoom(Math.exp(-event.deltaY * 0.0016), this.where(event));
  }

  key(event) {
    const explorer = this.explorer;
    const acts = {
      ArrowLeft: () => explorer.pan(STEP, 0),
      ArrowRight: () => explorer.pan(-STEP, 0),
      ArrowUp: () => explorer.pan(0, STEP),
      ArrowDown: () => explorer.pan(0, -STEP),
      "+": () => explorer.zoom(1.25),
      "=": () => explorer.zoom(1.25),
      "-": () => explorer.zoom(0.8),
      0: () => explorer.home(),
      " ": () => explorer.togglePlay(),
      Escape: () => (this.drag ? this.cancel() : explorer.clear()),
    };
    if (event.altKey || event.metaKey || event.ctrlKey || !(event.key in acts)) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}
