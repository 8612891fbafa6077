/** Waits for the work, or no longer than until `stop`: not at all for one that came before. Throws what the work throws. */
export async function untilStopped(work: Promise<unknown>, stop: AbortSignal): Promise<void> {
  let onStop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    onStop = () => resolve();
    stop.addEventListener('abort', onStop, { once: true });
    // A signal tells of itself once: whoever comes later has to ask.
    if (stop.aborted) resolve();
  });
  await Promise.race([work, stopped]).finally(() => stop.removeEventListener('abort', onStop));
}
