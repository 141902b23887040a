// Counting, and how sure one can be of a count.
export function count(items, answers, from = 0) {
  const asked = items.slice(from, answers.length);
  const right = asked.filter((item, i) => item.answer === answers[from + i]).length;
  const model = asked.filter((item) => item.answer === item.guess).length;
  return { n: asked.length, right, model };
}

// As `wilson` in quiz.py, in words.
export function interval(right, n) {
  const z = 1.96;
  const share = right / n;
  const centre = (share + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const reach = (z / (1 + z ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
  const percent = (value) => `${Math.round(100 * Math.min(Math.max(value, 0), 1))}%`;
  return `${percent(centre - reach)} to ${percent(centre + reach)}`;
}
