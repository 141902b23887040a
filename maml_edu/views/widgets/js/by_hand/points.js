// The points as buttons over the picture, so that Tab reaches them; arrows move one, Enter or
// Insert places another, Delete removes it.
import { element } from "../src/dom.js";

const STEP = 0.1; // of an arrow key, on both axes
const LARGE = 5; // times that with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export function pointsView(act) {
  const root = element("div", { class: "maml-hand-points maml-support" });
  const buttons = [];

  function button() {
    const made = element("button", { type: "button", class: "maml-hand-point" });
    made.addEventListener("keydown", (event) => {
      const index = buttons.indexOf(made);
      const arrow = ARROWS[event.key];
      const size = event.shiftKey ? STEP * LARGE : STEP;
      if (arrow) act.nudge(index, arrow.map((one) => one * size));
      else if (event.key === "Enter" || event.key === "Insert") act.addNext();
      else if (event.key === "Delete" || event.key === "Backspace") act.remove(index);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return made;
  }

  return {
    root,
    focus: (index) => buttons[index]?.focus({ preventScroll: true }),
    // `places` are pixels, `points` what they stand for.
    show(places, points) {
      while (buttons.length > places.length) buttons.pop().remove();
      while (buttons.length < places.length) {
        buttons.push(button());
        root.append(buttons.at(-1));
      }
      places.forEach(([left, top], i) => {
        const [x, y] = points[i].map((v) => v.toFixed(1));
        buttons[i].style.transform = `translate(${left}px, ${top}px)`;
        buttons[i].setAttribute("aria-label", `point ${i + 1} of ${points.length}: x ${x}, y ${y}`);
      });
    },
  };
}
