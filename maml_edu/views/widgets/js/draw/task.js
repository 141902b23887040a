// The drawings of a task: places for five classes of three shots and a query, of which some are in
// use. A place is an index: class * MOST_SHOTS + shot, and the query's comes last.
export const MOST_SHOTS = 3;

export function taskOf(names) {
  const query = names.length * MOST_SHOTS;
  let drawings = Array(query + 1).fill(null);
  let history = drawings.map(() => []); // by place, what was there before
  const task = { way: names.length, shots: 1, query };

  return Object.assign(task, {
    at: (place) => drawings[place],
    put(place, drawing) {
      drawings[place] = drawing;
    },
    remember: (place) => history[place].push(drawings[place]),
    canUndo: (place) => history[place].length > 0,
    undo(place) {
      drawings[place] = history[place].pop() ?? null;
    },
    // The places in use, class after class, then the query.
    places() {
      const shots = [...Array(task.shots).keys()];
      return [...Array(task.way).keys()].flatMap((c) => shots.map((k) => c * MOST_SHOTS + k)).concat(query);
    },
    name(place) {
      if (place === query) return "query";
      const shot = task.shots > 1 ? ` ${(place % MOST_SHOTS) + 1}` : "";
      return `${names[Math.floor(place / MOST_SHOTS)]}${shot}`;
    },
    asJson() {
      const support = [...Array(task.way).keys()].map((c) =>
        drawings.slice(c * MOST_SHOTS, c * MOST_SHOTS + task.shots));
      return { format: "maml_edu drawings 1", support, query: drawings[query] };
    },
    // Take over a whole set, and forget what was there.
    replace({ support, query: asked }) {
      task.way = support.length;
      task.shots = support[0].length;
      drawings = drawings.map((_, place) =>
        place === query ? asked : support[Math.floor(place / MOST_SHOTS)]?.[place % MOST_SHOTS] ?? null);
      history = drawings.map(() => []);
    },
  });
}
