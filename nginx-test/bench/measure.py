"""Requests per second, processor time and instructions per request."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import cycle, pairwise
from pathlib import Path
from statistics import median

from series import BENCH, BUILD, UNPACKED

CONNECTIONS = 16
# Seconds that a series is measured before its baseline gets its turn, and the other way round.
TURN = 0.03


class Load:
    """wrk against servers, which are on one core; wrk is on another, or on the same."""

    def __init__(self, title, servers, server_core, client_core):
        self.title = title
        self.client_core = client_core
        for server in servers:
            for pid in server.all_processes():
                place(pid, server_core)

    def run(self, server, seconds):
        """Measures one server; its rate in requests per second, and its processor time per request in microseconds."""
        with Wrk(server, seconds, self.client_core) as run:
            return run.result()

    def compare(self, pair, seconds):
        """Measures two servers in turns, each for so many seconds altogether; a result for each."""
        if any(server.series.django for server in pair):
            # So slow that a turn would end with most of its requests unanswered.
            return [self.run(server, seconds) for server in pair]
        with ExitStack() as stack:
            end = time.monotonic() + 2 * seconds
            runs = []
            for server in pair:
                runs.append(stack.enter_context(Wrk(server, 2 * seconds, self.client_core)))
                runs[-1].wait_for_requests()
                runs[-1].hold()
            for run in cycle(runs):
                if time.monotonic() + TURN > end:
                    break
                run.go_on()
                time.sleep(TURN)
                run.hold()
            results = []
            for run in runs:
                run.go_on()
                results.append(run.result())
            return results


class Wrk:
    """One wrk, which can be held meanwhile: that time does not count."""

    def __init__(self, server, seconds, core):
        self.server = server
        # For so many seconds, and now since then.
        self.held, self.since = 0, None
        self.before = processor_time(server.workers())
        request = server.series.request()
        command = [UNPACKED / "usr/bin/wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s"]
        for name, value in request.headers.items():
            command += ["-H", f"{name}: {value}"]
        self.process = subprocess.Popen(
            [*command, server.url(request)],
            env={"LD_LIBRARY_PATH": str(UNPACKED / "usr/lib/x86_64-linux-gnu")},
            preexec_fn=lambda: place(0, core),
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # It may be held.
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait_for_requests(self):
        """Its own clock runs from its first requests on, and held it may be only after that."""
        while self.process.poll() is None and processor_time(self.server.workers()) == self.before:
            time.sleep(0.001)
        time.sleep(0.01)

    def hold(self):
        self.process.send_signal(signal.SIGSTOP)
        stopped, used = time.monotonic(), processor_time(self.server.workers())
        # For what it has asked before, which is a part of its turn: the server's work for it counts.
        time.sleep(0.002)
        self.since = stopped + (processor_time(self.server.workers()) - used) / 1e9

    def go_on(self):
        self.held += time.monotonic() - self.since
        self.process.send_signal(signal.SIGCONT)

    def result(self):
        """When it is through."""
        output = self.process.communicate()[0]
        assert self.process.returncode == 0, (self.server.series.name, self.process.returncode, output)
        used = processor_time(self.server.workers()) - self.before
        assert "Non-2xx" not in output and "Socket errors" not in output, (self.server.series.name, output)
        requests = int(re.search(r"(\d+) requests in", output)[1])
        # Finer than the time that it prints.
        seconds = requests / float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1])
        return {"rate": requests / (seconds - self.held), "cpu": used / requests / 1000}


def place(pid, core):
    """On this core; and not in place of another process there as soon as that one has something for it."""
    os.sched_setaffinity(pid, {core})
    os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def processor_time(pids):
    """Nanoseconds on a processor, by the scheduler's account."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)


