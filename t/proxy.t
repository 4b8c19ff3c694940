# What goes on behind a grant: upstreams, caches and subrequests never see a token.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# Says what reached it; a counter in the body would not show a cache hit, the status header does.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "uri: $request_uri args: $args line: $request\n"; }
    }
CONFIG

our $Guard = <<'GUARD';
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
GUARD

run_tests();

__DATA__

=== proxy_pass without a URI part
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval
my $t = token_arg("/media/a.txt");
[ "GET /media/a.txt?$t", "GET /media/a.txt?$t&x=1", "GET /media/a.txt?x=1&$t", "GET /media/a.txt?x=1&$t&y=2", "GET /media/%61.txt?$t&x=%20" ]
--- error_code eval: [ (200) x 5 ]
--- response_body eval
[ map { "uri: $_->[0] args: $_->[1] line: GET $_->[0] HTTP/1.0\n" }
  [ "/media/a.txt", "" ], [ "/media/a.txt?x=1", "x=1" ], [ "/media/a.txt?x=1", "x=1" ], [ "/media/a.txt?x=1&y=2", "x=1&y=2" ], [ "/media/%61.txt?x=%20", "x=%20" ] ]



=== proxy_pass with a URI part
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM:/up/; }"
--- request eval
my $t = token_arg("/media/a.txt");
[ "GET /media/a.txt?$t", "GET /media/a.txt?x=1&$t&y=2" ]
--- error_code eval: [ (200) x 2 ]
--- response_body eval
[ map { "uri: $_->[0] args: $_->[1] line: GET $_->[0] HTTP/1.0\n" } [ "/up/a.txt", "" ], [ "/up/a.txt?x=1&y=2", "x=1&y=2" ] ]



=== proxy_pass from a regex location
--- http_config eval: $main::Upstream
--- config eval: "location ~ ^/media/(?<name>.+)\$ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /media/a.txt?x=1 args: x=1 line: GET /media/a.txt?x=1 HTTP/1.0



=== proxy_pass with variables
--- http_config eval: $main::Upstream
--- config eval: "location ~ ^/media/(?<name>.+)\$ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM:/v/\$name?\$args; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /v/a.txt?x=1 args: x=1 line: GET /v/a.txt?x=1 HTTP/1.0



=== proxy_pass to a variable's URI
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard set \$up http://\$TEST_NGINX_UPSTREAM:; proxy_pass \$up\$request_uri; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /media/a.txt?x=1 args: x=1 line: GET /media/a.txt?x=1 HTTP/1.0



=== proxy_pass after rewrite ... break
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard rewrite ^/media/(.*)\$ /re/\$1 break; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /re/a.txt?x=1 args: x=1 line: GET /re/a.txt?x=1 HTTP/1.0



=== proxy_pass after rewrite ... last
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { rewrite ^/media/(.*)\$ /re/\$1 last; } location /re/ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /re/a.txt?x=1 args: x=1 line: GET /re/a.txt?x=1 HTTP/1.0



=== a rewrite that copies the arguments leaves no token behind
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard rewrite ^/media/(.*)\$ /re/\$1?y=2 break; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /re/a.txt?y=2&x=1 args: y=2&x=1 line: GET /re/a.txt?y=2&x=1 HTTP/1.0



=== a rewrite that repeats the token leaves none behind
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard rewrite ^/media/(.*)\$ /re/\$1?copy=1&\$args? break; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
uri: /re/a.txt?copy=1&x=1 args: copy=1&x=1 line: GET /re/a.txt?copy=1&x=1 HTTP/1.0



=== arguments that are empty without the token leave no question mark
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard rewrite ^/media/(.*)\$ /re/\$1 break; proxy_pass http://\$TEST_NGINX_UPSTREAM:/x/; }"
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_body
uri: /re/a.txt args:  line: GET /re/a.txt HTTP/1.0



=== every token's spelling and name is taken out
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard crossdomain_media_token arg:token arg:sig; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET /media/a.txt?a=1&sig=x&" . (token_arg("/media/a.txt") =~ s/token/t%6Fken/r) . "&b=2"
--- granted
--- response_body
uri: /media/a.txt?a=1&b=2 args: a=1&b=2 line: GET /media/a.txt?a=1&b=2 HTTP/1.0



=== variables of nginx name the target without the token
--- config eval
"location /media/ { $main::Guard
    add_header X-Request-Uri \$request_uri; add_header X-Args \"\$args.\"; add_header X-Query \"\$query_string.\";
    add_header X-Is-Args \"\$is_args.\"; add_header X-Arg \"\$arg_token.\"; add_header X-Request \$request; }"
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/media/a.txt") . "&x=1" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval
[ "X-Request-Uri: /media/a.txt\nX-Args: .\nX-Query: .\nX-Is-Args: .\nX-Arg: .\nX-Request: GET /media/a.txt?token=*** HTTP/1.1",
  "X-Request-Uri: /media/a.txt?x=1\nX-Args: x=1.\nX-Query: x=1.\nX-Is-Args: ?.\nX-Arg: .\nX-Request: GET /media/a.txt?token=***&x=1 HTTP/1.1" ]



=== proxy_cache: two viewers' tokens share one entry
--- http_config eval
"proxy_cache_path \$TEST_NGINX_SERVER_ROOT/media_cache keys_zone=media:1m; $main::Upstream"
--- config eval
"location /media/ { $main::Guard
    proxy_cache media; proxy_cache_valid 200 1m; add_header X-Cache \$upstream_cache_status;
    proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval
