// The anywidget: one Player per output. The kernel's scene comes in, pictures go out.
import { controlsView } from "./controls.js";
import { element } from "./dom.js";
import { lookRules } from "./looks.js";
import { panelView } from "./panel.js";
import { requests } from "./requests.js";
import { transport } from "./transport.js";

const SETTLED = 300; // ms after the last move, when the text follows the picture

function render({ model, el }) {
  // Random, for every widget runs its own copy of this module: a counter here would repeat itself.
  const id = `maml-${Math.random().toString(36).slice(2)}`;
  const root = element("div", { class: "maml-player", id, role: "group" });
  const looks = element("style");
  const heading = element("div", { class: "maml-title" });
  const grid = element("div", { class: "maml-panels" });
  const spoken = element("div", { class: "maml-hidden", "aria-live": "polite" });
  const status = element("div", { class: "maml-status", role: "status" });
  let scene; // what is drawn; the kernel sends it as text
  let panels = [];
  let scenes = 0;
  let drawn = 0;
  let timer;

  const steps = transport(id, (frame, tween) => draw(frame, tween));
  const asks = requests(model, (text) => say(text), (busy) => root.toggleAttribute("data-busy", busy));
  const controls = controlsView(id, model, (values) => asks.want(values));
  // A picture's room changes with the page's width, and when its legend needs a line more.
  const observer = new ResizeObserver(() => {
    const rebuilt = panels.filter((panel) => panel.resize());
    if (rebuilt.length) draw(drawn);
  });
  root.append(looks, heading, grid, steps.root, controls.root, status, spoken);
  el.replaceChildren(root);

  // `tween` in [0, 1): how far the picture is on its way from `frame` to the next one.
  function draw(frame, tween = 0) {
    for (const panel of panels) panel.draw(frame, tween);
    drawn = frame;
    root.dataset.step = String(frame);
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLED);
  }

  function settle() {
    spoken.textContent = scene.summary[drawn] ?? "";
    for (const panel of panels) panel.speak(drawn);
    if (model.get("step") !== drawn) {
      model.set("step", drawn);
      model.save_changes();
    }
  }

  function replace() {
    scene = JSON.parse(model.get("scene"));
    const rules = lookRules(id, scene.style);
    if (looks.textContent !== rules) looks.textContent = rules; // else the whole page is restyled
    heading.textContent = scene.title;
    const [panel, ...others] = scene.panels;
    heading.hidden = !others.length && panel?.title === scene.title; // said once is enough
    grid.toggleAttribute("data-gallery", scene.panels.some((p) => !p.x));
    grid.toggleAttribute("data-tall", !others.length && Boolean(panel?.equal));
    root.setAttribute("aria-label", scene.title);
    const columns = ["main", "side"].map((place) => scene.panels.filter((p) => p.place === place));
    panels = keepOrMake(panels, scene, grid, columns, id);
    observer.disconnect();
    for (const panel of panels) observer.observe(panel.picture);
    root.dataset.scene = String(++scenes);
    const frame = Math.min(scenes === 1 ? model.get("step") : drawn, scene.frames - 1);
    steps.replace(scene, frame);
    draw(frame);
  }

  function say(text) {
    status.textContent = text;
    status.hidden = !text;
  }

  const answered = () => asks.answered(model.get("answered"));
  const stepped = () => {
    if (model.get("step") !== drawn) steps.go(model.get("step"));
  };
  const stated = () => say(model.get("status"));
  const listeners = {
    "change:scene": replace,
    "change:answered": answered,
    "change:step": stepped,
    "change:status": stated,
    "change:values": () => controls.follow(asks.idle()),
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  replace();
  stated();
  settle();

  return () => {
    observer.disconnect();
    steps.stop();
    clearTimeout(timer);
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
  };
}

// Panels that the old scene had too stay in the page, so that a recomputed picture does not flash.
function keepOrMake(old, scene, grid, columns, id) {
  const kept = new Map(old.map((panel) => [panel.id, panel]));
  const made = new Map();
  for (const data of scene.panels) {
    const panel = kept.get(data.id) ?? panelView(data.id, id);
    made.set(data.id, panel);
  }
  const wanted = scene.panels.map((panel) => panel.id).join();
  if (wanted !== old.map((panel) => panel.id).join()) {
    const parts = columns.filter((column) => column.length).map((column) => {
      const part = element("div", { class: "maml-column" });
      part.append(...column.map((data) => made.get(data.id).root));
      return part;
    });
    grid.replaceChildren(...parts);
    grid.dataset.columns = String(parts.length);
  }
  for (const data of scene.panels) made.get(data.id).replace(data, scene);
  return [...made.values()];
}

export default { render };
