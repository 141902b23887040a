// The legend as HTML: it wraps instead of being cut, and shows dash and shape, not colour alone.
import { symbol } from "d3-shape";
import { select } from "d3-selection";
import { element } from "./dom.js";
import { SHAPES, area } from "./looks.js";

export function legendView() {
  const root = element("ul", { class: "maml-legend" });
  let entries = [];

  return {
    root,
    replace(marks, style) {
      entries = marks.filter((mark) => mark.name).map((mark) => entry(mark, style[mark.role]));
      root.replaceChildren(...entries.map((e) => e.root));
      root.hidden = !entries.length;
    },
    draw(frame) {
      for (const { mark, readout } of entries) {
        if (mark.readout) readout.textContent = mark.readout[frame] ?? mark.readout[0];
      }
    },
  };
}

// The look of one mark: its line, its marker.
export function swatch(mark, look) {
  const made = element("span", { class: "maml-swatch", "aria-hidden": "true" });
  const svg = select(made).append("svg").attr("width", 30).attr("height", 14)
    .attr("viewBox", "0 0 30 14").attr("class", `maml-${mark.role}`);
  if (mark.kind !== "points") {
    svg.append("line").attr("x1", 1).attr("x2", mark.kind === "arrow" ? 22 : 29).attr("y1", 7).attr("y2", 7)
      .attr("class", "maml-stroke").attr("stroke-width", Math.min(mark.width ?? look.width, 7))
      .attr("stroke-dasharray", mark.kind === "arrow" ? null : look.dash.join(" ") || null);
  }
  if (mark.kind === "arrow") svg.append("path").attr("d", "M20,1 L29,7 L20,13 Z").attr("class", "maml-fill");
  if (mark.kind === "points" || mark.kind === "trail") {
    svg.append("path").attr("d", symbol(SHAPES[look.marker], area(look))()).attr("transform", "translate(15,7)")
      .attr("class", look.filled ? "maml-fill maml-rim" : "maml-hollow");
  }
  return made;
}

function entry(mark, look) {
  const readout = element("span", { class: "maml-value" });
  const root = element("li", {}, swatch(mark, look), element("span", {}, mark.name), readout);
  return { mark, readout, root };
}
