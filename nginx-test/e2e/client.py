"""A viewer: a real HTTP client that follows redirects from host to host."""

import http.client
from html.parser import HTMLParser
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


class LoopbackAdapter(HTTPAdapter):
    """Connects *.localhost to this machine, as browsers do; the system's resolver may not know these names."""

    def build_connection_pool_key_attributes(self, request, verify, cert=None):
        where, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        assert where["host"].endswith(".localhost"), where
        return {**where, "host": "127.0.0.1"}, pool

    def send(self, request, *args, **kwargs):
        # A copy: `requests` would take this header for the next host's too, and choose its cookies by it.
        request = request.copy()
        request.headers["Host"] = urlsplit(request.url).netloc
        return super().send(request, *args, **kwargs)


class Viewer:
    """Follows nothing by `get`, one redirect after another by `follow`."""

    def __init__(self, www):
        self.www = www
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", LoopbackAdapter())

    def get(self, url, **kwargs):
        return self.request("GET", url, **kwargs)

    def follow(self, url, method="GET", **kwargs):
        return self.request(method, url, allow_redirects=True, **kwargs)

    def request(self, method, url, allow_redirects=False, **kwargs):
        return self.session.request(method, url, allow_redirects=allow_redirects, timeout=20, **kwargs)

    def links(self, url):
        """The links of a page, by their text."""
        page = self.get(url)
        assert page.status_code == 200, page
        return links(page.text)

    def sign_in(self, name):
        """With the form that a person would fill in."""
        return self.submit_sign_in(f"{self.www}/sign-in/", name)

    def submit_sign_in(self, url, name, **fields):
        page = self.get(url)
        assert page.status_code == 200, page
        form = {"username": name, "password": name, "csrfmiddlewaretoken": self.session.cookies["csrftoken"], **fields}
        answer = self.request("POST", url, data=form)
        assert answer.status_code == 302, "signing in failed"
        return answer


class LinkParser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = {}
        self.href = None

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.href = dict(attributes)["href"]

    def handle_endtag(self, tag):
        if tag == "a":
            self.href = None

    def handle_data(self, data):
        if self.href is not None:
            self.links[data] = self.href


def links(html):
    parser = LinkParser()
    parser.feed(html)
    return parser.links


def hops(response):
    """The requests that a followed response took, as (status, host, what was asked)."""
    return [
        (one.status_code, urlsplit(one.url).hostname, one.request.path_url) for one in (*response.history, response)
    ]


def raw_get(origin, target, port=None, headers=()):
    """Asks for exactly this request target, which `requests` would tidy up, at `port` if that is another server."""
    where = urlsplit(origin)
    connection = http.client.HTTPConnection("127.0.0.1", port or where.port, timeout=20)
    try:
        # putrequest refuses what is no proper target, and that is what some tests are about.
        connection._validate_path = lambda target: None
        connection._encode_request = lambda request: request.encode("utf-8")
        connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", where.netloc)
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()
