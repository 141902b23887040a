// One panel: title, legend, axes, and its marks. Axes are drawn once a scene; marks every frame.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { element } from "./dom.js";
import { galleryHeight, galleryView } from "./gallery.js";
import { legendView } from "./legend.js";
import { markView } from "./marks.js";
import { tickFormat, ticks } from "./ticks.js";

const MARGIN = { top: 22, right: 14, bottom: 40, left: 46 };
let clips = 0;

export function panelView(id, player) {
  const title = element("div", { class: "maml-panel-title" });
  const legend = legendView();
  const head = element("div", { class: "maml-panel-head" }, title, legend.root);
  const holder = element("div", { class: "maml-picture" });
  const note = element("div", { class: "maml-note" });
  const caption = element("div", { class: "maml-caption" });
  const root = element("div", { class: "maml-panel", "data-panel": id }, head, holder, caption);
  holder.append(note);
  const svg = select(holder).append("svg").attr("role", "img");
  const clip = `${player}-clip-${++clips}`;
  let data, scene, marks = [], size = "";

  function room() {
    const box = holder.getBoundingClientRect();
    return [Math.max(Math.round(box.width), 160), Math.max(Math.round(box.height), 120)];
  }

  function build() {
    if (!data.x) holder.style.height = `${galleryHeight(data.marks[0], holder.clientWidth)}px`;
    const [width, height] = room();
    size = `${width} ${height}`;
    svg.attr("viewBox", `0 0 ${size}`).attr("width", width).attr("height", height);
    svg.selectAll("*").remove();
    if (!data.x) {
      marks = [galleryView(svg, data.marks[0], width)];
      return;
    }
    const { x, y } = scales(data, width, height);
    const inner = [x.range(), y.range()];
    svg.append("clipPath").attr("id", clip).append("rect")
      .attr("x", inner[0][0]).attr("y", inner[1][1])
      .attr("width", inner[0][1] - inner[0][0]).attr("height", inner[1][0] - inner[1][1]);
    axes(svg, data, x, y, inner);
    const layer = svg.append("g").attr("clip-path", `url(#${clip})`);
    marks = data.marks.map((mark) => markView(layer, mark, scene.style[mark.role], x, y));
  }

  return {
    id,
    root,
    picture: holder,
    replace(nextData, nextScene) {
      data = nextData;
      scene = nextScene;
      root.toggleAttribute("data-gallery", !data.x);
      title.textContent = data.title;
      caption.textContent = data.caption ?? "";
      caption.hidden = !data.caption;
      legend.replace(data.marks, scene.style);
      build();
    },
    // Whether the picture's room has changed, so that it was built anew and is to be drawn.
    resize() {
      if (room().join(" ") === size) return false;
      build();
      return true;
    },
    draw(frame, tween) {
      for (const mark of marks) mark.draw(frame, tween);
      legend.draw(frame);
      const text = data.notes?.[frame] ?? "";
      if (note.textContent !== text) note.textContent = text;
      note.hidden = !text;
    },
    speak: (frame) => svg.attr("aria-label", `${data.title}. ${data.alt[frame] ?? ""}`),
  };
}

function scales(data, width, height) {
  const make = (axis) => (axis.scale === "log" ? scaleLog() : scaleLinear()).domain(axis.domain);
  let [w, h] = [width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
  if (data.equal) {
    const spans = [data.x, data.y].map((axis) => axis.domain[1] - axis.domain[0]);
    const unit = Math.min(w / spans[0], h / spans[1]);
    [w, h] = spans.map((span) => span * unit);
  }
  const left = MARGIN.left + (data.equal ? (width - MARGIN.left - MARGIN.right - w) / 2 : 0);
  return {
    x: make(data.x).range([left, left + w]),
    y: make(data.y).range([MARGIN.top + h, MARGIN.top]),
  };
}

function axes(svg, data, x, y, [[left, right], [bottom, top]]) {
  const places = { x: ticks(data.x, (right - left) / 62), y: ticks(data.y, (bottom - top) / 34) };
  const make = (build, scale, axis, values) =>
    build(scale).tickValues(values).tickFormat(tickFormat(axis, values)).tickSizeOuter(0).tickPadding(6);
  svg.append("g").attr("class", "maml-grid").selectAll("line").data(places.y).join("line")
    .attr("x1", left).attr("x2", right).attr("y1", y).attr("y2", y);
  svg.append("g").attr("class", "maml-axis").attr("transform", `translate(0,${bottom})`)
    .call(make(axisBottom, x, data.x, places.x));
  svg.append("g").attr("class", "maml-axis").attr("transform", `translate(${left},0)`)
    .call(make(axisLeft, y, data.y, places.y));
  svg.append("text").attr("class", "maml-axis-title").attr("text-anchor", "middle")
    .attr("x", (left + right) / 2).attr("y", bottom + 34).text(data.x.label);
  svg.append("text").attr("class", "maml-axis-title").attr("x", Math.max(left - 38, 2)).attr("y", top - 9)
    .text(data.y.label);
}
