// Plays a private HLS film from the media domain, with the token in the Authorization header.
//
// Without a token, or when it has expired, the media domain answers 401 and says where a new one is to be had. That is
// the application, which knows the viewer by its own session.

/** `fetch()` for files of one media domain, which fetches tokens for itself. */
export class MediaClient {
  #media;
  #application;
  #token = null;
  #renewal = null;

  /**
   * The token is sent to the origin of `media` only, and asked for at the origin `application` only: a playlist may
   * name other hosts, and the session is none of theirs.
   */
  constructor(media, application = location.origin) {
    this.#media = new URL(media, location.href).origin;
    this.#application = application;
  }

  /** As `fetch()`. Rejects where the application gives no token. */
  async fetch(url, init = {}) {
    if (new URL(url, location.href).origin !== this.#media) return fetch(url, init);
    // What was sent, not what is there when the answer comes: others may have renewed it meanwhile.
    const sent = this.#token;
    const response = await this.#send(url, init, sent);
    if (response.status !== 401) return response;
    // Another request's is only waited for: a player asks for several files at once.
    if (this.#token === sent) {
      this.#renewal ??= this.#renew(response).finally(() => (this.#renewal = null));
    }
    await this.#renewal;
    return this.#send(url, init, this.#token);
  }

  #send(url, init, token) {
    const headers = new Headers(init.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    return fetch(url, { ...init, headers });
  }

  async #renew(refusal) {
    const where = refusal.headers.get("Crossdomain-Media-Location") ?? (await refusal.json()).location;
    if (new URL(where).origin !== this.#application) throw new Error(`no token is asked for at ${where}`);
    const answer = await fetch(where, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) throw new Refused(answer.status);
    this.#token = (await answer.json()).token;
  }
}

/** The application gives no token: the viewer may not see it, or has to sign in again. */
export class Refused extends Error {
  constructor(status) {
    super(`the application gives no token: ${status}`);
    this.status = status;
  }
}

/**
 * Shows `playlist` in a video element with hls.js. `config` is what else hls.js is to know. Returns the instance of Hls;
 * where the application gives no token, its error is a networkError with the application's status as `response.code`.
 */
export function play(Hls, video, playlist, config = {}) {
  const hls = new Hls({ ...config, loader: loaderOf(new MediaClient(playlist)) });
  hls.loadSource(playlist);
  hls.attachMedia(video);
  return hls;
}

/** What hls.js asks for files, as it wants it: one is made for each request. */
function loaderOf(client) {
  return class {
    context = null;
    stats = {
      aborted: false,
      loaded: 0,
      total: 0,
      retry: 0,
      chunkCount: 0,
      bwEstimate: 0,
      loading: { start: 0, first: 0, end: 0 },
      parsing: { start: 0, end: 0 },
      buffering: { start: 0, first: 0, end: 0 },
    };
    #controller = new AbortController();
    #callbacks = null;
    #response = null;

    async load(context, config, callbacks) {
      this.context = context;
      this.#callbacks = callbacks;
      const { stats } = this;
      const { signal } = this.#controller;
      stats.loading.start = performance.now();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        this.#controller.abort();
      }, config.loadPolicy.maxLoadTimeMs);
      let data;
      try {
        const headers = new Headers(context.headers);
        // rangeEnd is the first byte that is not wanted.
        if (context.rangeEnd) headers.set("Range", `bytes=${context.rangeStart}-${context.rangeEnd - 1}`);
        this.#response = await client.fetch(context.url, { headers, signal });
        stats.loading.first = performance.now();
        const { ok, status, statusText } = this.#response;
        if (!ok) throw Object.assign(new Error(statusText), { status });
        data = await this.#body(context.responseType);
      } catch (error) {
        if (isLate) callbacks.onTimeout(stats, context, this.#response);
        else if (!stats.aborted) {
          callbacks.onError({ code: error.status ?? 0, text: error.message }, context, this.#response, stats);
        }
        return;
      } finally {
        clearTimeout(timer);
      }
      stats.loading.end = performance.now();
      stats.loaded = stats.total = data.byteLength ?? data.length ?? 0;
      const { url, status: code } = this.#response;
      callbacks.onProgress?.(stats, context, data, this.#response);
      callbacks.onSuccess({ url, data, code }, stats, context, this.#response);
    }

    #body(type) {
      if (type === "arraybuffer") return this.#response.arrayBuffer();
      return type === "json" ? this.#response.json() : this.#response.text();
    }

    abort() {
      this.#stop();
      this.#callbacks?.onAbort?.(this.stats, this.context, this.#response);
    }

    destroy() {
      this.#stop();
      this.#callbacks = null;
    }

    #stop() {
      if (this.stats.loading.end) return;
      this.stats.aborted = true;
      this.#controller.abort();
    }

    getCacheAge() {
      const age = this.getResponseHeader("Age");
      return age === null ? null : Number(age);
    }

    getResponseHeader(name) {
      return this.#response?.headers.get(name) ?? null;
    }
  };
}
