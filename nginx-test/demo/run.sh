#!/usr/bin/env bash
# Runs the sample configuration and the Django application of examples/django on loopback, until Ctrl-C.
# `make demo` builds what it needs first. Environment:
#   PORT        of both sites (8080)
#   APP_PORT    of the application behind them (PORT + 1)
#   DEMO_DIR    keeps key, database, media and logs between runs (build/demo)
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/../lib.sh"

demo=$root/nginx-test/demo
django=$root/examples/django
is_port() { [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && (($1 <= 65535)); }

port=${PORT:-8080}
is_port "$port" || die "PORT: $port: expected a port number"
app_port=${APP_PORT:-$((port + 1))}
if ! is_port "$app_port" || ((app_port == port)); then
    die "APP_PORT: $app_port: expected a port number other than $port"
fi
state=${DEMO_DIR:-$build/demo}
mkdir -p "$state"
state=$(cd "$state" && pwd)
pids=()

for file in "$build/nginx" "$build/ngx_http_crossdomain_media_module.so" "$build/venv/bin/gunicorn"; do
    [[ -e $file ]] || die "${file#"$root"/} is missing: run 'make demo', which builds it"
done

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

for taken in "$port" "$app_port"; do
    if listens "$taken"; then
        die "port $taken is in use: stop what listens there, or choose another: PORT=9080 make demo"
    fi
done

prepare() {
    mkdir -p "$state/logs" "$state/modules" "$state/media"
    ln -sf "$build/ngx_http_crossdomain_media_module.so" "$state/modules/"
    for key in secret_key media_token_key; do
        if [[ ! -s $state/$key ]]; then
            (umask 077 && "$build/venv/bin/python" -c 'import secrets; print(secrets.token_urlsafe(48))' >"$state/$key")
        fi
    done
    # By way of @app, so that neither port is mistaken for the other's place.
    sed "s/:8081\b/:@app/g; s/:8080\b/:$port/g; s/:@app/:$app_port/g" "$demo/nginx.conf" >"$state/nginx.conf"
    : >"$state/logs/access.log"
    : >"$state/logs/requests.jsonl"
}

application() {
    cd "$django"
    exec env -u DEBUG -u SECRET_KEY_FALLBACK_FILES \
        PYTHONDONTWRITEBYTECODE=1 \
        PYTHONPATH="$django:$demo" \
        DJANGO_SETTINGS_MODULE=gallery.settings \
        DATA_DIR="$state" \
        SECRET_KEY_FILE="$state/secret_key" \
        MEDIA_TOKEN_KEY_FILE="$state/media_token_key" \
        SITE_URL="http://www.localhost:$port" \
        MEDIA_URL="http://media.localhost:$port/media/" \
        "$@"
}

start() {
    "$@" >>"$state/logs/start.log" 2>&1 </dev/null &
    pids+=($!)
}

# Ends what was started here, by its process id, and waits until it has ended.
# shellcheck disable=SC2317 # called by the trap
stop() {
    trap - EXIT
    trap '' INT TERM HUP
    ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
    wait
}
trap stop EXIT
trap 'echo; exit 0' INT TERM HUP

failed() {
    tail -n 20 "$state/logs/start.log" "$state/logs/error.log" >&2 2>/dev/null || true
    die "$1 (logs: $state/logs)"
}

await() {
    local name=$1 port=$2 pid=${pids[-1]}
    for _ in {1..150}; do
        kill -0 "$pid" 2>/dev/null || failed "$name did not start"
        listens "$port" && return
        sleep 0.2
    done
    failed "$name did not listen on port $port within 30 seconds"
}

prepare
: >"$state/logs/start.log"
say 'preparing database, users, documents and a film'
users=$(application "$build/venv/bin/python" manage.py setup_gallery)

start application "$build/venv/bin/python" -m gunicorn \
    --bind "127.0.0.1:$app_port" --threads 4 --graceful-timeout 3 --no-control-socket project.wsgi
await 'the application' "$app_port"

# Started by root, the worker would give up the right to read a checkout in a private folder.
globals='daemon off;'
((EUID != 0)) || globals+=" user $(id -un) $(id -gn);"
start "$build/nginx" -p "$state" -c nginx.conf -e logs/error.log -g "$globals"
await nginx "$port"

cat <<TEXT

The application    http://www.localhost:$port/
Its media          http://media.localhost:$port/media/report.pdf
$users
Browsers and curl find *.localhost on this machine by themselves.

Open the first one: a gallery that shows the requests behind each of its pictures.
Or reload the second one after 30 seconds: the token in its address has expired, and a new one arrives by itself.
Configuration, key, media and logs: $state
Press Ctrl-C to stop. Requests:

TEXT

tail -n 0 -F "$state/logs/access.log" 2>/dev/null &
pids+=($!)

wait -n "${pids[@]}" || true
failed 'a server has ended unexpectedly'