[ (map { "GET " . signed("/media/a.txt", at => $_) . "&x=1" } -1, -2, -3), "GET " . signed("/media/a.txt", at => -4) . "&x=2" ]
--- error_code eval: [ (200) x 4 ]
--- response_headers eval: [ map { "X-Cache: $_\nReferrer-Policy: no-referrer" } "MISS", "HIT", "HIT", "MISS" ]



=== proxy_cache: a key of $request_uri shares one entry as well
--- http_config eval
"proxy_cache_path \$TEST_NGINX_SERVER_ROOT/media_cache keys_zone=media:1m; $main::Upstream"
--- config eval
"location /media/ { $main::Guard
    proxy_cache media; proxy_cache_key \$request_uri; proxy_cache_valid 200 1m; add_header X-Cache \$upstream_cache_status;
    proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: [ map { "GET " . signed("/media/a.txt", at => $_) } -1, -2 ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ "X-Cache: MISS", "X-Cache: HIT" ]



=== proxy_cache: what is cached is guarded like what is not
--- http_config eval
"proxy_cache_path \$TEST_NGINX_SERVER_ROOT/media_cache keys_zone=media:1m; $main::Upstream"
--- config eval
"location /media/ { $main::Guard
    proxy_cache media; proxy_cache_valid any 1m; add_header X-Cache \$upstream_cache_status always;
    proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 302, 200, 302, 403 ]
--- response_headers eval: [ "! X-Cache", "X-Cache: MISS", "! X-Cache", "! X-Cache" ]



=== the upstream's own Cache-Control and redirect pass unchanged
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header Cache-Control "private, max-age=5"; return 302 https://elsewhere.example/; }
    }
--- config eval: "location /media/ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt")
--- error_code: 302
--- response_headers
Location: https://elsewhere.example/
Cache-Control: private, max-age=5
Referrer-Policy: no-referrer



=== strip off passes the token on
--- http_config eval: $main::Upstream
--- config eval: "location /media/ { $main::Guard crossdomain_media_strip off; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body_like: ^uri: /media/a\.txt\?token=\w+%3A[\w-]+&x=1 args: token=\w+%3A[\w-]+&x=1 line



=== strip off still keeps the token out of a redirect
--- config eval: "location /media/ { $main::Guard crossdomain_media_strip off; }"
--- request eval: "GET " . signed("/media/a.txt", at => -5000) . "&x=1"
--- redirected: https://www.example.com/media/a.txt?x=1



=== an unguarded location passes a token on, since it is not the guard's
--- http_config eval: $main::Upstream
--- config
    location /media/ { proxy_pass http://$TEST_NGINX_UPSTREAM; }
--- request
GET /media/a.txt?token=x
--- response_body
uri: /media/a.txt?token=x args: token=x line: GET /media/a.txt?token=x HTTP/1.0



=== slices are fetched without the token
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Seen $request_uri; root html; }
    }
--- config eval
"location /media/ { $main::Guard slice 4; proxy_set_header Range \$slice_range; proxy_http_version 1.1;
    proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers
X-Seen: /media/a.txt



=== a mirrored request carries no token
--- http_config eval
"log_format seen 'mirror saw \$request_uri'; server { listen \$TEST_NGINX_UPSTREAM; access_log logs/access.log seen; location / { return 200; } }"
--- config eval
"location /media/ { $main::Guard mirror /mirror; } location = /mirror { internal; proxy_pass http://\$TEST_NGINX_UPSTREAM:\$request_uri; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- wait: 0.1
--- access_log
mirror saw /media/a.txt?x=1



=== an absolute-form target without a path
--- http_config eval: $main::Upstream
--- config eval: "location / { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- raw_request eval: raw_get("http://media.example.org?" . token_arg("/") . "&x=1")
--- granted
--- response_body
uri: /?x=1 args: x=1 line: GET /?x=1 HTTP/1.0



=== $request_uri and $request are clean though an earlier phase looked at them
--- config eval
"location /media/ { $main::Guard
    set \$seen \$request_uri\$request; add_header X-Request-Uri \$request_uri; add_header X-Request \$request; }"
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_headers
X-Request-Uri: /media/a.txt?x=1
X-Request: GET /media/a.txt?token=***&x=1 HTTP/1.1



=== a request that limit_req delays is granted and cleaned once
--- http_config eval
"limit_req_zone all zone=slow:1m rate=20r/s; $main::Upstream"
--- config eval: "location /media/ { $main::Guard limit_req zone=slow burst=9; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- pipelined_requests eval: [ map { "GET " . signed("/media/a.txt", at => $_) . "&x=1" } -1, -2, -3 ]
--- error_code eval: [ (200) x 3 ]
--- response_body eval: [ ("uri: /media/a.txt?x=1 args: x=1 line: GET /media/a.txt?x=1 HTTP/1.0\n") x 3 ]



=== the upstream's Referrer-Policy and add_header's do not replace the guard's
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header Referrer-Policy unsafe-url; return 200 "private\n"; }
    }
--- config eval: "location /media/ { $main::Guard add_header Referrer-Policy origin; proxy_pass http://\$TEST_NGINX_UPSTREAM; }"
--- request eval: "GET " . signed("/media/a.txt")
--- granted
