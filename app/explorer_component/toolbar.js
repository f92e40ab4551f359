// The row of controls above the picture.

import { icon, iconButton, make, told } from "./elements.js";

export class Toolbar {
  /** `acts` are the functions to call: colour, search, choose, lasso, home, clear, play, seek, trails. */
  constructor(acts) {
    this.acts = acts;
    this.element = make("div", { className: "toolbar", role: "toolbar" });
  }

  /** Draws the controls for a payload. */
  show(header, state) {
    this.words = header.words;
    this.element.setAttribute("aria-label", header.words.controls);
    this.element.replaceChildren(this.colour(header, state), this.search(state), ...this.buttons());
    if (header.view !== "side") this.element.append(...this.motion(header, state));
    this.element.append(this.count());
  }

  colour(header, state) {
    const select = make("select", { className: "colour", "aria-label": header.words.colour });
    for (const { name, title, reason } of header.colours) {
      const text = reason ? `${title} (${reason})` : title;
      select.append(make("option", { value: name, textContent: text, disabled: Boolean(reason), title: reason ?? "" }));
    }
    select.value = state.colour;
    select.addEventListener("change", () => this.acts.colour(select.value));
    return make("label", { className: "labelled" }, header.words.colour, select);
  }

  search(state) {
    const field = make("input", { type: "search", className: "search", placeholder: this.words.search, value: state.query });
    field.setAttribute("aria-label", this.words.search);
    field.addEventListener("input", () => this.acts.search(field.value));
    field.addEventListener("keydown", (event) => {
      event.stopPropagation(); // Streamlit's shortcuts are single letters
      if (event.key === "Enter") this.acts.choose();
      if (event.key === "Escape") this.acts.search((field.value = ""));
    });
    this.found = make("button", { type: "button", className: "found", hidden: true });
    this.found.addEventListener("click", () => this.acts.choose());
    this.field = field;
    return make("span", { className: "searching" }, field, this.found);
  }

  buttons() {
    this.lasso = iconButton("lasso", this.words.lasso, () => this.acts.lasso());
    this.lasso.setAttribute("aria-pressed", "false");
    this.lasso.classList.add("lasso");
    return [this.lasso, iconButton("home", this.words.home, () => this.acts.home())];
  }

  motion(header, state) {
    this.play = iconButton("play", this.words.play, () => this.acts.play());
    this.play.classList.add("play");
    this.slider = make("input", { type: "range", className: "scrubber", min: 0, max: header.states.length - 1, step: 0.01 });
    this.slider.setAttribute("aria-label", this.words.scrubber);
    this.slider.addEventListener("input", () => this.acts.seek(Number(this.slider.value)));
    this.slider.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === " ") {
        event.preventDefault();
        this.acts.play();
      }
    });
    const box = make("input", { type: "checkbox", className: "trails", checked: state.trails });
    box.addEventListener("change", () => this.acts.trails(box.checked));
    return [this.play, this.slider, make("label", { className: "labelled" }, box, this.words.trails)];
  }

  count() {
    this.clear = make("button", { type: "button", className: "clear", hidden: true });
    this.clear.addEventListener("click", () => this.acts.clear());
    return this.clear;
  }

  /** How many samples are selected and found. */
  told(selected, found) {
    this.clear.hidden = !selected;
    this.clear.replaceChildren(told(this.words.selected, { n: selected }), icon("close"));
    this.clear.setAttribute("aria-label", `${told(this.words.selected, { n: selected })}: ${this.words.clear}`);
    this.found.hidden = found === null;
    this.found.textContent = told(this.words.found, { n: found ?? 0 });
    this.found.title = this.words.choose;
  }

  /** Where the motion is, in words. */
  moved(frame, words) {
    if (!this.slider) return;
    this.slider.value = frame;
    this.slider.setAttribute("aria-valuetext", words);
  }

  playing(on) {
    if (!this.play) return;
    const words = on ? this.words.pause : this.words.play;
    this.play.replaceChildren(icon(on ? "pause" : "play"));
    this.play.title = words;
    this.play.setAttribute("aria-label", words);
  }
}
