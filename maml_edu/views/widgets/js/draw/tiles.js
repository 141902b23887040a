// Rows of small drawings that are buttons, one of which Tab reaches; arrows move among them.
import { element } from "../src/dom.js";
import { paint } from "./paint.js";

const SIDE = 84; // pixels of a small canvas
const keep = { "data-lm-suppress-shortcuts": "true" }; // else JupyterLab takes the arrow keys

export function tilesView(attributes, choose) {
  const root = element("div", { role: "group", ...attributes });
  let buttons = [];
  let current = 0; // which one Tab reaches

  function turnTo(index) {
    current = Math.min(Math.max(index, 0), buttons.length - 1);
    for (const [i, button] of buttons.entries()) button.tabIndex = i === current ? 0 : -1;
  }

  root.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const top = buttons[0].offsetTop;
    const columns = Math.max(1, buttons.filter((button) => button.offsetTop === top).length);
    const to = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns,
      Home: 0, End: buttons.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (!buttons[to]) return;
    turnTo(to);
    buttons[to].focus();
  });

  return {
    root,
    turnTo,
    focus: () => buttons[current]?.focus(),
    // tiles: {drawing, label (seen), name (spoken), role (of the colours), pressed}
    show(tiles, limits) {
      while (buttons.length > tiles.length) buttons.pop().remove();
      while (buttons.length < tiles.length) {
        const canvas = element("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
        const label = element("span", { class: "maml-draw-label", "aria-hidden": "true" });
        const button = element("button", { type: "button", class: "maml-draw-tile", ...keep }, canvas, label);
        const index = buttons.length;
        button.addEventListener("click", () => {
          turnTo(index);
          choose(index);
        });
        buttons.push(button);
        root.append(button);
      }
      for (const [i, tile] of tiles.entries()) {
        const button = buttons[i];
        const content = JSON.stringify(tile.drawing);
        if (button.content !== content) paint(button.firstChild, tile.drawing, limits);
        button.content = content;
        button.lastChild.textContent = tile.label;
        button.setAttribute("aria-label", tile.name);
        if (tile.pressed !== undefined) button.setAttribute("aria-pressed", String(tile.pressed));
        if (tile.group) button.dataset.group = tile.group;
        button.toggleAttribute("data-empty", !tile.drawing);
      }
      turnTo(current);
    },
  };
}
