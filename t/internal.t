# Internal redirects run the phases again: each re-entry is decided from what the viewer asked for,
# with the settings of the location that was reached; only the one hop after a refusal is let through.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

our $Guard = <<'GUARD';
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=main;
GUARD

our $Other = <<'GUARD';
    crossdomain_media https://other.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/other.key id=other;
GUARD

run_tests();

__DATA__

=== index: the folder's token serves its index, and without it there is none
--- config eval: "location /media/ { $main::Guard index nothing.html index.html; }"
--- request eval
[ "GET " . signed("/media/dir/"), "GET /media/dir/", "GET /media/dir/?" . token_arg("/media/dir/index.html") ]
--- error_code eval: [ 200, 302, 403 ]
--- response_body eval: [ "private index\n", qr/302/, qr/403/ ]



=== index: an open folder does not open a guarded index
--- config eval: "location = /media/dir/ { index index.html; } location /media/ { $main::Guard }"
--- request
GET /media/dir/
--- redirected: https://www.example.com/media/dir/



=== index: a folder without its slash is redirected by nginx only after the grant
--- config eval: "location /media/ { $main::Guard }"
--- request eval: [ "GET " . signed("/media/dir"), "GET /media/dir" ]
--- error_code eval: [ 301, 302 ]



=== try_files: a file
--- config eval: "location /media/ { $main::Guard try_files \$uri.txt =404; }"
--- request eval: [ "GET " . signed("/media/a"), "GET /media/a", "GET " . signed("/media/none") ]
--- error_code eval: [ 200, 302, 404 ]
--- response_body eval: [ "private\n", qr/302/, qr/404/ ]



=== try_files: another URI of the same location
--- config eval: "location /media/ { $main::Guard try_files \$uri /media/a.txt; }"
--- request eval: [ "GET " . signed("/media/none"), "GET /media/none", "GET /media/none?token=x" ]
--- error_code eval: [ 200, 302, 403 ]
--- response_body eval: [ "private\n", qr/302/, qr/403/ ]



=== try_files: a named location of a guarded server
--- config eval: "$main::Guard location /media/ { try_files \$uri \@fallback; } location \@fallback { try_files /media/a.txt =404; }"
--- request eval: [ "GET " . signed("/media/none"), "GET /media/none" ]
--- error_code eval: [ 200, 302 ]
--- response_body eval: [ "private\n", qr/302/ ]



=== try_files: from an open location into a guarded one
--- config eval: "location /open/ { try_files \$uri /media/a.txt; } location /media/ { $main::Guard }"
--- request eval
[ "GET /open/a.txt", "GET /open/none", "GET " . signed("/open/none"), "GET /open/none?" . token_arg("/media/a.txt") ]
--- error_code eval: [ 200, 302, 200, 403 ]
--- response_body eval: [ "open\n", qr/302/, "private\n", qr/403/ ]



=== try_files: from an open location into a guarded named one
--- config eval: "location /open/ { try_files \$uri \@private; } location \@private { $main::Guard try_files /media/a.txt =404; }"
--- request eval: [ "GET /open/none", "GET " . signed("/open/none") ]
--- error_code eval: [ 302, 200 ]



=== a grant does not leak into a location with other keys
--- config eval: "location /media/ { $main::Guard try_files \$uri /other/a.txt; } location /other/ { $main::Other }"
--- request eval: [ "GET " . signed("/media/none"), "GET " . signed("/media/none", key => "other.key") ]
--- error_code eval: [ 403, 403 ]
--- response_body eval: [ (qr/403/) x 2 ]



=== a grant does not leak through an index
--- config eval: "location = /media/dir/ { $main::Guard index index.html; } location /media/ { $main::Other }"
--- request eval: "GET " . signed("/media/dir/")
--- refused: 403



=== rewrite ... last into a location with other keys: only that location decides
--- config eval: "location /media/ { $main::Guard rewrite ^ /other/a.txt last; } location /other/ { $main::Other }"
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/media/a.txt", key => "other.key") ]
--- error_code eval: [ 403, 200 ]



=== error_page: our refusal's page is not guarded again
--- config eval: "$main::Guard error_page 403 /denied.html; location /media/ { }"
--- request
GET /media/a.txt?token=x
--- refused: 403
--- response_body
sorry



=== error_page: our refusal's page may answer with another status
--- config eval: "$main::Guard error_page 403 =404 /denied.html; location /media/ { }"
--- request
GET /media/a.txt?token=x
--- refused: 404
--- response_body
sorry



=== error_page: our refusal may go to a named location of the guarded server
--- config eval: "$main::Guard error_page 403 = \@denied; location /media/ { } location \@denied { try_files /denied.html =500; }"
--- suppress_stderr
--- request
GET /media/a.txt?token=x
--- refused: 200
--- response_body
sorry



