// Waves a sin x + b cos x, and waves as a hand draws them: y at each place of a grid, or null.
const LEAST_SPREAD = 1e-9; // as in maml_edu.views.traces.by_hand_trace

// The wave with the least squared error at points, by the normal equations; null where they leave
// it open.
export function bestWave(points) {
  let [ss, sc, cc, sy, cy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const [s, c] = [Math.sin(x), Math.cos(x)];
    ss += s * s;
    sc += s * c;
    cc += c * c;
    sy += s * y;
    cy += c * y;
  }
  const determinant = ss * cc - sc * sc;
  if (!(determinant > LEAST_SPREAD * points.length ** 2)) return null;
  const [a, b] = [(cc * sy - sc * cy) / determinant, (ss * cy - sc * sy) / determinant];
  return (x) => a * Math.sin(x) + b * Math.cos(x);
}

// The line of a hand from one place to the next, over what was drawn before.
export function drawOn(drawn, grid, [x0, y0], [x1, y1]) {
  const step = grid[1] - grid[0];
  const [low, high] = [Math.min(x0, x1) - step / 2, Math.max(x0, x1) + step / 2];
  grid.forEach((x, i) => {
    if (x < low || x > high) return;
    const t = x1 === x0 ? 1 : Math.min(Math.max((x - x0) / (x1 - x0), 0), 1);
    drawn[i] = y0 + t * (y1 - y0);
  });
}

const covered = (drawn) => [...drawn.keys()].filter((i) => drawn[i] !== null);

// Points of a drawn wave, evenly from its left to its right.
export function pointsOf(drawn, grid, count) {
  const there = covered(drawn);
  return [...Array(count).keys()].map((k) => {
    const i = there[Math.round(((k + 0.5) / count) * (there.length - 1))];
    return [grid[i], drawn[i]];
  });
}

// y of a drawn wave at any x; null beyond its ends.
export function heightAt(drawn, grid, x) {
  const i = Math.min(Math.max(Math.floor((x - grid[0]) / (grid[1] - grid[0])), 0), grid.length - 2);
  const [a, b] = [drawn[i] ?? null, drawn[i + 1] ?? null];
  if (a === null || b === null) return a ?? b;
  return a + ((x - grid[i]) / (grid[i + 1] - grid[i])) * (b - a);
}

// The middle of the widest gap between points, within the drawn wave if there is one.
export function widestGap(points, drawn, grid) {
  const there = covered(drawn);
  const ends = there.length ? [grid[there[0]], grid[there.at(-1)]] : [grid[0], grid.at(-1)];
  const inside = points.map(([x]) => x).filter((x) => x > ends[0] && x < ends[1]);
  const xs = [ends[0], ...inside.sort((a, b) => a - b), ends[1]];
  let best = 1;
  for (let i = 2; i < xs.length; i++) if (xs[i] - xs[i - 1] > xs[best] - xs[best - 1] + 1e-9) best = i;
  return (xs[best - 1] + xs[best]) / 2;
}

// The mean squared error of a curve on a drawn wave; NaN where there is none.
export function errorOn(drawn, curve) {
  const there = covered(drawn);
  return there.reduce((sum, i) => sum + (curve[i] - drawn[i]) ** 2, 0) / there.length;
}
