// Who learns from the points: the networks that Python sent, and the wave of least squares. Each
// has `learn(points)`, and then by inner step `curve(step)` on the grid, and `loss(step)`.
import { denseNetwork } from "./network.js";
import { bestWave } from "./waves.js";

export function gridOf({ x, grid }) {
  const [low, high] = x.domain;
  return [...Array(grid).keys()].map((i) => low + (i / (grid - 1)) * (high - low));
}

// `bytes` is a DataView of float32: parameters and rates of each network in turn.
export function learnersOf(setup, bytes, grid = gridOf(setup)) {
  let at = 0;
  const take = (count) =>
    Float32Array.from({ length: count }, () => bytes.getFloat32(4 * at++, true));
  const networks = setup.networks.map(({ name, sizes }) => {
    const network = denseNetwork(sizes);
    const theta = take(network.size);
    const rates = [...Array(setup.steps)].map(() => take(network.tensors));
    return networkLearner(name, network, theta, rates, grid);
  });
  return [...networks, waveLearner(setup.best, grid)];
}

function networkLearner(name, network, theta, rates, grid) {
  let [states, losses, curves] = [[], [], []];
  return {
    name,
    learn(points) {
      ({ states, losses } = network.adapt(theta, points, rates));
      curves = [];
    },
    // Only when it is looked at: while a point moves, that is one step of all.
    curve: (step) => (curves[step] ??= grid.map((x) => network.predict(states[step], x))),
    loss: (step) => losses[step],
  };
}

function waveLearner(name, grid) {
  let [curve, loss] = [null, NaN];
  return {
    name,
    learn(points) {
      const wave = bestWave(points);
      curve = wave && grid.map(wave);
      loss = wave ? points.reduce((sum, [x, y]) => sum + (wave(x) - y) ** 2, 0) / points.length : NaN;
    },
    curve: () => curve ?? grid.map(() => NaN),
    loss: () => loss,
  };
}
