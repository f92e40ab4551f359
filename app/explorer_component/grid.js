// Where points lie: nearest point, points in a polygon, by a grid of cells.

const PER_CELL = 2;

export class Grid {
  /** `points` holds x and y by turns; points whose `hidden` is set are left out. */
  constructor(points, hidden) {
    const count = hidden.length;
    const [left, bottom, right, top] = bounds(points);
    this.points = points;
    this.left = left;
    this.bottom = bottom;
    this.side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(count / PER_CELL))));
    this.step = [Math.max(right - left, 1e-9) / this.side, Math.max(top - bottom, 1e-9) / this.side];
    this.starts = new Int32Array(this.side * this.side + 1);
    const cells = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      cells[i] = hidden[i] ? -1 : this.column(points[2 * i]) + this.side * this.row(points[2 * i + 1]);
      if (cells[i] >= 0) this.starts[cells[i] + 1]++;
    }
    for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1] += this.starts[c];
    this.members = new Int32Array(this.starts[this.side * this.side]);
    const next = this.starts.slice();
    for (let i = 0; i < count; i++) if (cells[i] >= 0) this.members[next[cells[i]]++] = i;
  }

  column(x) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.left) / this.step[0])));
  }

  row(y) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.bottom) / this.step[1])));
  }

  /** Calls `visit` with every member of the cells that a box touches. */
  each(left, bottom, right, top, visit) {
    for (let r = this.row(bottom); r <= this.row(top); r++) {
      const from = this.starts[r * this.side + this.column(left)];
      const to = this.starts[r * this.side + this.column(right) + 1];
      for (let k = from; k < to; k++) visit(this.members[k]);
    }
  }

  /** The visible point nearest to a place, or -1 where none is within the radius. */
  nearest(x, y, radius) {
    let best = -1;
    let least = radius * radius;
    this.each(x - radius, y - radius, x + radius, y + radius, (i) => {
      const d = (this.points[2 * i] - x) ** 2 + (this.points[2 * i + 1] - y) ** 2;
      if (d <= least) {
        least = d;
        best = i;
      }
    });
    return best;
  }

  /** The visible points inside a polygon [[x, y], …], in ascending order. */
  within(polygon) {
    const [left, bottom, right, top] = bounds(polygon.flat());
    const found = [];
    this.each(left, bottom, right, top, (i) => {
      if (inside(polygon, this.points[2 * i], this.points[2 * i + 1])) found.push(i);
    });
    return found.sort((a, b) => a - b);
  }
}

/** Whether a place is inside a polygon, by the even-odd rule. */
export function inside(polygon, x, y) {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

/** Left, bottom, right, top of points given as x and y by turns. */
export function bounds(points) {
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    bottom = Math.min(bottom, points[i + 1]);
    top = Math.max(top, points[i + 1]);
  }
  return [left, bottom, right, top];
}
