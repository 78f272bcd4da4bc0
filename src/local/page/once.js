import { Unreached } from "./api.js";

const KEY = "local-guild.unanswered";
/** The guild remembers no more of a person's nonces than are sent within minutes. */
const MOST = 50;

/**
 * What nobody answered may have been done all the same. The same again therefore goes under the same nonce, by which
 * the guild does it once; also after a reload of the tab. `once(what, send)`: `what` tells whether it is the same.
 */
export function createOnce() {
  const unanswered = new Map(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));

  function note(what, nonce) {
    unanswered.delete(what);
    if (nonce !== undefined) unanswered.set(what, nonce);
    sessionStorage.setItem(KEY, JSON.stringify([...unanswered].slice(-MOST)));
  }

  return async function once(what, send) {
    const key = fingerprint(JSON.stringify(what));
    const nonce = unanswered.get(key) ?? freshNonce();
    // Noted before: the tab may be closed, or loaded anew, while it is under way.
    note(key, nonce);
    try {
      const answer = await send(nonce);
      note(key);
      return answer;
    } catch (error) {
      if (!(error instanceof Unreached)) note(key);
      throw error;
    }
  };
}

function freshNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Short for what may be megabytes: FNV-1a from two beginnings. */
function fingerprint(text) {
  return [0x811c9dc5, 0x1b873593]
    .map((begin) => {
      let sum = begin;
      for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
      return (sum >>> 0).toString(16);
    })
    .join(".");
}
