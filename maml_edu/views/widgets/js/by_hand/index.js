// The anywidget: a picture to place points on, and learners that adapt to them at every move.
import { select } from "d3-selection";
import { axes, clipped, scales } from "../src/axes.js";
import { element } from "../src/dom.js";
import { legendView } from "../src/legend.js";
import { lookRules } from "../src/looks.js";
import { markView } from "../src/marks.js";
import { transport } from "../src/transport.js";
import { watchHand } from "./hand.js";
import { gridOf, learnersOf } from "./learners.js";
import { pointsView } from "./points.js";
import { tableView } from "./table.js";
import { taskOf } from "./task.js";
import { drawOn, errorOn, heightAt, pointsOf, widestGap } from "./waves.js";

const SETTLED = 300; // ms after the last move, when words and Python follow the picture
const FROM_STROKE = 5; // points taken from a wave that is drawn
const NARROW = 24; // pixels: a stroke is a wave when it is wider
const SNAP = 14; // pixels above or below the dashed wave in which a click lands on it
const FAR = 20; // times the picture's height: a curve further out is drawn there

function render({ model, el }) {
  const id = `maml-${Math.random().toString(36).slice(2)}`;
  const setup = JSON.parse(model.get("setup"));
  const grid = gridOf(setup);
  const learners = learnersOf(setup, model.get("networks"), grid);
  const task = taskOf(setup);
  const frames = [...Array(setup.steps + 1).keys()];
  let [scaleX, scaleY, views, size] = [null, null, [], ""];
  let [step, changes, timer] = [model.get("step"), 0, 0];
  let saving = false;
  let told = ""; // what the hand did last, for those who listen

  // What is drawn: marks as in a scene, whose values are read anew at every frame.
  const [low, high] = setup.y.domain;
  const reach = FAR * (high - low);
  const visible = (y) => (Number.isFinite(y) ? Math.min(Math.max(y, -reach), reach) : null);
  const line = (role, name, curve) => ({
    kind: "line", role, name, x: grid,
    frames: frames.map((k) => ({ get y() { return curve(k); } })),
  });
  const wave = line("truth", "the wave", () => (task.drawn.length ? task.drawn : grid.map(() => null)));
  const lines = learners.map((one, i) =>
    line(setup.roles[i], one.name, (k) => one.curve(k).map(visible)));
  const dots = { kind: "points", role: "support", name: "your points" };

  const legend = legendView();
  legend.replace([wave, dots], setup.style);
  const table = tableView(lines, setup.style);
  const stage = element("div", { class: "maml-picture" });
  const note = element("div", { class: "maml-note" });
  const spoken = element("div", { class: "maml-hidden", "aria-live": "polite" });
  const steps = transport(id, (frame, tween) => show(frame, tween));
  const points = pointsView({ nudge, addNext, remove });
  const buttons = {
    add: button("Add point", () => addNext()),
    another: button("New wave", anotherWave),
    undo: button("Undo", undo),
    clear: button("Clear", () => change(() => (task.points = []), "No points.")),
  };
  const svg = select(stage).append("svg").attr("role", "img");
  stage.append(points.root, note);
  const root = element(
    "div",
    { class: "maml-player maml-hand", id, role: "group", "aria-label": "A task by hand", "data-lm-suppress-shortcuts": "true" },
    element("style", {}, lookRules(id, setup.style)),
    element("div", { class: "maml-hand-bar" }, ...Object.values(buttons), legend.root),
    stage, steps.root, table.root, spoken,
  );
  el.replaceChildren(root);

  function button(text, act) {
    const made = element("button", { type: "button", class: "maml-hand-button" }, text);
    made.addEventListener("click", act);
    return made;
  }

  // Pictures

  function build() {
    const [width, height] = [Math.max(stage.clientWidth, 160), Math.max(stage.clientHeight, 120)];
    if (size === `${width} ${height}`) return;
    size = `${width} ${height}`;
    svg.attr("viewBox", `0 0 ${size}`).attr("width", width).attr("height", height);
    svg.selectAll("*").remove();
    ({ x: scaleX, y: scaleY } = scales(setup, width, height));
    axes(svg, setup, scaleX, scaleY);
    const layer = clipped(svg, `${id}-clip`, scaleX, scaleY);
    views = [wave, ...lines].map((mark) => markView(layer, mark, setup.style[mark.role], scaleX, scaleY));
    place();
    show(step);
  }

  const pixels = ([x, y]) => [scaleX(x), scaleY(y)];
  const values = ([left, top]) => task.place([scaleX.invert(left), scaleY.invert(top)]);

  function place() {
    if (scaleX) points.show(task.points.map(pixels), task.points);
  }

  function show(frame, tween = 0) {
    step = frame;
    for (const view of views) view.draw(frame, tween);
    table.show(learners.map((one) => [
      number(one.loss(frame)), number(errorOn(task.drawn, one.curve(frame))),
    ]));
    root.dataset.step = String(frame);
    later();
  }

  // The points or the wave have changed: everyone learns anew.
  function learn() {
    for (const one of learners) one.learn(task.points);
    place();
    buttons.add.disabled = task.isFull();
    buttons.undo.disabled = !task.canUndo();
    buttons.clear.disabled = !task.points.length;
    steps.root.classList.toggle("maml-unseen", !task.points.length);
    legend.root.firstChild.hidden = !task.drawn.length;
    const how = task.drawn.length ? "Click on the dashed wave, or draw one of your own" : "Click to place points, or draw a wave";
    note.textContent = task.isFull() ? `${setup.most} points: no more fit` : how;
    note.hidden = task.points.length > 0 && !task.isFull();
    show(step);
    root.dataset.scene = String(++changes);
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLED);
  }

  function settle() {
    const errors = learners.map((one) => `${one.name} ${number(one.loss(step))}`).join(", ");
    const text = task.points.length ? `Inner step ${step}. Error at the points: ${errors}.` : "No points yet.";
    svg.attr("aria-label", `${task.points.length} points, and what each learner makes of them. ${text}`);
    spoken.textContent = `${told} ${text}`.trim();
    told = "";
    if (!hand.busy()) save();
  }

  // What Python gets: the last of what was done. The widget manager keeps one message in flight.
  function save() {
    const now = { points: task.points, drawn: task.drawn, step };
    const changed = Object.keys(now).filter((key) => JSON.stringify(model.get(key)) !== JSON.stringify(now[key]));
    saving = true; // each value of them is news to those who listen, us among them
    for (const key of changed) model.set(key, structuredClone(now[key]));
    saving = false;
    if (changed.length) model.save_changes();
  }

  // Changes

  function change(act, words) {
    task.remember();
    act();
    told = words;
    learn();
    save();
  }

  const spell = (index) => {
    const [x, y] = task.points[index].map((v) => v.toFixed(1));
    return `Point ${index + 1} of ${task.points.length}: x ${x}, y ${y}.`;
  };

  function add(point) {
    if (task.isFull()) return -1;
    change(() => task.points.push(task.place(point)), "A new point.");
    points.focus(task.points.length - 1);
    return task.points.length - 1;
  }

  function addNext() {
    const x = widestGap(task.points, task.drawn, grid);
    add([x, heightAt(task.drawn, grid, x) ?? 0]);
  }

  function remove(index) {
    change(() => task.points.splice(index, 1), `Point ${index + 1} removed.`);
    if (task.points.length) points.focus(Math.min(index, task.points.length - 1));
    else buttons.add.focus();
  }

  function nudge(index, [dx, dy]) {
    task.remember();
    const [x, y] = task.points[index];
    task.points[index] = task.place([x + dx, y + dy]);
    told = spell(index);
    learn();
  }

  function undo() {
    task.undo();
    told = "Undone.";
    learn();
    save();
  }

  // The points keep their x, and lie on the new wave.
  function anotherWave() {
    const [amplitude, phase] = [setup.amplitude, setup.phase]
      .map(([least, most]) => least + Math.random() * (most - least));
    const height = (x) => amplitude * Math.sin(x - phase);
    change(() => {
      task.drawn = grid.map((x) => Math.round(1000 * height(x)) / 1000);
      task.points = task.points.map(([x]) => task.place([x, height(x)]));
    }, "A new wave.");
  }

  const onWave = ([left, top]) => {
    const [x, y] = values([left, top]);
    const height = heightAt(task.drawn, grid, x);
    return height !== null && Math.abs(scaleY(height) - top) <= SNAP ? [x, height] : [x, y];
  };

  let stroke; // { left, right, last } while a wave is drawn
  const hand = watchHand(stage, {
    nearest(at, reach) {
      const far = task.points.map((point) => {
        const [left, top] = pixels(point);
        return Math.hypot(left - at[0], top - at[1]);
      });
      const least = Math.min(...far);
      return least <= reach ? far.indexOf(least) : -1;
    },
    take: (index) => points.focus(index),
    begin: () => task.remember(),
    move(index, at) {
      task.points[index] = values(at);
      told = spell(index);
      learn();
    },
    startStroke(at) {
      task.remember();
      stroke = { left: at[0], right: at[0], last: at, before: task.asText() };
      [task.drawn, task.points] = [grid.map(() => null), []];
    },
    stroke(places) {
      for (const at of places) {
        drawOn(task.drawn, grid, values(stroke.last), values(at));
        stroke = { ...stroke, left: Math.min(stroke.left, at[0]), right: Math.max(stroke.right, at[0]), last: at };
      }
      const wide = stroke.right - stroke.left > NARROW;
      task.points = wide ? pointsOf(task.drawn, grid, FROM_STROKE).map(task.place) : [];
      told = `A wave, and ${FROM_STROKE} points of it.`;
      learn();
    },
    rest() {
      if (stroke && !task.points.length) task.undo();
      stroke = null;
      learn();
      save();
    },
    add: (at) => add(onWave(at)),
    remove,
  });
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    undo();
  });

  // Python's values: at first, and whenever it sets others. A hand that is at work wins.
  function adopt() {
    const [given, drawn] = [model.get("points"), model.get("drawn")];
    if (saving || hand.busy()) return;
    if (changes && JSON.stringify([given, drawn]) === task.asText()) return;
    if (changes) task.remember();
    [task.points, task.drawn] = structuredClone([given, drawn]);
    learn();
  }
  const stepped = () => !saving && model.get("step") !== step && steps.go(model.get("step"));
  const listeners = { "change:points": adopt, "change:drawn": adopt, "change:step": stepped };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  adopt();
  steps.replace({ frames: frames.length, frame_label: "inner step" }, step);
  const observer = new ResizeObserver(build);
  observer.observe(stage);
  build();

  return () => {
    observer.disconnect();
    steps.stop();
    hand.stop();
    clearTimeout(timer);
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
  };
}

function number(value) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return "diverged";
  return value < 100 ? value.toFixed(2) : value.toPrecision(3);
}

export default { render };
