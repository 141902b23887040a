// The anywidget: a question at a time. The state is `answers` and which question is on the page.
import { element } from "../src/dom.js";
import { count, interval } from "./score.js";

function render({ model, el }) {
  // Random, for every widget runs its own copy of this module: a counter here would repeat itself.
  const id = `maml-${Math.random().toString(36).slice(2)}`;
  const keep = { "data-lm-suppress-shortcuts": "true" }; // else JupyterLab takes the number keys
  const root = element("div", { class: "maml-quiz", id, role: "group", ...keep });
  const heading = element("div", { class: "maml-quiz-title", id: `${id}-title` });
  const where = element("div", { class: "maml-quiz-where" });
  const query = element("div", { class: "maml-quiz-query" });
  const grid = element("div", { class: "maml-quiz-grid", role: "group", "aria-label": "candidates" });
  const verdict = element("div", { class: "maml-quiz-verdict", role: "status" });
  const next = element("button", { type: "button", class: "maml-quiz-next", ...keep });
  const score = element("div", { class: "maml-quiz-score" });
  root.setAttribute("aria-labelledby", `${id}-title`);
  root.append(
    element("div", { class: "maml-quiz-head" }, heading, where),
    element("div", { class: "maml-quiz-page" }, query, grid),
    element("div", { class: "maml-quiz-foot" }, next, verdict),
    score,
  );
  el.replaceChildren(root);

  let quiz;
  let shown; // the question on the page
  let buttons = [];

  const answers = () => model.get("answers");
  const roundOf = (question) => Math.floor(question / quiz.round);
  const rounds = () => Math.ceil(quiz.items.length / quiz.round);
  const endOf = (question) => Math.min((roundOf(question) + 1) * quiz.round, quiz.items.length);
  const isLast = () => shown + 1 === endOf(shown);

  function load() {
    quiz = JSON.parse(model.get("questions"));
    heading.textContent = `Which of the ${quiz.way} is the same character?`;
    grid.dataset.way = quiz.way > 10 ? "many" : "few";
    show(Math.min(answers().length, quiz.items.length - 1));
  }

  function show(question) {
    shown = question;
    const item = quiz.items[question];
    query.replaceChildren(
      element("div", { class: "maml-quiz-label", "aria-hidden": "true" }, "query"),
      picture(item.query, "the query: the drawing to find again"),
    );
    buttons = item.support.map((drawing, i) => {
      const badge = element("span", { class: "maml-quiz-number", "aria-hidden": "true" }, String(i + 1));
      const told = element("span", { class: "maml-quiz-told", "aria-hidden": "true" });
      const button = element(
        "button", { type: "button", class: "maml-quiz-candidate", "data-candidate": i, ...keep },
        badge, picture(drawing, ""), told,
      );
      button.addEventListener("click", () => choose(i));
      return button;
    });
    grid.replaceChildren(...buttons);
    root.dataset.question = String(question);
    tell();
  }

  function choose(candidate) {
    if (answers().length !== shown) return; // it has its answer
    model.set("answers", [...answers(), candidate]);
    model.save_changes();
    tell();
    next.focus({ preventScroll: true });
  }

  // What is known of the question on the page, and the score.
  function tell() {
    const item = quiz.items[shown];
    const chosen = answers()[shown];
    const answered = chosen !== undefined;
    const begin = roundOf(shown) * quiz.round;
    where.textContent = `question ${shown - begin + 1} of ${endOf(shown) - begin}`;
    if (rounds() > 1) where.textContent += `, round ${roundOf(shown) + 1} of ${rounds()}`;
    root.toggleAttribute("data-answered", answered);
    for (const [i, button] of buttons.entries()) mark(button, i, answered ? item : null, chosen);
    verdict.textContent = answered ? sentence(item, chosen) : "";
    next.hidden = !answered;
    next.textContent = !isLast() ? "Next" : shown + 1 < quiz.items.length ? "New round" : "Start again";
    tally(answered && isLast(), begin);
  }

  function mark(button, i, item, chosen) {
    const who = [];
    if (item && i === chosen) who.push("you");
    if (item && i === item.guess) who.push(quiz.model);
    const sign = !item ? "" : i === item.answer ? "✓ right" : who.length ? "✗" : "";
    button.lastChild.textContent = [sign, who.join(", ")].join(sign === "✗" ? " " : "\n").trim();
    const words = [`candidate ${i + 1}`];
    if (item && i === item.answer) words.push("the right one");
    if (item && i === chosen) words.push("your choice");
    if (item && i === item.guess) words.push(`chosen by ${quiz.model}`);
    button.setAttribute("aria-label", words.join(", "));
    button.toggleAttribute("data-right", Boolean(item) && i === item.answer);
    button.toggleAttribute("data-wrong", Boolean(item) && i === chosen && i !== item.answer);
    button.setAttribute("aria-disabled", item ? "true" : "false");
  }

  function sentence(item, chosen) {
    const you = chosen === item.answer ? "Right." : `Wrong: it is candidate ${item.answer + 1}.`;
    if (item.guess === null) return you;
    const also = chosen === item.answer ? "too" : "";
    if (item.guess === item.answer) return `${you} ${capital(quiz.model)} has it ${also || "right"}.`;
    return `${you} ${capital(quiz.model)} chose candidate ${item.guess + 1}, which is wrong.`;
  }

  function tally(over, begin) {
    const done = count(quiz.items, answers(), begin);
    const all = count(quiz.items, answers());
    const guessed = quiz.items[0].guess !== null;
    const line = (title, { n, right, model: of }) =>
      `${title}: you ${right} of ${n}` + (guessed ? `, ${quiz.model} ${of} of ${n}.` : ".");
    const lines = [];
    if (!all.n) {
      const keys = quiz.way < 10 ? `keys 1 to ${quiz.way}, ` : "";
      lines.push(`Choose with the mouse, or with ${keys}Tab or the arrows, and Enter.`);
    } else {
      lines.push(line(over ? "This round" : "So far", done));
      if (over) lines.push(`Your 95% interval: ${interval(done.right, done.n)}.`);
      if (over && all.n > done.n) {
        lines.push(`${line("All rounds", all)} Your 95% interval: ${interval(all.right, all.n)}.`);
      }
    }
    score.textContent = lines.join(" ");
  }

  function onward() {
    if (shown + 1 < quiz.items.length) return show(shown + 1);
    model.set("answers", []);
    model.save_changes();
    show(0);
  }

  next.addEventListener("click", () => {
    onward();
    buttons[0].focus({ preventScroll: true });
  });

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const digit = Number(event.key);
    if (quiz.way < 10 && digit >= 1 && digit <= quiz.way) choose(digit - 1);
    else if (!move(event.key)) return;
    event.preventDefault();
  });

  // Arrows move among the candidates; true if this key is one, and there is a place to go.
  function move(key) {
    const at = buttons.indexOf(document.activeElement);
    const top = buttons[0].offsetTop;
    const columns = buttons.filter((button) => button.offsetTop === top).length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    if (at < 0 || by === undefined) return false;
    buttons[at + by]?.focus();
    return true;
  }

  // Changed from Python, or in another view of the same quiz.
  const changed = () => {
    if (answers().length < shown || answers().length > shown + 1) {
      show(Math.min(answers().length, quiz.items.length - 1));
    } else tell();
  };
  const listeners = { "change:questions": load, "change:answers": changed };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  load();
  return () => {
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
  };
}

// Black ink on see-through paper; the style sheet inverts it on a dark page.
const picture = (png, alt) => element("img", { src: `data:image/png;base64,${png}`, alt });

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export default { render };