=== error_page: asked for directly, the page is guarded like anything else
--- config eval: "$main::Guard error_page 403 /denied.html;"
--- request
GET /denied.html
--- redirected: https://www.example.com/denied.html



=== error_page: a page in a location with other keys is let through as well
--- config eval: "location /media/ { $main::Guard error_page 403 /other/a.txt; } location /other/ { $main::Other }"
--- request
GET /media/a.txt?token=x
--- error_code: 403
--- response_body
private other



=== error_page: the exemption ends with the one hop
--- config eval
"$main::Guard location /media/ { error_page 403 /first; } location = /first { try_files /none /media/dir/x.txt; } location /media/dir/ { error_page 403 /denied.html; }"
--- request
GET /media/a.txt?token=x
--- refused: 403



=== error_page: the exemption ends with the one hop, for an index too
--- config eval: "$main::Guard location /media/ { error_page 403 /media/dir/; index index.html; }"
--- request
GET /media/a.txt?token=x
--- refused: 403
--- response_body_unlike: private index



=== error_page with recursive_error_pages comes to an end
--- config eval: "$main::Guard recursive_error_pages on; error_page 403 404 /media/none.html; location /media/ { }"
--- request
GET /media/a.txt?token=x
--- error_code_like: ^(403|404|500)$
--- response_body_unlike: private



=== error_page: 404 after a grant is served under that grant
--- config eval: "$main::Guard error_page 404 /denied.html; location /media/ { }"
--- request eval: "GET " . signed("/media/none.txt")
--- error_code: 404
--- response_headers
Referrer-Policy: no-referrer
--- response_body
sorry



=== error_page: 404 after a grant does not open a location with other keys
--- config eval: "location /media/ { $main::Guard error_page 404 /other/a.txt; } location /other/ { $main::Other }"
--- request eval: "GET " . signed("/media/none.txt")
--- error_code: 403
--- response_body_unlike: private



=== error_page: 404 of an open location leads into a guarded one only with a token
--- config eval: "location /open/ { error_page 404 /media/a.txt; } location /media/ { $main::Guard }"
--- request eval: [ "GET /open/none", "GET " . signed("/open/none") ]
--- error_code eval: [ 302, 404 ]
--- response_body eval: [ qr/302/, "private\n" ]



=== error_page: a refusal by another module opens nothing
--- config eval: "location /open/ { deny all; error_page 403 /media/a.txt; } location /media/ { $main::Guard }"
--- request
GET /open/a.txt
--- redirected: https://www.example.com/open/a.txt



=== error_page: a status of the guard's own choice finds its page
--- config eval: "$main::Guard crossdomain_media_on missing 401; error_page 401 /denied.html; location /media/ { }"
--- request
GET /media/a.txt
--- refused: 401
--- response_body
sorry



=== X-Accel-Redirect into a guarded location needs a credential
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /media/a.txt; return 200; }
    }
--- config eval: "location /app/ { proxy_pass http://\$TEST_NGINX_UPSTREAM; } location /media/ { internal; $main::Guard }"
--- request eval: [ "GET /app/x", "GET /app/x?token=x", "GET " . signed("/app/x") ]
--- error_code eval: [ 302, 403, 200 ]
--- response_body eval: [ qr/302/, qr/403/, "private\n" ]



=== X-Accel-Redirect into a location that is off is the application's grant
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /media/a.txt; return 200; }
    }
--- config eval: "$main::Guard location /app/ { crossdomain_media off; proxy_pass http://\$TEST_NGINX_UPSTREAM; } location /media/ { internal; crossdomain_media off; }"
--- request
GET /app/x
--- error_code: 200
--- response_body
private



=== X-Accel-Redirect after a grant is decided again, with the keys of where it leads
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /other/a.txt; return 200; }
    }
--- config eval: "location /media/ { $main::Guard proxy_pass http://\$TEST_NGINX_UPSTREAM; } location /other/ { internal; $main::Other }"
--- request eval: "GET " . signed("/media/a.txt")
--- refused: 403



=== X-Accel-Redirect after a grant goes on with the same keys
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /other/a.txt; return 200; }
    }
--- config eval: "$main::Guard location /media/ { proxy_pass http://\$TEST_NGINX_UPSTREAM; } location /other/ { internal; }"
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_body
private other



=== an @named action of a guarded server does not loop
--- config eval: "$main::Guard crossdomain_media_on missing expired invalid \@app; location \@app { try_files /open/a.txt =404; }"
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ "open\n", "open\n", "private\n" ]



