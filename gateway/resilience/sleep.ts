/** Waits, and leaves nothing behind: rejects with the signal's reason as soon as it is aborted. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const end = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', leave);
  });
