// One panel: title, legend, axes, and its marks. Axes are drawn once a scene; marks every frame.
import { select } from "d3-selection";
import { axes, clipped, scales } from "./axes.js";
import { element } from "./dom.js";
import { galleryHeight, galleryView } from "./gallery.js";
import { legendView } from "./legend.js";
import { markView } from "./marks.js";

let clips = 0;

export function panelView(id, player) {
  const title = element("div", { class: "maml-panel-title" });
  const legend = legendView();
  const head = element("div", { class: "maml-panel-head" }, title, legend.root);
  const holder = element("div", { class: "maml-picture" });
  const note = element("div", { class: "maml-note" });
  const caption = element("div", { class: "maml-caption" });
  const root = element("div", { class: "maml-panel", "data-panel": id }, head, holder, caption);
  holder.append(note);
  const svg = select(holder).append("svg").attr("role", "img");
  const clip = `${player}-clip-${++clips}`;
  let data, scene, marks = [], size = "";

  function room() {
    const box = holder.getBoundingClientRect();
    return [Math.max(Math.round(box.width), 160), Math.max(Math.round(box.height), 120)];
  }

  function build() {
    if (!data.x) holder.style.height = `${galleryHeight(data.marks[0], holder.clientWidth)}px`;
    const [width, height] = room();
    size = `${width} ${height}`;
    svg.attr("viewBox", `0 0 ${size}`).attr("width", width).attr("height", height);
    svg.selectAll("*").remove();
    if (!data.x) {
      marks = [galleryView(svg, data.marks[0], width)];
      return;
    }
    const { x, y } = scales(data, width, height);
    axes(svg, data, x, y);
    const layer = clipped(svg, clip, x, y);
    marks = data.marks.map((mark) => markView(layer, mark, scene.style[mark.role], x, y));
  }

  return {
    id,
    root,
    picture: holder,
    replace(nextData, nextScene) {
      data = nextData;
      scene = nextScene;
      root.toggleAttribute("data-gallery", !data.x);
      title.textContent = data.title;
      caption.textContent = data.caption ?? "";
      caption.hidden = !data.caption;
      legend.replace(data.marks, scene.style);
      build();
    },
    // Whether the picture's room has changed, so that it was built anew and is to be drawn.
    resize() {
      if (room().join(" ") === size) return false;
      build();
      return true;
    },
    draw(frame, tween) {
      for (const mark of marks) mark.draw(frame, tween);
      legend.draw(frame);
      const text = data.notes?.[frame] ?? "";
      if (note.textContent !== text) note.textContent = text;
      note.hidden = !text;
    },
    speak: (frame) => svg.attr("aria-label", `${data.title}. ${data.alt[frame] ?? ""}`),
  };
}
