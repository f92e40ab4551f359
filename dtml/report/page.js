const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function asSvg(spec) {
  return {
    name: "svg", title: spec.svg, icon: Plotly.Icons.disk,
    click: (figure) => Plotly.downloadImage(figure, { format: "svg", filename: spec.config.toImageButtonOptions.filename }),
  };
}

function draw() {
  for (const [id, spec] of Object.entries(figures)) {
    const { data, layout, frames } = structuredClone(dark.matches ? spec.dark : spec.light);
    Plotly.react(id, { data, layout, frames: frames || [], config: { ...spec.config, modeBarButtonsToAdd: [asSvg(spec)] } });
  }
}

draw();
dark.addEventListener("change", draw);
