// Colours of points: by class, by domain, by correctness, or along a ramp.

const RAMP = ["#0072b2", "#4f93bd", "#8f9aa6", "#d08a4e", "#d55e00"].map(parse);
const RIGHT = "#0072b2";
const WRONG = "#d55e00";

/** "#rgb", "#rrggbb" or "rgb(…)" as [r, g, b]. */
export function parse(text) {
  if (text.startsWith("#")) {
    const digits = text.length < 6 ? [...text.slice(1)].map((d) => d + d).join("") : text.slice(1);
    return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
  }
  return text.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/** The colour at a share from 0 to 1 of the ramp from blue to vermilion. */
export function along(share) {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, Math.floor(at));
  return RAMP[i].map((value, k) => value + (RAMP[i + 1][k] - value) * (at - i));
}

/** The ramp as CSS, turned where high values are the good ones. */
export function gradient(turned) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map((s) => `rgb(${along(turned ? 1 - s : s).map(Math.round).join(" ")})`);
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

/** What a colouring's legend explains beside classes and domains: [colour, word]. */
export function marks(mode, words) {
  return mode === "correctness" ? [[RIGHT, words.right], [WRONG, words.wrong]] : [];
}

/** The class's colour as it is in every other figure. */
export function classColour(header, label) {
  return label >= 0 ? header.palette[label % header.palette.length] : header.grey;
}

/** Four bytes a point for one state. */
export function paint(payload, mode, state) {
  const { header, count, labels, domains } = payload;
  const picked = chooser(payload, mode, state);
  const bytes = new Uint8Array(count * 4);
  for (let i = 0; i < count; i++) {
    const [r, g, b] = picked(i, labels[i], domains[i]);
    bytes.set([r, g, b, 255], 4 * i);
  }
  return bytes;
}

function chooser(payload, mode, state) {
  const { header, count } = payload;
  const grey = parse(header.grey);
  const start = state * count;
  if (mode === "class") {
    const table = header.classes.map((_name, label) => parse(classColour(header, label)));
    return (_i, label) => table[label] ?? grey;
  }
  if (mode === "domain") {
    const table = header.domainColours.map(parse);
    return (_i, _label, domain) => table[domain];
  }
  if (mode === "correctness") {
    const [right, wrong] = [parse(RIGHT), parse(WRONG)];
    return (i, label) => (label < 0 ? grey : payload.predicted[start + i] === label ? right : wrong);
  }
  const colouring = header.colours.find((each) => each.name === mode);
  const values = payload[mode];
  const [most, unknown] = values instanceof Uint16Array ? [65535, -1] : [254, 255];
  const table = Array.from({ length: 256 }, (_unused, i) => along(colouring.turned ? 1 - i / 255 : i / 255));
  return (i) => (values[start + i] === unknown ? grey : table[Math.round((values[start + i] / most) * 255)]);
}
