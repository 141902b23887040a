// Asks the kernel for scenes: at most one request in flight, and of those that wait only the last.
const PATIENCE = 20000; // ms until we say that nobody answers

export function requests(model, say, busy) {
  let sent = Date.now() % 1e9; // so that a second view of the same model does not repeat numbers
  let flying = null;
  let waiting = null;
  let timer;

  function send(values) {
    flying = ++sent;
    busy(true);
    clearTimeout(timer);
    timer = setTimeout(() => {
      flying = null;
      waiting = null;
      busy(false);
      say("The kernel has not answered. Is it running? Run the cell again to reconnect.");
    }, PATIENCE);
    model.send({ type: "set", seq: flying, values });
  }

  return {
    idle: () => flying === null,
    want(values) {
      if (flying === null) send(values);
      else waiting = values;
    },
    answered(number) {
      if (flying === null || number !== flying) return;
      clearTimeout(timer);
      flying = null;
      busy(false);
      if (waiting) {
        const next = waiting;
        waiting = null;
        send(next);
      }
    },
  };
}
