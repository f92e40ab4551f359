// Small helpers for the page's elements. Text from data only ever becomes text, never markup.

const PATHS = {
  lasso: "M12 4c-5 0-8 2.600-8 5.500S7 15 12 15s8-2.600 8-5.500S17 4 12 4M8 14.500a2 2 0 1 0 1 3.500c.500-1 0-2.500-1-3.500M9 18c.500 1.500 0 2.500-1.500 3",
  home: "M4 4h6M4 4v6M20 4h-6M20 4v6M4 20h6M4 20v-6M20 20h-6M20 20v-6",
  play: "M7 5l12 7-12 7z",
  pause: "M8 5v14M16 5v14",
  close: "M6 6l12 12M18 6L6 18",
};

/** An element with properties, attributes (names with a dash, and role) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** A line drawing of 24 × 24. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  return picture;
}

/** A button with an icon, whose words are its label for those who cannot see it. */
export function iconButton(name, words, act) {
  const button = make("button", { type: "button", className: "icon", title: words, "aria-label": words }, icon(name));
  button.addEventListener("click", act);
  return button;
}

/** A sentence with its {places} filled. */
export function told(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
}
