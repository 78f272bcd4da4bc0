import { createApi } from "./api.js";
import { show } from "./dialog.js";
import { followEvents } from "./events.js";
import { createFrame } from "./frame.js";
import { KEYS, listenToKeys } from "./keys.js";
import { draw, h } from "./node.js";
import { problem } from "./parts.js";
import { createRefresh } from "./refresh.js";
import { readHash, to } from "./router.js";
import { showSignIn, takeCode } from "./sign-in.js";
import { keepTime } from "./time.js";
import { createToasts } from "./toast.js";
import { placeOf } from "./views/places.js";

const NOW_EVERY_MS = 500;
const VIEW_EVERY_MS = 300;
const TRY_AGAIN_MS = 1500;
const OVER = {
  message: "The session is over.",
  hint: "It ends after 12 hours, and when the supervisor is started again.",
};

const root = document.getElementById("app");
const toasts = createToasts();
const api = createApi({ onSignedOut: (why) => signIn(why) });
let isSignedIn = false;
let stream;
let frame;
let view;
let refreshView;
/** How many views were opened since the page was: from the second on there is a way back. */
let opened = 0;

/** What all views share. */
const app = {
  api,
  now: undefined,
  connection: "opening",
  banner: undefined,
  /** At once, so that who types on after a key types into the new view. */
  go: (hash) => {
    if (location.hash !== hash) history.pushState(null, "", hash);
    openView();
  },
  redraw: () => redrawView(),
  reload: () => refreshView?.stir(),
  /** Reads anew what all views share. */
  look: () => refreshNow.stir(),
  /** `light` or `dark`, as it is shown. */
  theme: () =>
    document.documentElement.dataset.theme ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
  tell: (text) => toasts.tell(text),
  refuse: (error) => toasts.refuse(error),
  /** Does what a button says; what is refused is shown, and the view is read anew either way. */
  async act(doing, done) {
    try {
      await doing();
      if (done) toasts.tell(done);
    } catch (error) {
      toasts.refuse(error);
    }
    app.reload();
  },
};

function redrawFrame() {
  frame?.redraw({ ...app, place: placeOf(readHash(location.hash).place).nav });
}

const refreshNow = createRefresh(async () => {
  if (!isSignedIn) return;
  try {
    app.now = await api.get("/page/now");
    app.banner = app.now.ready ? undefined : app.now.checks.find(({ ok }) => !ok)?.text;
    redrawFrame();
    if (view?.usesNow) redrawView();
  } catch (error) {
    if (error.status === 0) lookAgain(() => refreshNow);
    else if (error.status !== 401) toasts.refuse(error);
  }
}, NOW_EVERY_MS);

/** Who did not answer is asked again, also where the connection for events stands. */
function lookAgain(refresh) {
  setTimeout(() => refresh()?.stir(), TRY_AGAIN_MS);
}

function redrawView() {
  const place = document.getElementById("view");
  if (!view || !place) return;
  draw(place, ...(view.error ? [problem(view.error)] : view.isReady ? [view.draw()].flat() : [waiting()]));
  document.title = `${view.title()} · Atomizer HQ`;
}

function waiting() {
  return h("p", { class: "starting", key: "starting" }, "Reading …");
}

/** Shows what the address names. A view that is open already only hears of the new address. */
function openView() {
  if (!isSignedIn) return;
  const where = readHash(location.hash);
  const { name, make } = placeOf(where.place);
  const key = `${name} ${where.id ?? ""}`;
  if (view?.key === key) {
    view.arrived?.(where.query);
    redrawFrame();
    redrawView();
    return;
  }
  view?.leave?.();
  refreshView?.stop();
  const next = { key, isReady: false, ...make(app, where) };
  view = next;
  opened += 1;
  refreshView = createRefresh(() => loadView(next), VIEW_EVERY_MS);
  redrawFrame();
  redrawView();
  scrollTo(0, 0);
  if (next.isReady) takeFocus(next);
  refreshView.stir();
}

