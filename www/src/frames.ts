// The real time and the browser's frames. Nothing here reaches the engine.

/** The real time in milliseconds, for measurements. */
export function realTime(): number {
  return performance.now();
}

/** Calls back before each frame, with the real time since the one before, in milliseconds. */
export function onFrame(draw: (elapsed: number) => void): void {
  let before = performance.now();
  const frame = (now: number) => {
    draw(Math.max(0, now - before));
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Yields to the browser, so that it can draw and handle input. */
export function yieldToBrowser(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(0);
  });
}
