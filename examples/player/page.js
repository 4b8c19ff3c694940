import Hls from "./hls.js/hls.mjs";
import { play } from "./player.js";

const video = document.querySelector("video");
const problem = document.querySelector("[role=alert]");

const hls = play(Hls, video, video.dataset.playlist, {
  // A short buffer, so that one can see tokens expire.
  maxBufferLength: 3,
  maxMaxBufferLength: 3,
  // It would need a permission of its own in a Content-Security-Policy.
  enableWorker: false,
});

hls.on(Hls.Events.ERROR, (_, { fatal, details, response }) => {
  if (!fatal) return;
  const isPrivate = response?.code === 403;
  problem.textContent = isPrivate ? "This film is private: sign in as who may see it." : `It does not play: ${details}`;
});
