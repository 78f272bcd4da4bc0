/**
 * The page's other files. One that did not come, as when the guild is just being restarted, would leave it standing
 * still for good: then everything is read anew, a few times.
 */
const TRIES = "local-guild.tries";
const MOST = 5;
const PAUSE_MS = 1000;

import("./main.js").then(
  () => sessionStorage.removeItem(TRIES),
  (error) => {
    const tries = Number(sessionStorage.getItem(TRIES)) + 1;
    sessionStorage.setItem(TRIES, String(tries));
    if (tries < MOST) return setTimeout(() => location.reload(), PAUSE_MS);
    sessionStorage.removeItem(TRIES);
    document.querySelector(".starting").textContent =
      "Files of this page could not be read. Reload it to try again.";
    throw error;
  },
);
