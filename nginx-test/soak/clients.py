"""Those who ask, over connections that last: HTTP/1.1, and HTTP/2 with several requests at once."""

import http.client
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from samples import FILES, Sample

HOST = "media.localhost"
TIMEOUT = 30
STREAMS = 8


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def generation(self):
        return int(self.headers["x-generation"])

    @property
    def worker(self):
        return int(self.headers["x-worker"])


class Lost(Exception):
    """The connection ended before the answer did. `begun`: some of it had come."""

    def __init__(self, begun, why=""):
        super().__init__(why)
        self.begun = begun


class Http1:
    at_once = 1
    name = "HTTP/1.1"

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        # It would refuse what some requests are about.
        self.connection._validate_path = lambda target: None
        self.connection.connect()
        self.is_open = True

    def close(self):
        self.connection.close()

    def ask(self, samples):
        (sample,) = samples
        response = None
        try:
            self.connection.putrequest(sample.method, sample.target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"host": HOST, **sample.headers}.items():
                self.connection.putheader(name, value)
            self.connection.endheaders()
            response = self.connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            self.is_open = False
            return [Lost(response is not None, repr(error))]
        # As it is after a refusal of nginx's own.
        self.is_open = not response.will_close
        return [answer]


class Http2:
    """With prior knowledge: what is tested has nothing to do with the encryption."""

    at_once = STREAMS
    name = "HTTP/2"

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.connection.increment_flow_control_window(2**30)
        self.is_open = True

    def close(self):
        self.socket.close()

    def ask(self, samples):
        streams = {}
        answers = {}
        ended = set()
        try:
            for sample in samples:
                stream = self.connection.get_next_available_stream_id()
                pseudo = {":method": sample.method, ":scheme": "http", ":authority": HOST, ":path": sample.target}
                self.connection.send_headers(stream, [*pseudo.items(), *sample.headers.items()], end_stream=True)
                streams[stream] = sample
            self.socket.sendall(self.connection.data_to_send())
            while len(ended) < len(streams):
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionError("closed")
                for event in self.connection.receive_data(data):
                    if isinstance(event, ConnectionTerminated):
                        # Those that the server has not begun it will not answer.
                        self.is_open = False
                        ended |= {stream for stream in streams if stream > event.last_stream_id}
                    elif isinstance(event, ResponseReceived):
                        headers = dict(event.headers)
                        answers[event.stream_id] = Answer(int(headers[":status"]), headers, b"")
                    elif isinstance(event, DataReceived):
                        answers[event.stream_id].body += event.data
                        self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, (StreamEnded, StreamReset)):
                        ended.add(event.stream_id)
                        if isinstance(event, StreamReset):
                            answers[event.stream_id] = Lost(True, f"reset: {event.error_code}")
                self.socket.sendall(self.connection.data_to_send())
        except OSError as error:
            self.is_open = False
            left = set(streams) - ended
            return [
                Lost(stream in answers, repr(error)) if stream in left else self.answer(answers, stream)
                for stream in streams
            ]
        return [self.answer(answers, stream) for stream in streams]

    def answer(self, answers, stream):
        return answers.get(stream) or Lost(False, "not begun")


class Client(threading.Thread):
    """Asks until told to stop, and judges each answer by how the request was made."""

    def __init__(self, kind, server, samples, gate, seed):
        super().__init__(daemon=True)
        self.kind = kind
        self.server = server
        self.samples = samples
        self.gate = gate
        self.random = random.Random(seed)
        self.stopping = False
        self.is_idle = threading.Event()
        self.connection = None
        self.counts = Counter()
        self.reasons = Counter()
        self.failures = []
        self.workers = Counter()
        # To be asked next: what an answer has brought about.
        self.next = []

    def run(self):
        try:
            while not self.stopping:
                if not self.gate.is_set():
                    self.disconnect()
                    self.is_idle.set()
                    self.gate.wait(0.1)
                    continue
                self.is_idle.clear()
                self.ask_some()
        except Exception as error:  # noqa: BLE001 - a client that stops is a finding
            self.failures.append(f"{self.kind.name}: the client itself: {error!r}")
        finally:
            self.disconnect()
            self.is_idle.set()

    def disconnect(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask_some(self):
        samples = [self.choose() for _ in range(self.kind.at_once)]
        for _ in range(20):
            samples = self.attempt(samples)
            if not samples:
                return
        self.failures.append(f"{self.kind.name}: no answer to {samples[0].kind} in twenty attempts")

    def choose(self):
        if self.next:
            return self.next.pop()
        while True:
            sample = self.samples.any(self.server.asked, self.random)
            if self.kind is Http1 or not sample.only_http1:
                return sample

    def attempt(self, samples):
        """What is left to ask again."""
        oldest, began = self.server.settled, time.monotonic()
        if self.connection is None:
            try:
                self.connection = self.kind(self.server.port)
            except OSError as error:
                # The socket that it connects to is the master's, which nobody kills.
                self.failures.append(f"{self.kind.name}: cannot connect: {error!r}")
                return []
            self.connected, self.worker, self.judged_by = began, None, oldest
        left = []
        for sample, answer in zip(samples, self.connection.ask(samples), strict=True):
            if isinstance(answer, Lost):
                if not self.explains(answer):
                    self.failures.append(f"{self.kind.name}: {sample.kind}: lost: {answer}, begun: {answer.begun}")
                left.append(sample)
                continue
            self.worker = answer.worker
            self.judged_by = answer.generation
            self.judge(sample, answer, oldest)
        if not self.connection.is_open:
            self.disconnect()
        return left

    def explains(self, lost):
        """Whether an answer may have got lost: its worker was killed, or a reload closed the idle connection."""
        now = time.monotonic()
        kills = dict(self.server.kills)
        if self.worker is None:
            was_killed = any(self.connected <= when <= now for when in kills.values())
        else:
            was_killed = self.worker in kills
        if was_killed:
            self.counts["lost with a killed worker"] += 1
            return True
        if not lost.begun and self.worker is not None and self.judged_by < self.server.asked:
            self.counts["asked again after a reload"] += 1
            return True
        return False

    def judge(self, sample, answer, oldest):
        newest = self.server.asked
        wrong = sample.wrong(answer)
        if not oldest <= answer.generation <= newest:
            wrong = f"judged by {answer.generation}, and not by {oldest} to {newest}"
        if wrong:
            reason = answer.headers.get("x-reason")
            self.failures.append(
                f"{self.kind.name}: {sample.kind}, key of {sample.generation}, judged by {answer.generation}: "
                f"{wrong} ({reason}): {sample.target[:200]}"
            )
        self.counts[self.kind.name] += 1
        self.counts[sample.kind.split(":")[0].split(",")[0]] += 1
        self.reasons[(answer.status, answer.headers.get("x-reason", ""))] += 1
        self.workers[answer.worker] += 1
        if sample.kind == "valid, handed over" and answer.status == 200:
            cookie = answer.headers.get("set-cookie", "").split(";")[0]
            if not cookie.startswith("__Secure-media="):
                self.failures.append(f"{sample.kind}: no cookie: {answer.headers}")
            follow = Sample(
                "with a cookie of ours", f"/handed/{FILES[1]}", {"cookie": cookie}, generation=sample.generation
            )
            self.next += [follow, replace(follow, headers={"cookie": cookie[:-4] + "AAA"}, status=403, generation=None)]
