// The step row: play, a native range input, and where we are.
import { element } from "./dom.js";

const HOLD = 450; // ms on each step while playing
const MOVE = 220; // ms between two of them
const LONGEST = 12000; // ms for a whole play; long runs go faster

export function transport(id, draw) {
  const play = element("button", { type: "button", class: "maml-play" });
  const range = element("input", {
    type: "range", class: "maml-step", id: `${id}-step`, min: 0, step: 1,
    "data-lm-suppress-shortcuts": "true",
  });
  const label = element("label", { for: `${id}-step` });
  const readout = element("output", { class: "maml-readout", for: `${id}-step`, "aria-hidden": "true" });
  const root = element("div", { class: "maml-transport" }, play, label, range, readout);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let scene = { frames: 1, frame_label: "step", summary: [""] };
  let frame = 0;
  let playing = 0; // the animation request, 0 when still

  function show(next, tween = 0) {
    frame = Math.min(Math.max(next, 0), scene.frames - 1);
    range.value = frame;
    readout.textContent = `${frame} of ${scene.frames - 1}`;
    range.setAttribute("aria-valuetext", `${scene.frame_label} ${frame} of ${scene.frames - 1}`);
    draw(frame, tween);
  }

  function face() {
    play.textContent = playing ? "❚❚" : "▶";
    const name = playing ? "Pause" : "Play";
    play.setAttribute("aria-label", name);
    play.title = `${name} the ${scene.frame_label}s`;
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    face();
  }

  function start() {
    if (frame === scene.frames - 1) show(0);
    const each = Math.min(HOLD + MOVE, LONGEST / scene.frames);
    const move = still.matches ? 0 : (MOVE / (HOLD + MOVE)) * each;
    let since = performance.now();
    const tick = (now) => {
      const past = now - since;
      if (past >= each) {
        since = now;
        show(frame + 1);
        if (frame === scene.frames - 1) return stop();
      } else if (past > each - move) {
        const t = (past - (each - move)) / move;
        draw(frame, t * t * (3 - 2 * t));
      }
      playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
    face();
  }

  play.addEventListener("click", () => (playing ? (stop(), show(frame)) : start()));
  range.addEventListener("input", () => {
    stop();
    show(Number(range.value));
  });
  face();

  return {
    root,
    stop,
    go(next) {
      stop();
      show(next);
    },
    replace(next, at) {
      scene = next;
      range.max = scene.frames - 1;
      label.textContent = scene.frame_label;
      root.hidden = scene.frames < 2;
      if (at >= scene.frames - 1) stop();
      show(at);
      face();
    },
  };
}
