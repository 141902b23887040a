// The canvas that one draws on: mouse, finger or pen, one pointer at a time.
import { element } from "../src/dom.js";
import { isStrokes, paint } from "./paint.js";

const SIDE = 630; // pixels of the canvas; the page's width says how large it is shown
const NEAR = 0.5; // of the page's pixels: nearer points add nothing
const MOST_POINTS = 5000;
const MOST_STROKES = 200;

// `begun` is called before the first point of a stroke, `drawn` with the drawing after its last.
export function padView({ begun, drawn }) {
  const canvas = element("canvas", { class: "maml-draw-pad", width: SIDE, height: SIDE, role: "img" });
  const guide = element("div", { class: "maml-draw-guide", "aria-hidden": "true" });
  const root = element("div", { class: "maml-draw-paper" }, guide, canvas);
  let limits = { page: 105, pen: 5 };
  let shown = null;
  let pointer = null; // that is drawing

  const repaint = () => paint(canvas, shown, limits);

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return at.map((v) => Math.round(10 * limits.page * Math.min(Math.max(v, 0), 1)) / 10);
  }

  function add(event) {
    const stroke = shown.strokes.at(-1);
    const next = point(event);
    const last = stroke.at(-1);
    const far = !last || Math.hypot(next[0] - last[0], next[1] - last[1]) >= NEAR;
    if (far && shown.strokes.flat().length < MOST_POINTS) stroke.push(next);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    event.preventDefault();
    const before = isStrokes(shown) ? shown.strokes : []; // pixels are drawn anew, not over
    if (before.length >= MOST_STROKES) return;
    pointer = event.pointerId;
    try {
      canvas.setPointerCapture(pointer);
    } catch {
      // a pointer that a script made up cannot be captured
    }
    begun();
    shown = { strokes: [...before, []] };
    add(event);
    repaint();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) add(one);
    repaint();
  });
  const end = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    drawn(shown);
  };
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(name, end);

  return {
    root,
    busy: () => pointer !== null,
    show(drawing, label, nextLimits) {
      limits = nextLimits;
      shown = drawing;
      canvas.setAttribute("aria-label", label);
      repaint();
    },
  };
}
