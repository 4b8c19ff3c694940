"""make soak: nginx with the module under mixed load for SOAK_SECONDS (120), with keys swapped and workers killed.

Two thirds of the time keys are swapped by reload every few seconds and a worker is killed now and then. Then the same
load goes on with neither, to see whether memory grows: a worker's private memory at the end, less what it had once it
was warm, divided by its requests in between, is no more than GROWTH bytes; or no more than SLACK in all. The last part
goes on until each worker has had REQUESTS of them, however slow the machine.
"""

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median

from clients import Client, Http1, Http2
from samples import Samples
from server import Server, descriptors, memory

SECONDS = int(os.environ.get("SOAK_SECONDS", "120"))
RELOAD_EVERY = 3
KILL_EVERY = 7
CLIENTS = [Http1] * 6 + [Http2] * 2
REQUESTS = 8000
GROWTH = 4
SLACK = 64 * 1024
# Of the master, whose memory a swap of keys must give back.
MASTER_SLACK = 96 * 1024


def churn(server, samples, seconds):
    """The master's memory and descriptors after each reload."""
    begun = reloaded = killed = time.monotonic()
    master = []
    while time.monotonic() < begun + seconds:
        time.sleep(0.1)
        now = time.monotonic()
        if now >= reloaded + RELOAD_EVERY:
            samples.prepare(server.asked + 1)
            server.reload()
            reloaded = now
            master.append((memory(server.process.pid), descriptors(server.process.pid)))
        if now >= killed + KILL_EVERY:
            server.kill()
            killed = now
    return master


def pause(clients, gate):
    gate.clear()
    for client in clients:
        assert client.is_idle.wait(60), "a client does not come to an end"


def resume(clients, gate):
    for client in clients:
        client.is_idle.clear()
    gate.set()


def answered(clients):
    return sum((client.workers.copy() for client in clients), Counter())


def settle(workers, expected):
    """Until the workers have closed what the clients have."""
    deadline = time.monotonic() + 10
    while (found := [descriptors(pid) for pid in workers]) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def steady(server, clients, gate, seconds):
    """What each worker's memory and descriptors were when it was warm, and in the end."""
    pause(clients, gate)
    server.reload()
    workers = server.workers()
    time.sleep(0.5)
    before = [descriptors(pid) for pid in workers]
    resume(clients, gate)
    begun = time.monotonic()
    samples = []
    while True:
        time.sleep(0.25)
        counts = answered(clients)
        counts = [counts[pid] for pid in workers]
        samples.append((counts, [memory(pid) for pid in workers]))
        # Every kind of request has been there several times.
        warm = next((number for number, (some, _) in enumerate(samples) if min(some) >= REQUESTS // 4), len(samples))
        done = [
            now - then for now, then in zip(counts, samples[warm][0] if warm < len(samples) else counts, strict=True)
        ]
        if time.monotonic() > begun + seconds and min(done) >= REQUESTS:
            break
        if time.monotonic() > begun + seconds + 600 or any(not client.is_alive() for client in clients):
            raise SystemExit("soak: the workers do not get their requests")
    window = max(1, (len(samples) - warm) // 5)
    rows = []
    for number, pid in enumerate(workers):
        then, now = samples[warm : warm + window], samples[-window:]
        first, last = (median(memories[number] for _, memories in some) for some in (then, now))
        requests = median(counts[number] for counts, _ in now) - median(counts[number] for counts, _ in then)
        rows.append({"pid": pid, "first": first, "last": last, "requests": requests})
    pause(clients, gate)
    for row, earlier, later in zip(rows, before, settle(workers, before), strict=True):
        row["descriptors"] = earlier, later
    return rows


def verdicts(server, clients, master, rows):
    """Each thing that is promised: what it is, what was found, and whether that is as it should be."""
    failures = [failure for client in clients for failure in client.failures]
    unexpected, killed = server.alarms()
    yield "wrong verdicts, failed requests", len(failures), not failures
    yield (
        "workers killed, and what the log says",
        f"{len(server.kills)}, {len(killed)}",
        sorted(killed) == sorted(server.kills),
    )
    yield "other alarms in the log", len(unexpected), not unexpected
    for row in rows:
        growth = row["last"] - row["first"]
        each = growth / row["requests"]
        text = f"{row['first'] / 1024:.0f} to {row['last'] / 1024:.0f} KiB in {row['requests']:.0f} requests"
        yield "a worker's memory", text, each <= GROWTH or growth <= SLACK
        yield "its descriptors, idle", "{}, then {}".format(*row["descriptors"]), len(set(row["descriptors"])) == 1
    # The first few still find their size.
    warm = master[len(master) // 3 :] or [(0, 0), (1 << 30, -1)]
    first, last = warm[0], warm[-1]
    text = f"{first[0] / 1024:.0f} to {last[0] / 1024:.0f} KiB in {len(warm) - 1} reloads"
    yield "the master's memory", text, last[0] - first[0] <= MASTER_SLACK
    yield "its descriptors", f"{first[1]}, then {last[1]}", first[1] == last[1]


def table(title, rows):
    print(f"-- {title}")
    for name, value in rows:
        print(f"   {name:40}{value}")


def main():
    samples = Samples()
    samples.prepare(1)
    gate = threading.Event()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder))
        clients = [Client(kind, server, samples, gate, seed) for seed, kind in enumerate(CLIENTS)]
        server.start()
        try:
            begun = time.monotonic()
            gate.set()
            for client in clients:
                client.start()
            master = churn(server, samples, SECONDS * 2 / 3)
            rows = steady(server, clients, gate, SECONDS / 3)
            for client in clients:
                client.stopping = True
            for client in clients:
                client.join(60)
            seconds = time.monotonic() - begun
        finally:
            server.stop()
        results = list(verdicts(server, clients, master, rows))
        alarms = server.alarms()[0]

    counts = sum((client.counts for client in clients), Counter())
    reasons = sum((client.reasons for client in clients), Counter())
    table("run", [("seconds", f"{seconds:.0f}"), ("reloads", server.reloads), ("workers killed", len(server.kills))])
    table("requests", sorted(counts.items()))
    table("answers", [(f"{status} {reason}", count) for (status, reason), count in sorted(reasons.items())])
    table("promises", [(what, f"{found}{'' if holds else '   <- BROKEN'}") for what, found, holds in results])
    for failure in [*[failure for client in clients for failure in client.failures][:20], *alarms[:20]]:
        print(failure, file=sys.stderr)
    # What was never asked proves nothing.
    missing = {"valid", "expired", "forged", "malformed", "oversized", "HTTP/2", "with a cookie of ours"} - set(counts)
    if missing:
        print(f"never asked: {missing}", file=sys.stderr)
    return bool(missing) or not all(holds for _, _, holds in results)


if __name__ == "__main__":
    sys.exit(main())
