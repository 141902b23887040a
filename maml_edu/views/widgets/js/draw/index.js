// The anywidget: places for drawings, a pad, a palette; below them the player of what Python made.
import { element } from "../src/dom.js";
import player from "../src/index.js";
import { requests } from "../src/requests.js";
import { isStrokes } from "./paint.js";
import { padView } from "./pad.js";
import { taskOf } from "./task.js";
import { tilesView } from "./tiles.js";

const keep = { "data-lm-suppress-shortcuts": "true" };
const FILE = "my_drawings.json";

function render({ model, el }) {
  const id = `maml-${Math.random().toString(36).slice(2)}`;
  const limits = model.get("limits");
  const task = taskOf(limits.names);
  let selected = 0; // the place that is drawn in
  let loading = false; // a file's drawings are with Python

  const places = tilesView({ class: "maml-draw-places", "aria-label": "the task's drawings" }, (i) => {
    selected = task.places()[i];
    show();
  });
  const pad = padView({
    begun: () => task.remember(selected),
    drawn(drawing) {
      task.put(selected, drawing);
      changed();
    },
  });
  const palette = tilesView({ class: "maml-draw-palette", "aria-labelledby": `${id}-palette` }, choose);
  const title = element("div", { class: "maml-draw-title" });
  const undo = button("Undo", () => {
    task.undo(selected);
    changed();
  });
  const clear = button("Clear", () => {
    task.remember(selected);
    task.put(selected, null);
    changed();
  });
  const clearAll = button("Clear all", () => {
    for (const place of task.places()) {
      task.remember(place);
      task.put(place, null);
    }
    selected = 0;
    places.turnTo(0);
    changed();
  });
  const way = select("ways", limits.ways, (value) => (task.way = value));
  const shots = select("shots", limits.shots, (value) => (task.shots = value));
  const save = button("Save", download);
  const file = element("input", { type: "file", accept: ".json,application/json", class: "maml-hidden", tabindex: "-1", "aria-hidden": "true" });
  const open = button("Load", () => file.click());
  const status = element("div", { class: "maml-draw-status", role: "status" });
  const heading = element("div", { class: "maml-draw-palette-title", id: `${id}-palette` });
  const below = element("div", { class: "maml-draw-player" });
  const root = element(
    "div", { class: "maml-draw", id, role: "group", "aria-label": "Draw your own task" },
    element("div", { class: "maml-draw-bar" }, way.root, shots.root, clearAll, save, open, file),
    places.root,
    element(
      "div", { class: "maml-draw-work" },
      element("div", { class: "maml-draw-desk" }, title, pad.root,
        element("div", { class: "maml-draw-bar" }, undo, clear)),
      element("div", { class: "maml-draw-side" }, heading, palette.root),
    ),
    status,
    below,
  );
  el.replaceChildren(root);

  const asks = requests(model, (text) => say(text), (busy) => root.toggleAttribute("data-busy", busy));

  function button(text, act) {
    const made = element("button", { type: "button", class: "maml-draw-button", ...keep }, text);
    made.addEventListener("click", act);
    return made;
  }

  function select(name, [least, most], put) {
    const values = [...Array(most - least + 1).keys()].map((k) => String(least + k));
    const options = values.map((value) => element("option", { value }, value));
    const native = element("select", { id: `${id}-${name}`, "data-name": name, ...keep }, ...options);
    const label = element("label", { for: `${id}-${name}` }, name);
    native.addEventListener("change", () => {
      put(Number(native.value));
      if (!task.places().includes(selected)) selected = 0;
      places.turnTo(task.places().indexOf(selected));
      changed();
    });
    return { native, root: element("span", { class: "maml-draw-select" }, label, native) };
  }

  // A drawing of the palette goes to the selected place; the next empty one is selected then.
  function choose(index) {
    const { name, drawing } = model.get("palette")[index];
    task.remember(selected);
    task.put(selected, drawing);
    const told = `${name} is now ${task.name(selected)}.`;
    const all = task.places();
    const after = [...all.slice(all.indexOf(selected) + 1), ...all];
    selected = after.find((place) => !task.at(place)) ?? selected;
    places.turnTo(all.indexOf(selected));
    changed();
    if (model.get("missing") || after.some((place) => !task.at(place))) {
      say(`${told} Next: ${task.name(selected)}.`);
    } else say(told);
  }

  function changed() {
    show();
    asks.want({ drawings: task.asJson() });
  }

  function show() {
    const now = task.at(selected);
    const tiles = task.places().map((place) => {
      const name = task.name(place);
      const what = place === task.query ? "the query" : `support drawing ${name}`;
      const group = place === task.query ? "query" : String(1 + Math.floor(place / 3));
      return {
        drawing: task.at(place), label: place === task.query ? "query" : name, group,
        name: `${what}, ${task.at(place) ? "drawn" : "empty"}`, pressed: place === selected,
      };
    });
    places.show(tiles, limits);
    const name = task.name(selected);
    title.textContent = selected === task.query ? "Draw the query" : `Draw ${name}`;
    const count = isStrokes(now) ? now.strokes.length : 0;
    const have = count ? `${count} stroke${count > 1 ? "s" : ""}` : now ? "from the palette" : "empty";
    pad.show(now, `Pad for ${name}: ${have}. Draw with mouse, finger or pen, or choose from the palette.`, limits);
    undo.disabled = !task.canUndo(selected);
    clear.disabled = !now;
    way.native.value = String(task.way);
    shots.native.value = String(task.shots);
    heading.textContent = `Or choose a drawing for ${name}`;
    root.dataset.place = name;
  }

  function say(text) {
    status.textContent = text;
    status.hidden = !text;
  }

  function lacks() {
    const missing = model.get("missing");
    root.toggleAttribute("data-missing", Boolean(missing));
    below.inert = Boolean(missing);
    say(missing ? `Still to be drawn: ${missing}.` : model.get("status"));
  }

  function download() {
    const text = JSON.stringify(task.asJson());
    const link = element("a", { download: FILE });
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(`Saved as ${FILE}.`);
  }

  // Python looks whether it is a set of drawings; then it comes back as `values`.
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const text = await chosen.text();
    file.value = "";
    try {
      loading = true;
      asks.want({ drawings: JSON.parse(text) });
    } catch {
      loading = false;
      say(`${chosen.name} does not hold valid JSON.`);
    }
  });

  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || undo.disabled) return;
    event.preventDefault();
    undo.click();
  });

  function adopt() {
    const given = model.get("values").drawings;
    if (pad.busy() || JSON.stringify(given) === JSON.stringify(task.asJson())) return;
    task.replace(given);
    if (!task.places().includes(selected)) selected = 0;
    show();
  }

  const listeners = {
    "change:answered": () => {
      asks.answered(model.get("answered"));
      if (loading && asks.idle()) {
        loading = false;
        adopt();
      }
    },
    "change:values": () => asks.idle() && adopt(),
    "change:missing": lacks,
    "change:status": lacks,
    "change:palette": () => showPalette(),
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);

  function showPalette() {
    const all = model.get("palette");
    heading.hidden = palette.root.hidden = !all.length;
    palette.show(all.map(({ name, drawing }) => ({ drawing, label: "", name })), limits);
  }

  showPalette();
  adopt();
  show();
  lacks();
  const close = player.render({ model, el: below });
  return () => {
    close();
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
  };
}

export default { render };
