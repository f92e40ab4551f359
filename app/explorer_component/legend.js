// The legend: its words are the switches. A click hides, a double click shows one alone.

import { classColour, gradient, marks } from "./colours.js";
import { make, told } from "./elements.js";

export class Legend {
  /** `changed` is called after every switch. */
  constructor(changed) {
    this.element = make("div", { className: "legend" });
    this.changed = changed;
  }

  /** Draws the switches for a payload; `hidden` holds "class 3" or "domain 1" for what is hidden. */
  show(payload, hidden, mode) {
    const { header, labels, domains } = payload;
    Object.assign(this, { header, hidden });
    this.switches = new Map();
    const present = [...new Set(labels)].sort((a, b) => (a < 0) - (b < 0) || a - b);
    const classes = present.map((label) => {
      const name = label < 0 ? header.words.unknown : header.classes[label];
      return this.switch("class", label, name, mode === "class" ? classColour(header, label) : null, "●");
    });
    const sides = [...new Set(domains)].sort().map((domain) => {
      const colour = mode === "domain" ? header.domainColours[domain] : null;
      return this.switch("domain", domain, header.words.domains[domain], colour, "●◇"[domain]);
    });
    const groups = [this.group(header.words.class, classes, "classes"), this.group(header.words.domain, sides)];
    this.element.replaceChildren(groups[0], this.explained(mode), groups[1]);
    this.refresh();
  }

  group(title, switches, name = "") {
    const group = make("div", { className: `group ${name}`, role: "group", "aria-label": title });
    group.append(make("span", { className: "title", textContent: title }), ...switches);
    return group;
  }

  switch(kind, value, name, colour, mark) {
    const swatch = make("span", { className: "mark", textContent: mark, "aria-hidden": "true" });
    if (colour) swatch.style.color = colour;
    else swatch.classList.add("plain");
    const words = make("span", { textContent: name });
    const button = make("button", { type: "button", className: "switch", title: this.header.words.switch }, swatch, words);
    const key = `${kind} ${value}`;
    button.dataset.switch = key;
    button.addEventListener("click", () => this.toggle(key));
    button.addEventListener("dblclick", () => this.isolate(kind, key));
    this.switches.set(key, button);
    return button;
  }

  toggle(key) {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    this.refresh();
    this.changed();
  }

  /** Shows one alone; where it is alone already, shows all. */
  isolate(kind, key) {
    const others = [...this.switches.keys()].filter((each) => each.startsWith(kind) && each !== key);
    const alone = others.every((each) => this.hidden.has(each));
    this.hidden.delete(key);
    for (const other of others) {
      if (alone) this.hidden.delete(other);
      else this.hidden.add(other);
    }
    this.refresh();
    this.changed();
  }

  refresh() {
    for (const [key, button] of this.switches) button.setAttribute("aria-pressed", String(!this.hidden.has(key)));
  }

  /** What the colours mean where they stand for neither class nor domain. */
  explained(mode) {
    const { header } = this;
    const part = make("div", { className: "group explained" });
    const colouring = header.colours.find((each) => each.name === mode);
    if (colouring.low) {
      const bar = make("span", { className: "ramp" });
      bar.style.background = gradient(colouring.turned);
      part.append(colouring.low, bar, colouring.high);
      part.setAttribute("aria-label", told(header.words.ramp, { low: colouring.low, high: colouring.high }));
    }
    for (const [colour, word] of marks(mode, header.words)) {
      const swatch = make("span", { className: "mark", textContent: "●" });
      swatch.style.color = colour;
      part.append(swatch, word);
    }
    part.hidden = !part.childNodes.length;
    return part;
  }
}
