// What a hand does on the picture, with mouse, finger or pen. On a point: drag it; a double click
// or a long press removes it. Elsewhere: a click places a point, a stroke draws.
const STILL = 6; // pixels: less is no move
const LONG = 600; // ms of a long press
const NEAR = { mouse: 14, pen: 18, touch: 26 }; // pixels around a point
const DOUBLE = 700; // ms in which a new point is safe from the second click of a double one

export function watchHand(stage, act) {
  let held = null; // { pointer, from, index, moved, stroke }
  let timer;
  let added = { index: -1, at: 0 };

  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const far = ([x, y], [a, b]) => Math.hypot(x - a, y - b) > STILL;

  stage.addEventListener("pointerdown", (event) => {
    if (held || event.button !== 0) return;
    event.preventDefault();
    try {
      stage.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that a script made up cannot be captured
    }
    const index = act.nearest(at(event), NEAR[event.pointerType] ?? NEAR.mouse);
    held = { pointer: event.pointerId, from: at(event), index };
    if (index < 0) return;
    act.take(index);
    if (event.pointerType === "mouse") return;
    timer = setTimeout(() => {
      held = null;
      act.remove(index);
    }, LONG);
  });

  stage.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held?.pointer) return;
    if (!held.moved && !far(at(event), held.from)) return;
    clearTimeout(timer);
    if (held.index >= 0) {
      if (!held.moved) act.begin();
      act.move(held.index, at(event));
    } else {
      if (!held.moved) act.startStroke(held.from);
      const all = event.getCoalescedEvents?.() ?? [];
      act.stroke((all.length ? all : [event]).map(at));
    }
    held.moved = true;
  });

  function end(event) {
    if (event.pointerId !== held?.pointer) return;
    clearTimeout(timer);
    const { index, moved, from } = held;
    held = null;
    if (moved) act.rest();
    else if (index < 0 && event.type === "pointerup") {
      added = { index: act.add(from), at: event.timeStamp };
    }
  }
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    stage.addEventListener(name, end);
  }
  stage.addEventListener("dblclick", (event) => {
    const index = act.nearest(at(event), NEAR.mouse);
    const isNew = index === added.index && event.timeStamp - added.at < DOUBLE;
    if (index >= 0 && !isNew) act.remove(index);
  });
  stage.addEventListener("contextmenu", (event) => {
    if (event.pointerType !== "mouse") event.preventDefault(); // of a long press
  });

  return { busy: () => held !== null, stop: () => clearTimeout(timer) };
}
