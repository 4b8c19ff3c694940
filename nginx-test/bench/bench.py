"""make bench: measures every series, and writes docs/performance.md and its plot.

QUICK=1 takes a fraction of the time, to see that everything works, and leaves docs/ alone: the report is in
build/bench/. SERIES="module lua" measures only these. BENCH_ROUNDS and BENCH_SECONDS: how many rounds, and how
long each series is measured in each.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

import report
from measure import Instructions, Load
from series import BUILD, BY_NAME, SERIES, UNGUARDED, Server

QUICK = bool(os.environ.get("QUICK"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 2 if QUICK else 9))
SECONDS = int(os.environ.get("BENCH_SECONDS", 1 if QUICK else 3))
OUTPUT = BUILD / "bench"


def chosen():
    """The series to measure, with those that they are measured against."""
    names = os.environ.get("SERIES", "").split() or BY_NAME
    wanted = {BY_NAME[name] for name in names}
    wanted |= {BY_NAME[series.baseline] for series in wanted if series.baseline}
    wanted |= {BY_NAME[UNGUARDED[series.debian]] for series in wanted if series.status == 200}
    return [series for series in SERIES if series in wanted]


def note(text):
    print(f"== {text}", flush=True)


def rates(servers, load):
    """Each series in turns with its baseline, the order of the two changing from round to round."""
    pairs = [server for server in servers.values() if server.series.baseline]
    runs = {server.series.name: [] for server in pairs}
    for number in range(ROUNDS):
        note(f"{load.title}: round {number + 1} of {ROUNDS}")
        for server in pairs:
            pair = [server, servers[server.series.baseline]]
            order = 1 if number % 2 else -1
            runs[server.series.name].append(load.compare(pair[::order], SECONDS)[::order])
    return runs


def instructions(servers, counter):
    """Per request; and the same requests to the unguarded location."""
    counts = {}
    for name, server in servers.items():
        note(f"instructions: {name}")
        count = counter.per_request(server, server.series.request)
        reference = servers.get(server.series.baseline or name)
        if server.series.status == 200:
            reference = servers[UNGUARDED[server.series.debian]]
        plain = count if reference is server else counter.per_request(reference, server.series.request)
        counts[name] = {"count": count, "above": count - plain}
    return counts


def summary(names, one_core, two_cores, counts):
    """What the report shows of each series."""
    rows = {}
    for name in names:
        row = rows[name] = dict(counts[name])
        for key, runs in (("one_core", one_core), ("two_cores", two_cores)):
            if not runs:
                continue
            # A baseline has no runs of its own, but those beside each series that is measured against it.
            own = [pair[0] for pair in runs.get(name, [])] or [
                pair[1] for other in runs if BY_NAME[other].baseline == name for pair in runs[other]
            ]
            ratios = [pair[0]["rate"] / pair[1]["rate"] for pair in runs.get(name, [])]
            row[key] = {
                "rate": median(run["rate"] for run in own),
                "cpu": median(run["cpu"] for run in own),
                "ratios": ratios,
                "cpu_ratios": [pair[0]["cpu"] / pair[1]["cpu"] for pair in runs.get(name, [])],
            }
    return rows


def machine():
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = next(line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    system = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )["PRETTY_NAME"].strip('"')
    virtual = " (virtual)" if " hypervisor" in cpuinfo else ""
    return {
        "processor": f"{model}{virtual}",
        "cores": os.cpu_count(),
        "system": f"{system}, Linux {os.uname().release}",
        "load": os.getloadavg()[0],
    }


def nginx_version(binary):
    return subprocess.run([binary, "-v"], capture_output=True, text=True).stderr.strip().rsplit(" ", 1)[-1]


def criterion():
    """Nanoseconds by group and name, if `cargo bench` has been run."""
    found = {}
    for file in sorted((OUTPUT / "criterion").glob("**/new/benchmark.json")):
        name = json.loads(file.read_text())
        estimates = json.loads((file.parent / "estimates.json").read_text())
        found[name["full_id"]] = estimates["median"]["point_estimate"]
    return found


def main():
    about = machine()
    if about["load"] > 0.5:
        note(f"other processes are at work (load average {about['load']:.2f}): the results will be worth less")
    about["date"] = date.today().isoformat()
    about["rounds"], about["seconds"] = ROUNDS, SECONDS
    about["nginx"] = nginx_version(BUILD / "nginx")
    about["debian_nginx"] = nginx_version(BUILD / "debian/root/usr/sbin/nginx")
    counter = Instructions()
    about["instructions"] = counter.method

    folder = OUTPUT / "servers"
    shutil.rmtree(folder, ignore_errors=True)
    # Paths of equal length, because nginx copies them.
    servers = {series.name: Server(series, folder / f"{number:02}") for number, series in enumerate(chosen())}
    cores = sorted(os.sched_getaffinity(0))
    # Where it is least in the way.
    os.sched_setaffinity(0, {cores[-1]})
    begun = time.monotonic()
    try:
        note(f"starting {len(servers)} servers")
        for server in servers.values():
            server.start()
            server.verify()
        # Before any load: afterwards a request takes up to a hundred more or fewer in malloc, by the looks of its heap.
        counts = instructions(servers, counter)
        one_core = Load("one core", servers.values(), cores[0], cores[0])
        for server in servers.values():
            one_core.run(server, 1)
        results_one = rates(servers, one_core)
        results_two = rates(servers, Load("two cores", servers.values(), cores[0], cores[1])) if cores[1:] else {}
        for server in servers.values():
            server.verify()
    finally:
        for server in servers.values():
            server.stop()

    results = {
        "about": about,
        "series": summary(servers, results_one, results_two, counts),
        "criterion": criterion(),
    }
    (OUTPUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    written = report.write(results, OUTPUT if QUICK or "SERIES" in os.environ else None)
    note(f"measured in {time.monotonic() - begun:.0f} s: see {written}")


if __name__ == "__main__":
    sys.exit(main())
