"use strict";

// nginx has written down how many seconds are left; the token is good in the last one too.
const seconds = document.getElementById("seconds");
const end = performance.now() + 1000 * (Number(seconds.textContent) + 1);

// Its first half is the time at which it was made. The second half is the signature, which is nobody's business.
const token = new URLSearchParams(location.search).get("token") ?? "";
document.getElementById("token").textContent = token.replace(/:.*/, ":…");

const timer = setInterval(() => {
  const left = (end - performance.now()) / 1000;
  if (left <= 0) {
    // The page around this frame opens the link again. We cannot: to the application, a request that begins on
    // another site comes without its session.
    clearInterval(timer);
    parent.postMessage("token expired", "*");
    return;
  }
  seconds.textContent = Math.floor(left);
  document.getElementById("progress").value = left;
}, 200);
