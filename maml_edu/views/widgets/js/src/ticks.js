// Where an axis has ticks, and what they say; few enough never to touch.
import { format } from "d3-format";
import { scaleLinear } from "d3-scale";

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function ticks(axis, most) {
  const count = Math.max(2, Math.min(Math.floor(most), 8));
  if (axis.scale === "log") return logTicks(axis.domain, count);
  const values = scaleLinear().domain(axis.domain).ticks(count);
  return axis.whole ? values.filter(Number.isInteger) : values;
}

function logTicks([low, high], count) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first + 1) / count));
  const values = [];
  for (let power = last; power >= first; power -= every) values.unshift(10 ** power);
  if (values.length >= 2) return values;
  return [1, 2, 5].flatMap((digit) => [first - 1, first, last].map((power) => digit * 10 ** power))
    .filter((value, i, all) => value >= low && value <= high && all.indexOf(value) === i)
    .sort((a, b) => a - b);
}

export function tickFormat(axis, values) {
  if (axis.scale === "log") return logText;
  const big = Math.max(...values.map(Math.abs));
  return big >= 1e5 || (big > 0 && big < 1e-3) ? format(".3~g") : format(",.6~g");
}

function logText(value) {
  const power = Math.round(Math.log10(value));
  if (value >= 9e-4 && value < 1e4) return format(".3~g")(value);
  const digit = Number((value / 10 ** Math.floor(Math.log10(value) + 1e-9)).toPrecision(2));
  const raised = [...String(power)].map((c) => RAISED[c]).join("");
  return digit === 1 ? `10${raised}` : format(".1~e")(value);
}
