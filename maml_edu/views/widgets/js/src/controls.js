// The controls of `explore`: native inputs, each with its label and, for numbers, its value.
import { format } from "d3-format";
import { element } from "./dom.js";

export function controlsView(id, model, want) {
  const root = element("div", { class: "maml-controls" });
  const inputs = model.get("controls").map((spec) => make(spec, `${id}-${spec.name}`));
  root.append(...inputs.map((input) => input.root));
  root.hidden = !inputs.length;

  const values = () => Object.fromEntries(inputs.map((input) => [input.name, input.value()]));
  for (const input of inputs) {
    input.put(model.get("values")[input.name]);
    input.native.addEventListener("input", () => {
      input.show();
      want(values());
    });
  }
  return {
    root,
    // Python moved them; while a request flies the browser's own positions are the newer ones.
    follow(idle) {
      if (idle) for (const input of inputs) input.put(model.get("values")[input.name]);
    },
  };
}

const KINDS = { slider, choice, toggle };

function make(spec, id) {
  const attributes = {
    id, class: "maml-control", "data-name": spec.name, "data-lm-suppress-shortcuts": "true",
  };
  const made = KINDS[spec.kind](spec, attributes);
  const label = element("label", { for: id }, spec.label);
  const readout = element("output", { class: "maml-readout", for: id, "aria-hidden": "true" });
  const root = element("div", { class: `maml-field maml-${spec.kind}` }, label, made.native, readout);
  const show = () => {
    const text = made.text?.() ?? "";
    readout.textContent = text;
    if (text) made.native.setAttribute("aria-valuetext", text);
  };
  const put = (value) => {
    made.put(value);
    show();
  };
  return { ...made, name: spec.name, root, show, put };
}

// A log slider's positions are powers of ten; both ends are exactly the given ones.
function slider(spec, attributes) {
  const to = (value) => (spec.log ? Math.log10(value / spec.min) : value - spec.min);
  const from = (at) => (spec.log ? spec.min * 10 ** at : spec.min + at);
  const moves = Math.max(1, Math.ceil(to(spec.max) / spec.step - 1e-9));
  const native = element("input", { ...attributes, type: "range", min: 0, max: moves, step: 1 });
  const show = format(spec.fmt.replace(/g$/, "~g"));
  const value = () => {
    const at = Number(native.value);
    if (at === moves) return spec.max;
    const exact = from(at * spec.step);
    return spec.whole ? Math.round(exact) : Math.min(Math.max(Number(exact.toPrecision(6)), spec.min), spec.max);
  };
  let given = null; // Python may set a value between two positions: kept until the reader moves
  native.addEventListener("input", () => (given = null), true);
  return {
    native,
    value: () => given ?? value(),
    text: () => show(given ?? value()),
    put(next) {
      native.value = Math.round(to(next) / spec.step);
      given = next;
    },
  };
}

function choice(spec, attributes) {
  const options = spec.options.map((name) => element("option", { value: name }, name));
  const native = element("select", attributes, ...options);
  return { native, value: () => native.value, put: (next) => (native.value = next) };
}

function toggle(spec, attributes) {
  const native = element("input", { ...attributes, type: "checkbox" });
  return { native, value: () => native.checked, put: (next) => (native.checked = next) };
}
