"""The example application with hls.js in the page of a film, for browsers that do not play playlists themselves."""
