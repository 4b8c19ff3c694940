"use strict";

// Fills the tables with what nginx has logged since this page was made.
const { since } = document.currentScript.dataset;
const shown = {};

async function update() {
  if (document.hidden) return;
  const response = await fetch(`/requests/?since=${since}`);
  if (!response.ok) return;
  for (const [section, rows] of Object.entries(await response.json())) {
    // A selection in the table is lost only when there is news.
    if (shown[section] === rows) continue;
    shown[section] = rows;
    document.querySelector(`[data-section="${section}"]`).innerHTML = rows;
  }
}

setInterval(() => update().catch(() => {}), 1000);

// The frame says that its token has expired: its link is opened once more, the same as before.
const ticket = document.querySelector(".ticket");
addEventListener("message", (event) => {
  if (ticket && event.source === ticket.contentWindow) ticket.contentWindow.location.replace(ticket.src);
});
