// What scrolls sideways can be reached by keyboard, formulas included once they are set.
(() => {
  const WIDE =
    ".highlight pre, .output pre, .table-wrapper, .cell_output, .math-wrapper, .sig, mjx-container";

  function reachable() {
    for (const element of document.querySelectorAll(WIDE)) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const caption of document.querySelectorAll("[role=heading]:not([aria-level])")) {
      caption.setAttribute("aria-level", "2"); // Sphinx leaves it out
    }
    reachable();
  });
  window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    reachable();
  });
  window.addEventListener("resize", reachable);
})();