async function loadView(next) {
  if (!isSignedIn) return;
  const isFirst = !next.isReady;
  try {
    await next.load();
    next.isReady = true;
    next.error = undefined;
  } catch (error) {
    // What is shown already stays; a refused first look is all there is to show.
    if (isFirst) next.error = error;
    else if (error.status !== 0) toasts.refuse(error);
    if (error.status === 0) lookAgain(() => (view === next ? refreshView : undefined));
    if (!("status" in error)) throw error;
  }
  if (view !== next) return;
  redrawView();
  if (isFirst) takeFocus(next);
}

/** A new view says its name to whoever cannot see it, and the keys go on from there. */
function takeFocus(next) {
  const isElsewhere = document.activeElement?.matches?.("input, textarea, dialog *");
  if (isElsewhere) return;
  if (next.focus) next.focus();
  else document.getElementById("view-title")?.focus({ preventScroll: true });
}

function onEvent(event) {
  refreshNow.stir();
  if (view?.isReady && view.concerns?.(event)) refreshView.stir();
}

function onState(state) {
  if (state === "refused") {
    signIn(OVER);
    return;
  }
  const isBack = state === "open" && app.connection === "lost";
  app.connection = state;
  redrawFrame();
  if (!isBack) return;
  refreshNow.stir();
  refreshView?.stir();
}

function signIn(why) {
  if (!isSignedIn && frame === undefined && root.querySelector(".sign-in") && !why) return;
  isSignedIn = false;
  stream?.close();
  view?.leave?.();
  view = undefined;
  frame = undefined;
  draw(root);
  showSignIn(root, { api, why, onDone: () => start().catch(reportError) });
}

async function signOut() {
  try {
    await api.remove("/page/session");
  } catch (error) {
    // Who is not signed out there is not shown as if.
    if (isSignedIn) app.refuse(error);
    return;
  }
  signIn(undefined);
}

/** Everything that begins once it is known who looks. */
async function begin() {
  isSignedIn = true;
  app.now = await api.get("/page/now");
  app.connection = "opening";
  draw(root);
  frame = createFrame(root, {
    onHelp: showKeys,
    onSignOut: signOut,
    onSearch: () => app.go(to("search")),
    onTheme: app.reload,
  });
  view = undefined;
  stream?.close();
  stream = followEvents({ after: app.now.position, onEvent, onState });
  openView();
}

function showKeys() {
  const rows = KEYS.map(([keys, does]) =>
    h(
      "div",
      { class: "key-row", key: keys },
      h(
        "dt",
        {},
        keys
          .split(" ")
          .filter(Boolean)
          .map((one) => h("kbd", {}, one)),
      ),
      h("dd", {}, does),
    ),
  );
  show("Keys", h("dl", { class: "key-list" }, rows));
}

function back() {
  if (view?.escape?.()) return;
  const { place, id } = readHash(location.hash);
  if (id !== undefined && opened > 1) history.back();
  else if (id !== undefined) app.go(to(placeOf(place).nav));
  else if (document.activeElement !== document.body) document.activeElement?.blur();
}

/** Tries until the supervisor answers; then either somebody is signed in, or is asked to. */
async function start() {
  const code = takeCode();
  for (;;) {
    try {
      const refused = code === undefined ? undefined : await spend(code);
      const { signedIn } = await api.get("/page/session");
      return signedIn ? await begin() : signIn(refused);
    } catch (error) {
      if (error.status !== 0) return signIn(error);
      draw(root, h("div", { class: "starting" }, problem(error)));
      await new Promise((then) => setTimeout(then, TRY_AGAIN_MS));
    }
  }
}

/** Why the code is not taken; whoever is signed in already needs none. */
async function spend(code) {
  try {
    await api.post("/page/session", { code });
  } catch (error) {
    if (error.status === 0) throw error;
    return error;
  }
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#code=")) start().catch(reportError);
  else openView();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  // The address says which view is open.
  event.preventDefault();
  document.getElementById("main")?.focus();
});
listenToKeys({ go: app.go, back, help: showKeys, isOpen: () => isSignedIn });
keepTime();
start().catch(reportError);
