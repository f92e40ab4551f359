// What Streamlit calls: once to mount, then with every change, and at the end the function it got back.

import { make } from "./elements.js";
import { Explorer } from "./explorer.js";
import { decode } from "./payload.js";

export default function explorer({ data, parentElement, setStateValue }) {
  if (!parentElement.dtml) {
    try {
      parentElement.dtml = new Explorer(parentElement);
    } catch (error) {
      parentElement.dtml = without(parentElement, decode(data).header.words.noWebGL, error);
    }
  }
  const mounted = parentElement.dtml;
  mounted.send = setStateValue;
  mounted.update(data);
  return () => {
    mounted.release();
    delete parentElement.dtml;
  };
}

/** Says in one sentence that there is no WebGL, and tells Python, which draws the simple figure. */
function without(parent, sentence, error) {
  const note = make("p", { className: "without", textContent: sentence, title: String(error.message) });
  note.dataset.explorer = "missing";
  parent.append(note);
  let said = false;
  return {
    update() {
      if (!said) this.send("missing", true);
      said = true;
    },
    release: () => note.remove(),
  };
}
