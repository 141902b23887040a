// What each learner makes of the points, in numbers.
import { element } from "../src/dom.js";
import { swatch } from "../src/legend.js";

export function tableView(marks, style) {
  const head = ["", "error at your points", "error on the whole wave"];
  const title = (text, scope) => element("th", { scope }, text);
  const rows = marks.map((mark) => {
    const cells = [element("td"), element("td")];
    const name = title("", "row");
    name.append(swatch(mark, style[mark.role]), mark.name);
    return { cells, root: element("tr", {}, name, ...cells) };
  });
  const corner = element("td");
  const root = element(
    "table", { class: "maml-hand-table" },
    element("thead", {}, element("tr", {}, corner, ...head.slice(1).map((text) => title(text, "col")))),
    element("tbody", {}, ...rows.map((row) => row.root)),
  );
  return {
    root,
    // `values` is a row of texts for each mark.
    show(values) {
      rows.forEach(({ cells }, i) => cells.forEach((cell, k) => {
        if (cell.textContent !== values[i][k]) cell.textContent = values[i][k];
      }));
    },
  };
}
