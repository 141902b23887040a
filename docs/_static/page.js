// What scrolls sideways can be reached by keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll("[role=heading]:not([aria-level])")) {
    caption.setAttribute("aria-level", "2"); // Sphinx leaves it out
  }
  const wide = ".highlight pre, .output pre, .table-wrapper, .cell_output, .math-wrapper, .sig";
  for (const element of document.querySelectorAll(wide)) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
  }
});
