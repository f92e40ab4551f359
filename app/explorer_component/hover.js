// What stands beside the pointer: thumbnail, class, prediction, confidence, name.

import { make, told } from "./elements.js";

const SHOWN = 72;

export class Hover {
  constructor() {
    this.thumbnail = make("div", { className: "thumbnail" });
    this.lines = make("div", { className: "lines" });
    this.element = make("div", { className: "hover", hidden: true, role: "tooltip" }, this.thumbnail, this.lines);
    this.sample = -1;
  }

  /** Takes the sheet of thumbnails of a payload. */
  load(payload) {
    this.release();
    this.payload = payload;
    if (payload.sheet) this.url = URL.createObjectURL(payload.sheet);
    this.thumbnail.hidden = !this.url;
    this.thumbnail.style.backgroundImage = this.url ? `url(${this.url})` : "";
  }

  /** Shows sample `i` as it is in a state, beside a place on the stage. */
  show(i, state = 0, [x, y] = [0, 0], [width, height] = [0, 0]) {
    this.sample = i;
    this.element.hidden = i < 0;
    if (i < 0) return;
    if (this.url) this.cut(i);
    this.lines.replaceChildren(...this.told(i, state).map((line) => make("div", { textContent: line })));
    this.element.style.left = x > width / 2 ? "" : `${x + 14}px`;
    this.element.style.right = x > width / 2 ? `${width - x + 14}px` : "";
    this.element.style.top = `${Math.max(4, Math.min(y - 30, height - this.element.offsetHeight - 4))}px`;
  }

  /** The lines that tell about a sample. */
  told(i, state) {
    const { header, labels, domains, predicted, confidence, names, values, count } = this.payload;
    const { words, classes } = header;
    const at = state * count + i;
    const share = Math.round((confidence[at] / 65535) * 100);
    return [
      told(words.isClass, { name: labels[i] < 0 ? words.unknown : classes[labels[i]] }),
      told(words.predicted, { name: classes[predicted[at]], share }),
      `${"●◇"[domains[i]]} ${words.domains[domains[i]]} · ${names[i]}`,
      ...(values ? [values[i]] : []),
    ];
  }

  cut(i) {
    const { width, height, columns } = this.payload.header.sheet;
    const zoom = SHOWN / Math.max(width, height);
    const style = this.thumbnail.style;
    style.width = `${width * zoom}px`;
    style.height = `${height * zoom}px`;
    style.backgroundSize = `${columns * width * zoom}px auto`;
    style.backgroundPosition = `${-(i % columns) * width * zoom}px ${-Math.floor(i / columns) * height * zoom}px`;
  }

  release() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }
}
