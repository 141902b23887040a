// The scales and axes of a picture, in the room that it has.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { tickFormat, ticks } from "./ticks.js";

const MARGIN = { top: 22, right: 14, bottom: 40, left: 46 };

export function scales(data, width, height) {
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

export function axes(svg, data, x, y) {
  const [[left, right], [bottom, top]] = [x.range(), y.range()];
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

// The part of the page that marks are drawn in: what lies outside the axes is cut off.
export function clipped(svg, id, x, y) {
  const [[left, right], [bottom, top]] = [x.range(), y.range()];
  svg.append("clipPath").attr("id", id).append("rect")
    .attr("x", left).attr("y", top).attr("width", right - left).attr("height", bottom - top);
  return svg.append("g").attr("clip-path", `url(#${id})`);
}
