// The binary payload: "DTML", the header's length, the header as JSON, then the sections it lists.

const KINDS = {
  float32: Float32Array,
  int32: Int32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
};

/** The header and what its sections hold: typed arrays, lists of lines, and the sheet of thumbnails as a Blob. */
export function decode(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const reader = new TextDecoder();
  const header = JSON.parse(reader.decode(bytes.subarray(8, 8 + size)));
  const body = bytes.slice(8 + size).buffer; // a copy, so that every section is aligned
  const arrays = {};
  for (const [name, [kind, offset, count]] of Object.entries(header.sections)) {
    if (kind === "lines") arrays[name] = reader.decode(new Uint8Array(body, offset, count)).split("\n");
    else if (kind === "image") arrays[name] = new Blob([new Uint8Array(body, offset, count)], { type: "image/webp" });
    else arrays[name] = new KINDS[kind](body, offset, count);
  }
  return { header, ...arrays, count: arrays.rows.length, states: header.states.length };
}

/** The coordinates of one state, x and y by turns. */
export function coordinates(payload, state) {
  const width = payload.count * 2;
  return payload.coordinates.subarray(state * width, (state + 1) * width);
}
