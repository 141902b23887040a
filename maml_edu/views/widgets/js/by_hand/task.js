// The points and the drawn wave, with what was there before. Points stay within the picture.
const MOST_UNDO = 100;

export function taskOf(setup) {
  const task = { points: [], drawn: [] };
  const history = [];
  const state = () => JSON.stringify([task.points, task.drawn]);
  const put = (text) => ([task.points, task.drawn] = JSON.parse(text));

  const within = (value, [low, high]) =>
    Math.min(Math.max(Math.round(1000 * value) / 1000, low), high);

  return Object.assign(task, {
    place: ([x, y]) => [within(x, setup.x.domain), within(y, setup.y.domain)],
    isFull: () => task.points.length >= setup.most,
    asText: state,
    // Call it before a change that one may want to take back.
    remember() {
      if (history.at(-1) !== state()) history.push(state());
      if (history.length > MOST_UNDO) history.shift();
    },
    canUndo: () => history.some((old) => old !== state()),
    undo() {
      while (history.at(-1) === state()) history.pop();
      if (history.length) put(history.pop());
    },
  });
}