class Instructions:
    """User-space instructions of processes: by the processor's counter where there is one, otherwise by stepping."""

    def __init__(self, stepping=False):
        self.perf = None if stepping else shutil.which("perf")
        if self.perf:
            probe = [self.perf, "stat", "-x", ",", "-e", "instructions:u", "true"]
            answer = subprocess.run(probe, capture_output=True, text=True)
            if not re.match(r"\d+,", answer.stderr):
                self.perf = None
        self.stepper = BUILD / "bench" / "instructions"
        source = BENCH / "instructions.c"
        if not self.perf and (not self.stepper.exists() or self.stepper.stat().st_mtime < source.stat().st_mtime):
            subprocess.run(["cc", "-O2", "-Wall", "-o", self.stepper, source], check=True)

    @property
    def method(self):
        return "perf stat -e instructions:u" if self.perf else "stepping (no hardware counter here)"

    def per_request(self, server, request):
        """Of a warm server, over one connection. Each request has a new token: stepping may outlive one."""
        slow = server.series.django
        connection = server.connect()

        def act(requests):
            for _ in range(requests):
                asked = request()
                if not server.series.bad:
                    server.admit(asked)
                status = server.ask(connection, asked)[0]
                assert status == server.series.status, (server.series.name, status)

        act(5 if slow else 300)
        requests = 1000 if self.perf and not slow else 3 if slow else 15
        if self.perf:
            count = self.count_by_perf(server.workers(), lambda: act(requests)) / requests
        else:
            count = median(self.count_by_steps(server.workers(), [lambda: act(1)] * requests))
        connection.close()
        return count

    def count_by_perf(self, pids, act):
        """Instructions that `pids` execute while `act` runs."""
        command = [self.perf, "stat", "-x", ",", "-e", "instructions:u", "-p", ",".join(map(str, pids))]
        perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        act()
        time.sleep(0.1)
        perf.send_signal(signal.SIGINT)
        return int(perf.communicate()[1].split(",")[0])

    def count_by_steps(self, pids, acts, addresses=()):
        """Instructions that `pids` execute during each act; with files for it, also how often at which address."""
        files = [BUILD / "bench" / f"instructions.{pid}" for pid in pids]
        # Once a second nginx writes the time in four formats, which has nothing to do with how much a request costs
        # but does with how many there are in a second: few, when they are stepped through.
        left_out = [f"{address_of('ngx_time_update', pid):x}" for pid in pids]
        commands = [[self.stepper, str(pid), file, address] for pid, file, address in zip(pids, files, left_out)]
        for command, file in zip(commands, addresses):
            command.append(file)
        counters = []
        for command, pid in zip(commands, pids):
            counters.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            # Handing over to another core at each step would take several times as long.
            os.sched_setaffinity(counters[-1].pid, {min(os.sched_getaffinity(pid))})
        try:
            for counter in counters:
                assert counter.stdout.readline() == "attached\n", "processes cannot be traced here"
            counts = [settled(files)]
            for act in acts:
                act()
                counts.append(settled(files))
            return [after - before for before, after in pairwise(counts)]
        finally:
            for counter in counters:
                counter.terminate()
            for counter in counters:
                counter.communicate()
            for file in files:
                file.unlink(missing_ok=True)


def address_of(symbol, pid):
    """Where a process has an exported function; 0 where its program has none of this name."""
    program = os.readlink(f"/proc/{pid}/exe")
    symbols = subprocess.run(["nm", "-D", "--defined-only", program], capture_output=True, text=True).stdout
    found = re.search(rf"^(\w+) T {symbol}$", symbols, re.M)
    if not found:
        return 0
    mappings = Path(f"/proc/{pid}/maps").read_text().splitlines()
    start = next(line for line in mappings if line.endswith(f" {program}")).split("-")[0]
    with open(program, "rb") as file:
        # ET_DYN: the symbols count from where the program was loaded.
        is_relocated = file.read(18)[16] == 3
    return int(found[1], 16) + is_relocated * int(start, 16)


def settled(files):
    """The count once nothing happens any more: a response arrives before the server is done with it."""
    last, unchanged = None, 0
    # On a busy machine a process may have to wait a while for its next step.
    while unchanged < 3:
        now = sum(int.from_bytes(file.read_bytes(), sys.byteorder) for file in files)
        unchanged = unchanged + 1 if now == last else 0
        last = now
        time.sleep(0.05)
    return last
