/**
 * Loads again when something happened: at once, then no more often than every `gapMs`, never twice at a time, and
 * once more at the end when something happened meanwhile.
 */
export function createRefresh(load, gapMs = 250) {
  let isLoading = false;
  let isWanted = false;
  let timer;
  let isStopped = false;

  async function run() {
    timer = undefined;
    isLoading = true;
    isWanted = false;
    try {
      await load();
    } finally {
      isLoading = false;
      if (!isStopped) timer = setTimeout(rest, gapMs);
    }
  }
  function rest() {
    timer = undefined;
    if (isWanted) start();
  }
  function start() {
    run().catch(reportError);
  }
  return {
    stir() {
      if (isStopped) return;
      if (isLoading || timer !== undefined) isWanted = true;
      else start();
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
