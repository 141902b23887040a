// A panel of small drawings with captions, and beside each its bars, if it has some. The page's
// width says how many columns there are.
import { select } from "d3-selection";

const NARROWEST = { plain: 46, bars: 98 };
const WIDEST = { plain: 84, bars: 176 };
const LARGE = 1.6; // times the widest, where the mark asks for it
const CAPTION = 17;
const LETTERS = 12; // under the bars, where there is room for them
const GAP = 8;

function layout(mark, width) {
  const kind = mark.frames?.[0].bars ? "bars" : "plain";
  const columns = Math.max(1, Math.min(mark.columns, mark.images.length, Math.floor(width / NARROWEST[kind])));
  const larger = mark.large ? LARGE : 1;
  const tile = Math.min(width / columns, larger * WIDEST[kind]);
  const side = kind === "bars" ? Math.min(0.42 * tile, larger * 62) : tile - GAP;
  return { kind, columns, tile, side, height: side + CAPTION + GAP };
}

export function galleryHeight(mark, width) {
  const { columns, height } = layout(mark, width);
  return Math.ceil(mark.images.length / columns) * height;
}

export function galleryView(svg, mark, width) {
  const { kind, columns, tile, side, height } = layout(mark, width);
  const at = (i) => [(i % columns) * tile, Math.floor(i / columns) * height];
  const label = (i) => mark.labels?.[i];
  const tiles = mark.images.map((png, i) => {
    const group = svg.append("g").attr("transform", `translate(${at(i)})`);
    const frame = group.append("rect").attr("class", "maml-paper").attr("x", 1).attr("y", 1)
      .attr("width", side).attr("height", side);
    group.append("image").attr("class", "maml-ink").attr("href", `data:image/png;base64,${png}`)
      .attr("x", 1).attr("y", 1).attr("width", side).attr("height", side);
    if (label(i) !== undefined) {
      group.append("rect").attr("class", `maml-fill maml-${mark.classes[label(i)]}`)
        .attr("x", 1).attr("y", side + 1).attr("width", side).attr("height", 3);
    }
    const caption = group.append("text").attr("class", "maml-told").attr("y", side + CAPTION)
      .attr("x", kind === "bars" ? 1 : side / 2 + 1).attr("text-anchor", kind === "bars" ? null : "middle");
    return { frame, caption };
  });
  const bars = kind === "bars" ? barsView(svg, mark, at, tile, side) : null;
  let told;
  return {
    draw(frame, tween) {
      const { captions, right } = { captions: mark.captions, ...mark.frames?.[frame] };
      if (told !== frame) {
        tiles.forEach((one, i) => {
          one.caption.text(captions[i]);
          one.frame.classed("maml-wrong", right ? !right[i] : false);
          one.caption.classed("maml-wrong", right ? !right[i] : false);
        });
        told = frame;
      }
      bars?.draw(frame, tween);
    },
  };
}

// One path a class, through all drawings: few things to change at a step.
function barsView(svg, mark, at, tile, side) {
  const ways = mark.names.length;
  const left = side + 7;
  const room = tile - left - 10;
  const each = room / ways;
  const named = each >= 7.5 ? LETTERS : 0;
  const base = side - named + 1;
  const paths = mark.names.map((_, k) => svg.append("path").attr("class", `maml-fill maml-${mark.classes[k]}`));
  mark.images.forEach((_, i) => {
    const group = svg.append("g").attr("transform", `translate(${at(i)})`);
    for (const [y, kind] of [[1, "maml-top"], [base, "maml-base"]]) {
      group.append("line").attr("class", kind).attr("x1", left).attr("x2", left + room).attr("y1", y).attr("y2", y);
    }
    mark.names.forEach((name, k) => {
      const middle = left + (k + 0.5) * each;
      const own = k === mark.labels?.[i];
      if (named) {
        group.append("text").attr("class", own ? "maml-letter maml-own" : "maml-letter")
          .attr("x", middle).attr("y", base + LETTERS - 2).text(name);
      } else if (own) {
        group.append("path").attr("class", "maml-own").attr("d", `M${middle},${base + 2}l3.5,6h-7Z`);
      }
    });
  });
  return {
    draw(frame, tween) {
      const [now, next] = [mark.frames[frame].bars, mark.frames[frame + 1]?.bars];
      paths.forEach((path, k) => {
        path.attr("d", now.map((row, i) => {
          const value = row[k] + (tween && next ? tween * (next[i][k] - row[k]) : 0);
          const [x, y] = at(i);
          const top = value * (base - 1);
          return `M${x + left + k * each + 0.08 * each},${y + base}v${-top}h${0.84 * each}v${top}Z`;
        }).join(""));
      });
    },
  };
}
