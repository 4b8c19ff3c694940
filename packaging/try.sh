#!/usr/bin/env bash
# Loads the module into an nginx and has it read the directives, which no other build of nginx would: nginx -t.
# usage: try.sh NGINX MODULE
set -euo pipefail
nginx=${1:?usage: $0 NGINX MODULE} module=$(realpath "${2:?usage: $0 NGINX MODULE}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'a-secret-key-of-at-least-thirty-two-bytes' >"$folder/key"
chmod 600 "$folder/key"
{
    printf 'load_module %s;\npid %s/nginx.pid;\nevents {}\nhttp {\n' "$module" "$folder"
    printf '    access_log off;\n'
    for path in client_body proxy fastcgi uwsgi scgi; do
        printf '    %s_temp_path %s/temp;\n' "$path" "$folder"
    done
    printf '    server {\n        crossdomain_media https://www.example.com;\n        crossdomain_media_key key;\n    }\n}\n'
} >"$folder/nginx.conf"
"$nginx" -t -e stderr -p "$folder" -c "$folder/nginx.conf"
