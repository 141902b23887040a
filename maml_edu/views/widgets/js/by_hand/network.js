// Dense layers with ReLU between them, from one number to one; and the inner steps of
// maml_edu.inner.adapt on the mean squared error. Parameters lie in one Float32Array: the weight,
// row by row, and the bias of each layer in turn.
export function denseNetwork(sizes) {
  let size = 0;
  const layers = sizes.slice(1).map((outputs, i) => {
    const weight = size;
    const bias = weight + sizes[i] * outputs;
    size = bias + outputs;
    return { inputs: sizes[i], outputs, weight, bias };
  });
  const values = sizes.map((units) => new Float64Array(units)); // of one x, layer by layer
  const slopes = sizes.map((units) => new Float64Array(units)); // of the loss, by these values
  const last = layers.length - 1;

  function predict(theta, x) {
    values[0][0] = x;
    layers.forEach(({ inputs, outputs, weight, bias }, l) => {
      const [below, above] = [values[l], values[l + 1]];
      for (let o = 0; o < outputs; o++) {
        let sum = theta[bias + o];
        const row = weight + o * inputs;
        for (let i = 0; i < inputs; i++) sum += theta[row + i] * below[i];
        above[o] = l === last ? sum : Math.max(sum, 0);
      }
    });
    return values[last + 1][0];
  }

  // The chain rule from the output down, for the x that was predicted last.
  function addGradient(theta, slope, gradient) {
    slopes[last + 1][0] = slope;
    for (let l = last; l >= 0; l--) {
      const { inputs, outputs, weight, bias } = layers[l];
      const [below, under, over] = [values[l], slopes[l].fill(0), slopes[l + 1]];
      for (let o = 0; o < outputs; o++) {
        if (over[o] === 0) continue;
        gradient[bias + o] += over[o];
        const row = weight + o * inputs;
        for (let i = 0; i < inputs; i++) {
          gradient[row + i] += over[o] * below[i];
          under[i] += over[o] * theta[row + i];
        }
      }
      if (l > 0) for (let i = 0; i < inputs; i++) if (below[i] <= 0) under[i] = 0;
    }
  }

  // The mean squared error at points [x, y]; its gradient is added to `gradient`, if there is one.
  function loss(theta, points, gradient) {
    let sum = 0;
    for (const [x, y] of points) {
      const off = predict(theta, x) - y;
      sum += off * off;
      if (gradient) addGradient(theta, (2 * off) / points.length, gradient);
    }
    return sum / points.length;
  }

  // theta <- theta - rate * gradient, once for each row of rates (one a weight or bias). Without
  // points there is nothing to follow: theta stays, and losses are NaN.
  function adapt(theta, points, rates) {
    const [states, losses] = [[theta], []];
    for (const row of rates) {
      const now = states.at(-1);
      const gradient = new Float64Array(size);
      losses.push(loss(now, points, gradient));
      const next = new Float32Array(now);
      layers.forEach(({ weight, bias, outputs }, l) => {
        for (let k = weight; k < bias; k++) next[k] -= row[2 * l] * gradient[k];
        for (let k = bias; k < bias + outputs; k++) next[k] -= row[2 * l + 1] * gradient[k];
      });
      states.push(next);
    }
    losses.push(loss(states.at(-1), points));
    return { states, losses };
  }

  return { size, tensors: 2 * layers.length, predict, adapt };
}
