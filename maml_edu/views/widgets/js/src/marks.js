// How each kind of mark of a scene is drawn (see views/scenes/marks.py). `markView` makes its elements once;
// `draw(frame, tween)` changes only what that frame changes.
import { area as areaShape, line as lineShape, symbol } from "d3-shape";
import { SHAPES, area } from "./looks.js";

const KINDS = { line, band, lines, points, trail, arrow };
const here = (value) => value !== null && value !== undefined;

export function markView(layer, mark, look, x, y) {
  const group = layer.append("g").attr("class", `maml-mark maml-${mark.role}`);
  return KINDS[mark.kind](group, mark, look, x, y);
}

const still = { draw() {} };

// Entry i of the data between two frames; where one of them is missing, the first as it is.
function between(a, b, tween) {
  if (!tween || !b || a.length !== b.length) return a;
  return a.map((v, i) => (here(v) && here(b[i]) ? v + tween * (b[i] - v) : v));
}

function stroke(group, look, more = "") {
  return group.append("path").attr("class", `maml-stroke ${more}`).attr("stroke-width", look.width)
    .attr("stroke-dasharray", look.dash.join(" ") || null);
}

function line(group, mark, look, x, y) {
  const path = stroke(group, look);
  const xs = mark.x.map((v) => x(v));
  const shape = lineShape((_, i) => xs[i], (v) => y(v)).defined(here);
  if (!mark.frames) {
    path.attr("d", shape(mark.y));
    return still;
  }
  return {
    draw(frame, tween) {
      path.attr("d", shape(between(mark.frames[frame].y, mark.frames[frame + 1]?.y, tween)));
    },
  };
}

function band(group, mark, look, x, y) {
  const shape = areaShape((_, i) => x(mark.x[i]), (v) => y(v), (_, i) => y(mark.high[i])).defined(here);
  group.append("path").attr("class", "maml-band").attr("d", shape(mark.low));
  return still;
}

function lines(group, mark, look, x, y) {
  const shape = lineShape((p) => x(p[0]), (p) => y(p[1])).defined((p) => here(p[0]) && here(p[1]));
  stroke(group, look).attr("d", mark.lines.map((part) => shape(part)).join(""));
  return still;
}

function points(group, mark, look, x, y) {
  const dots = mark.x.map(() => dot(group, look));
  const put = (xs, ys) => dots.forEach((one, i) => place(one, x, y, xs[i], ys[i]));
  put(mark.x, mark.y);
  if (!mark.frames) return still;
  return {
    draw(frame, tween) {
      const [now, next] = [{ ...mark, ...mark.frames[frame] }, mark.frames[frame + 1]];
      put(between(now.x, next?.x, tween), between(now.y, next?.y, tween));
    },
  };
}

function dot(group, look) {
  return group.append("path").attr("d", symbol(SHAPES[look.marker], area(look))())
    .attr("class", look.filled ? "maml-fill maml-rim" : "maml-hollow");
}

function place(one, x, y, vx, vy) {
  const shown = here(vx) && here(vy);
  one.attr("visibility", shown ? null : "hidden");
  if (shown) one.attr("transform", `translate(${x(vx)},${y(vy)})`);
}

function trail(group, mark, look, x, y) {
  const shape = lineShape((i) => x(mark.x[i]), (i) => y(mark.y[i])).defined((i) => here(mark.x[i]) && here(mark.y[i]));
  const all = mark.x.map((_, i) => i);
  group.append("path").attr("class", "maml-stroke maml-faint").attr("stroke-width", 1).attr("d", shape(all));
  for (const i of all) {
    if (here(mark.x[i]) && here(mark.y[i])) {
      group.append("circle").attr("class", "maml-fill maml-faint").attr("r", 2.2).attr("cx", x(mark.x[i])).attr("cy", y(mark.y[i]));
    }
  }
  const solid = stroke(group, look);
  const now = dot(group, look);
  return {
    draw(frame, tween) {
      solid.attr("d", shape(all.slice(0, frame + 1)));
      const at = (values) => between([values[frame]], [values[frame + 1]], tween)[0];
      place(now, x, y, at(mark.x), at(mark.y));
    },
  };
}

function arrow(group, mark, look, x, y) {
  const [from, to] = [[x(mark.x), y(mark.y)], [x(mark.x + mark.dx), y(mark.y + mark.dy)]];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (!(length > 0.5)) return still;
  const [ux, uy] = [dx / length, dy / length];
  const head = Math.min(9 + mark.width, length);
  const base = [to[0] - head * ux, to[1] - head * uy];
  const half = head * 0.45;
  group.append("path").attr("class", "maml-stroke").attr("stroke-width", mark.width).attr("d", `M${from}L${base}`);
  group.append("path").attr("class", "maml-fill")
    .attr("d", `M${to}L${base[0] - half * uy},${base[1] + half * ux}L${base[0] + half * uy},${base[1] - half * ux}Z`);
  return still;
}
