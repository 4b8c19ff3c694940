const form = document.querySelector("main form");
const outcome = document.querySelector("[role=status]");

const ways = {
  // To the media host, with a token that is good for this file, this method and this user.
  async token(file) {
    const asked = await fetch(form.dataset.tokenUrl, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body: new URLSearchParams({ name: file.name }),
    });
    if (!asked.ok) return asked;
    const { url, token } = await asked.json();
    return fetch(url, { method: "PUT", headers: { Authorization: `Bearer ${token}` }, body: file });
  },

  // As a client does that has no cookies: the session is in the URL.
  widget(file) {
    const body = new FormData();
    body.append("file", file);
    return fetch(form.dataset.widgetUrl, { method: "POST", credentials: "omit", body });
  },
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  outcome.textContent = "";
  const answer = await ways[event.submitter.value](form.elements.file.files[0]);
  const said = await answer.json();
  outcome.textContent = answer.ok ? `${said.file}: ${said.size} bytes from ${said.owner}` : `${answer.status}: ${said.error}`;
});
