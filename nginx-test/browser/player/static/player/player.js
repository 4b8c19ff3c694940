// Plays the page's film. `failures` are those that hls.js reports, for the tests.

const failures = [];

function play(playlist) {
  // Without a worker, which would need a permission of its own in the page's Content-Security-Policy.
  const hls = new Hls({ enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, { type, details, fatal, response }) =>
    failures.push({ type, details, fatal, status: response?.code }),
  );
  hls.loadSource(playlist);
  hls.attachMedia(document.querySelector("video"));
}

play(document.querySelector("video").dataset.playlist);