=== an @named action is let through once: what it redirects to is guarded
--- config eval: "$main::Guard crossdomain_media_on missing \@app; location /media/ { crossdomain_media_on missing 403; } location \@app { try_files /none /media/a.txt; }"
--- request
GET /open/a.txt
--- refused: 403



=== an @named action whose location leads back to itself ends
--- config eval: "$main::Guard crossdomain_media_on missing \@app; location \@app { try_files /none /media/a.txt; }"
--- request
GET /open/a.txt
--- error_code: 500
--- response_body_unlike: private
--- error_log
cycle



=== the variables keep the decision to the access log
--- http_config
    log_format verdict '$status verdict: $crossdomain_media_status/$crossdomain_media_reason uri: $crossdomain_media_uri';
--- config eval: "$main::Guard access_log logs/access.log verdict; error_page 403 404 /denied.html; location /media/ { }"
--- request eval: [ "GET /media/a.txt?token=x&x=1", "GET " . signed("/media/none") . "&x=1" ]
--- error_code eval: [ 403, 404 ]
--- access_log eval
[ "403 verdict: invalid/token_malformed uri: /media/a.txt?x=1" ]



=== what the viewer asked for survives the redirect to an index
--- config eval: "location /media/ { $main::Guard index index.html; add_header X-Uri \$crossdomain_media_uri; add_header X-Key \$crossdomain_media_key_id; }"
--- request eval: "GET " . signed("/media/dir/") . "&x=1"
--- granted
--- response_body
private index
--- response_headers
X-Uri: /media/dir/?x=1
X-Key: main



=== a redirect decided after an internal one sends the viewer back to what was asked for
--- config eval: "location /open/ { try_files /none /media/a.txt?y=2; } location /media/ { $main::Guard }"
--- request
GET /open/x?x=1
--- redirected: https://www.example.com/open/x?x=1



=== a subrequest is not guarded, its main request is
--- config eval: "location /media/ { $main::Guard add_after_body /open/a.txt; } location /open/ { }"
--- user_files eval: [ [ "media/a.html", "private " ], [ "open/a.txt", "open\n" ] ]
--- request eval: [ "GET /media/a.html", "GET " . signed("/media/a.html") ]
--- error_code eval: [ 302, 200 ]
--- response_body eval: [ qr/302/, "private open\n" ]



=== error_page: a redirect of ours may have a page, and keeps its Location
--- config eval: "$main::Guard error_page 302 /denied.html;"
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_body
sorry



=== error_page: a request that nginx could not read goes nowhere but to the application
--- config eval: "$main::Guard error_page 400 /denied.html;"
--- raw_request eval: "GET /media/a.txt\x01 HTTP/1.1\r\nHost: evil.example\r\n\r\n"
--- redirected: https://www.example.com/



=== post_action runs whatever was decided where it is not guarded itself, and takes no token with it
--- http_config
    log_format after 'after $http_x_of';
    server {
        listen $TEST_NGINX_UPSTREAM;
        access_log logs/access.log after;
        location / { return 204; }
    }
--- config eval: "$main::Guard location /media/ { post_action /after; } location = /after { crossdomain_media off; proxy_pass http://\$TEST_NGINX_UPSTREAM; proxy_set_header X-Of \$crossdomain_media_uri; }"
--- pipelined_requests eval: [ "GET " . signed("/media/a.txt") . "&n=1", "GET /media/a.txt?n=2", "GET " . signed("/media/a.txt") . "&n=3" ]
--- error_code eval: [ 200, 302, 200 ]
--- access_log
after /media/a.txt?n=1
after /media/a.txt?n=2
after /media/a.txt?n=3
--- no_access_log eval: qr/token=[^*]/



=== post_action after the page of a refusal is refused, and harms nobody
--- http_config
    log_format after 'after $http_x_of';
    server {
        listen $TEST_NGINX_UPSTREAM;
        access_log logs/access.log after;
        location / { return 204; }
    }
--- config eval: "$main::Guard error_page 403 /denied.html; location /media/ { } location = /denied.html { post_action /after; } location = /after { proxy_pass http://\$TEST_NGINX_UPSTREAM; proxy_set_header X-Of \$crossdomain_media_uri; }"
--- pipelined_requests eval: [ "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt"), "GET /media/a.txt?token=x" ]
--- error_code eval: [ 403, 200, 403 ]
--- response_body eval: [ "sorry\n", "private\n", "sorry\n" ]
--- no_access_log eval: qr/^after /



=== error_page: a refusal may send the viewer elsewhere
--- config eval: "location /media/ { $main::Guard error_page 403 https://login.example.org/why; }"
--- request
GET /media/a.txt?token=x
--- refused: 302
--- response_headers
Location: https://login.example.org/why
