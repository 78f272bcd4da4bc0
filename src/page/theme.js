// Loaded before anything is drawn, so that the page never flashes in the other light.
const kept = localStorage.getItem("hq.theme");
if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
